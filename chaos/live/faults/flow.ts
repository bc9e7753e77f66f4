/** One end of a connection: a node, or a machine that clients run on. */
export type End = `node-${number}` | `client-${number}`

/** What the way from one end to another does with bytes. */
export interface Condition {
  /** Nothing arrives until it is lifted: neither bytes, nor a new connection, nor the end of one. */
  readonly isCut: boolean
  readonly delayMs: number
  /** Added to the delay, drawn anew for each chunk; none overtakes another. */
  readonly jitterMs: number
  /** Infinity: as fast as it goes. */
  readonly bytesPerSecond: number
  /** One chunk in so many has a byte flipped; 0: none. */
  readonly corruptOneIn: number
}

export const clear: Condition = { isCut: false, delayMs: 0, jitterMs: 0, bytesPerSecond: Infinity, corruptOneIn: 0 }

/** All of them at once. */
export function combine(conditions: readonly Condition[]): Condition {
  return {
    isCut: conditions.some(({ isCut }) => isCut),
    delayMs: conditions.reduce((sum, { delayMs }) => sum + delayMs, 0),
    jitterMs: conditions.reduce((sum, { jitterMs }) => sum + jitterMs, 0),
    bytesPerSecond: Math.min(Infinity, ...conditions.map(({ bytesPerSecond }) => bytesPerSecond)),
    corruptOneIn: Math.max(0, ...conditions.map(({ corruptOneIn }) => corruptOneIn)),
  }
}

/** What conditions did so far. */
export interface FlowCounts {
  /** Chunks that came while it was cut, and connections that were tried. */
  held: number
  delayed: number
  throttled: number
  corrupted: number
}

/** The way from one end to another: bytes of all connections between them, whoever opened them. */
export class Flow {
  readonly from: End
  readonly to: End
  readonly counts: FlowCounts = { held: 0, delayed: 0, throttled: 0, corrupted: 0 }
  /** To be called when the condition changes. */
  readonly waiting = new Set<() => void>()
  #condition: Condition = clear

  constructor(from: End, to: End) {
    this.from = from
    this.to = to
  }

  get condition(): Condition {
    return this.#condition
  }

  set condition(condition: Condition) {
    this.#condition = condition
    for (const wake of [...this.waiting]) wake()
  }
}
