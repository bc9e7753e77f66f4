import { hasType } from '../has-type.ts'

/** What the harness asks of a node whose clock can be shifted, over the channel between them. It answers each with a report. */
export interface ClockOrder {
  readonly type: 'clock order'
  /** Undefined: as it is. */
  readonly offsetMs: number | undefined
}

export interface ClockReport {
  readonly type: 'clock report'
  /** The time of day that the node goes by, ms since 1970. */
  readonly wallMs: number
}

export function isClockOrder(message: unknown): message is ClockOrder {
  return hasType(message, 'clock order')
}

export function isClockReport(message: unknown): message is ClockReport {
  return hasType(message, 'clock report')
}
