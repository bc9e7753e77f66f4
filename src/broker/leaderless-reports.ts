import type { LeaderlessReport } from '../controller/status.ts'
import type { Replica } from './replica.ts'

/** Reports of leaderless partitions in one heartbeat answer (rules R5.2). */
const REPORTS_A_STATUS = 1_000

/** The replicas here whose partition has no leader in the applied image, and what the controller is told of them, by turns (rules R5.2, R5.7). */
export class LeaderlessReports {
  readonly #replicas = new Set<Replica>()
  #from = 0

  note(replica: Replica, isLeaderless: boolean): void {
    if (isLeaderless) this.#replicas.add(replica)
    else this.#replicas.delete(replica)
  }

  /** The next chunk. */
  next(): LeaderlessReport[] {
    const replicas = [...this.#replicas]
    if (replicas.length > REPORTS_A_STATUS) {
      const from = this.#from % replicas.length
      this.#from = from + REPORTS_A_STATUS
      replicas.push(...replicas.splice(0, from))
      replicas.length = REPORTS_A_STATUS
    }
    return replicas.map((replica) => ({
      topicId: replica.topicId,
      partition: replica.partition,
      partitionEpoch: replica.core.partitionEpoch,
      lastEpoch: replica.core.lastEpoch,
      syncedEndOffset: replica.core.syncedEndOffset,
      suspect: replica.suspect,
      // A log that is merely dead in this process holds what it held: it stays eligible, and others wait for it (rules R5.7, R5.8).
      damaged: replica.damaged,
    }))
  }
}
