import { demand } from './violation.ts'

/** The numbers of one replica, or of the metadata log (leader epoch = term, high watermark = commit index), in one process. */
export interface Progress {
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly logStartOffset: number
  readonly highWatermark: number
  /** A damaged log is cut as far as its leader finds it wrong, and begun anew where nothing of it can stay (rules R6.3). */
  readonly damaged?: boolean
}

/** I5: epochs never go back, the high watermark not within a leader epoch, but for a damaged log that is repaired. One instance a replica and process. */
export class NeverBack {
  #last: Progress | undefined

  observe(log: string, where: string, now: Progress): void {
    const last = this.#last
    this.#last = now
    if (last === undefined) return
    demand(now.leaderEpoch >= last.leaderEpoch, 'I5', () => `${log}: the leader epoch on ${where} went from ${last.leaderEpoch} to ${now.leaderEpoch}`)
    demand(
      now.partitionEpoch >= last.partitionEpoch,
      'I5',
      () => `${log}: the partition epoch on ${where} went from ${last.partitionEpoch} to ${now.partitionEpoch}`,
    )
    demand(
      now.damaged === true || now.logStartOffset >= last.logStartOffset,
      'start',
      () => `${log}: the log start on ${where} went from ${last.logStartOffset} to ${now.logStartOffset}`,
    )
    demand(
      now.leaderEpoch > last.leaderEpoch || now.damaged === true || now.highWatermark >= last.highWatermark,
      'I5',
      () => `${log}: the high watermark on ${where} went from ${last.highWatermark} to ${now.highWatermark} within leader epoch ${now.leaderEpoch}`,
    )
  }
}
