/** A time without any acknowledgement. */
export interface Gap {
  readonly fromMs: number
  readonly toMs: number
}

const SECOND_MS = 1_000
/** Shorter ones are the rhythm of the load. */
const MIN_GAP_MS = 200

/** When anything was acknowledged: how many seconds had that, and the gaps between. */
export class Availability {
  readonly #gaps: Gap[] = []
  readonly #seconds = new Set<number>()
  #lastMs = 0

  /** `nowMs`: since the load began. */
  acknowledged(nowMs: number): void {
    this.#seconds.add(Math.floor(nowMs / SECOND_MS))
    if (nowMs - this.#lastMs >= MIN_GAP_MS) this.#gaps.push({ fromMs: this.#lastMs, toMs: nowMs })
    this.#lastMs = nowMs
  }

  /** The load is over. */
  end(nowMs: number): void {
    if (nowMs - this.#lastMs >= MIN_GAP_MS) this.#gaps.push({ fromMs: this.#lastMs, toMs: nowMs })
  }

  /** Of the seconds of the load, the share in which something was acknowledged. */
  share(forMs: number): number {
    const seconds = Math.max(1, Math.floor(forMs / SECOND_MS))
    return [...this.#seconds].filter((second) => second < seconds).length / seconds
  }

  /** The longest that overlaps with these times. */
  worstGapMs(times: readonly Gap[]): number {
    const hit = this.#gaps.filter((gap) => times.some(({ fromMs, toMs }) => gap.fromMs < toMs && gap.toMs > fromMs))
    return Math.round(Math.max(0, ...hit.map(({ fromMs, toMs }) => toMs - fromMs)))
  }
}
