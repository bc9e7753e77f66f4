import type { Done } from '../base/done.ts'
import type { Uuid } from '../base/ids.ts'
import type { ListedOffset, OffsetAt } from '../wire/api.ts'
import type { Cluster } from './cluster.ts'
import { LeaderCall } from './leader-call.ts'

export interface OffsetQuestion {
  readonly topic: string
  readonly partition: number
  readonly at: OffsetAt
}

export interface FoundOffset extends OffsetQuestion {
  readonly topicId: Uuid
  /** −1: asked by timestamp, and no record is that late. */
  readonly offset: number
  /** Of the record found; −1 unless asked by timestamp. */
  readonly timestamp: number
}

const ATTEMPT_TIMEOUT_MS = 5_000

/** Asks the leaders where their logs begin or end, or where a time begins in them; the first error that will not pass ends it. */
export class OffsetLookup {
  readonly #call: LeaderCall<OffsetQuestion, ListedOffset>

  constructor(cluster: Cluster, questions: readonly OffsetQuestion[], timeoutMs: number, done: Done<readonly FoundOffset[]>) {
    this.#call = new LeaderCall<OffsetQuestion, ListedOffset>(
      cluster,
      {
        questions,
        timeoutMs,
        attemptTimeoutMs: ATTEMPT_TIMEOUT_MS,
        stopsAtError: true,
        ask: (connection, asked, attemptMs, answered) => {
          const partitions = asked.map(({ topicId, partition, leaderEpoch, at }) => ({ topicId, partition, leaderEpoch, at }))
          connection.listOffsets({ partitions }, attemptMs, (error, response) => answered(error, error === undefined ? response.partitions : []))
        },
      },
      (outcomes) => {
        const found: FoundOffset[] = []
        for (const { question, answer, error } of outcomes) {
          if (error !== null) {
            done(error, [])
            return
          }
          found.push({ ...question, topicId: answer.topicId, offset: answer.offset, timestamp: answer.timestamp })
        }
        done(undefined, found)
      },
    )
  }

  cancel(): void {
    this.#call.cancel()
  }
}
