/** A time without any acknowledgement. */
export interface Gap {
  readonly fromMs: number
  readonly toMs: number
}

const SECOND_MS = 1_000

/** When anything was acknowledged: how many seconds had that, and the gaps between. */
export class Availability {
  /** In their order, as millisecond of the load. */
  readonly #acknowledgedMs: number[] = []
  #endMs = 0

  /** `nowMs`: since the load began. */
  acknowledged(nowMs: number): void {
    this.#acknowledgedMs.push(nowMs)
    this.#endMs = nowMs
  }

  /** The load is over. */
  end(nowMs: number): void {
    this.#endMs = nowMs
  }

  /** Of the seconds of the load, the share in which something was acknowledged. */
  share(forMs: number): number {
    const seconds = Math.max(1, Math.floor(forMs / SECOND_MS))
    const withAny = new Set(this.#acknowledgedMs.map((atMs) => Math.floor(atMs / SECOND_MS)))
    return [...withAny].filter((second) => second < seconds).length / seconds
  }

  /** The longest that overlaps with these times; with a quick load and no fault it is the rhythm of the load. */
  worstGapMs(times: readonly Gap[]): number {
    let worstMs = 0
    let fromMs = 0
    for (const toMs of [...this.#acknowledgedMs, this.#endMs]) {
      if (toMs - fromMs > worstMs && times.some((time) => fromMs < time.toMs && toMs > time.fromMs)) worstMs = toMs - fromMs
      fromMs = toMs
    }
    return Math.round(worstMs)
  }
}
