import type { Timer } from '../base/clock.ts'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { ListOffsetsResponse } from '../wire/api.ts'
import { asBrokerError, toBrokerError } from './api-error.ts'
import { backoffMs } from './backoff.ts'
import type { Cluster } from './cluster.ts'

export interface OffsetQuestion {
  readonly topic: string
  readonly partition: number
  readonly at: 'earliest' | 'latest'
}

export interface FoundOffset extends OffsetQuestion {
  readonly topicId: Uuid
  readonly offset: number
}

/**
 * Asks the leaders where their logs begin or end, until all have answered: waiting → asked → found, back to waiting after a retriable error
 * (OFFSET_NOT_AVAILABLE while a new leader does not know its high watermark yet, rules R6.7).
 */
export class OffsetLookup {
  readonly #cluster: Cluster
  readonly #done: Done<readonly FoundOffset[]>
  readonly #questions: readonly OffsetQuestion[]
  readonly #found = new Map<OffsetQuestion, FoundOffset>()
  readonly #asked = new Set<OffsetQuestion>()
  readonly #stopListening: () => void
  readonly #deadline: Timer
  #retry: Timer | undefined
  #failures = 0
  #lastError: BrokerError | undefined
  #isOver = false

  constructor(cluster: Cluster, questions: readonly OffsetQuestion[], timeoutMs: number, done: Done<readonly FoundOffset[]>) {
    this.#cluster = cluster
    this.#questions = questions
    this.#done = done
    this.#stopListening = cluster.metadata.onUpdate(() => this.#ask())
    this.#deadline = cluster.clock.after(timeoutMs, () => this.#fail(this.#timedOut()))
    for (const { topic } of questions) cluster.metadata.want(topic)
    cluster.clock.defer(() => this.#ask())
  }

  #timedOut(): BrokerError {
    const last = this.#lastError ?? this.#cluster.metadata.lastError
    return new BrokerError('REQUEST_TIMED_OUT', `the leaders did not say their offsets in time${last === undefined ? '' : `; last: ${last.message}`}`)
  }

  cancel(): void {
    this.#fail(new BrokerError('CLIENT_CLOSED', 'closed during the call'))
  }

  #ask(): void {
    if (this.#isOver) return
    const { metadata } = this.#cluster
    const byLeader = new Map<number, OffsetQuestion[]>()
    for (const question of this.#questions) {
      if (this.#found.has(question) || this.#asked.has(question)) continue
      const topic = metadata.topic(question.topic)
      const partition = topic?.partitions[question.partition]
      if (partition === undefined && (topic !== undefined || metadata.isGone(question.topic))) {
        this.#fail(new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `there is no partition ${question.partition} of a topic "${question.topic}"`))
        return
      }
      const leader = partition?.leader ?? -1
      if (leader < 0 || metadata.address(leader) === undefined) metadata.requestRefresh()
      else if (byLeader.get(leader)?.push(question) === undefined) byLeader.set(leader, [question])
    }
    for (const [leader, questions] of byLeader) this.#askLeader(leader, questions)
    if (this.#found.size === this.#questions.length) this.#finish()
  }

  #askLeader(leader: number, questions: readonly OffsetQuestion[]): void {
    const { metadata, connections, requestTimeoutMs } = this.#cluster
    const address = metadata.address(leader)
    if (address === undefined) return
    const partitions = questions.map(({ topic, partition, at }) => {
      const known = metadata.topic(topic)
      return { topicId: known?.topicId ?? '', partition, leaderEpoch: known?.partitions[partition]?.leaderEpoch ?? -1, at }
    })
    for (const question of questions) this.#asked.add(question)
    connections.to(address).listOffsets({ partitions }, Math.min(requestTimeoutMs, ATTEMPT_TIMEOUT_MS), (error, response) => {
      if (this.#isOver) return
      for (const question of questions) this.#asked.delete(question)
      if (error === undefined) this.#answered(questions, response)
      else this.#retryAfter(asBrokerError(error))
    })
  }

  #answered(questions: readonly OffsetQuestion[], response: ListOffsetsResponse): void {
    let retried: BrokerError | undefined
    for (const question of questions) {
      const topicId = this.#cluster.metadata.topic(question.topic)?.topicId
      const answer = response.partitions.find((other) => other.topicId === topicId && other.partition === question.partition)
      const error =
        answer === undefined
          ? new BrokerError('LEADER_NOT_AVAILABLE', 'the answer misses a partition')
          : answer.error === null
            ? undefined
            : toBrokerError(answer.error)
      if (answer !== undefined && topicId !== undefined && error === undefined) this.#found.set(question, { ...question, topicId, offset: answer.offset })
      else if (error?.retriable === true) retried = error
      else {
        this.#fail(error ?? new BrokerError('UNKNOWN_TOPIC_ID', `topic "${question.topic}" is no more`))
        return
      }
    }
    if (retried !== undefined) this.#retryAfter(retried)
    else this.#ask()
  }

  #retryAfter(error: BrokerError): void {
    if (!error.retriable) {
      this.#fail(error)
      return
    }
    const { clock, random, metadata } = this.#cluster
    this.#lastError = error
    this.#failures++
    if (error.code !== 'OFFSET_NOT_AVAILABLE') metadata.requestRefresh()
    this.#retry?.cancel()
    this.#retry = clock.after(backoffMs(random, this.#failures), () => this.#ask())
  }

  #finish(): void {
    this.#end()
    this.#done(
      undefined,
      this.#questions.map((question) => this.#found.get(question) as FoundOffset),
    )
  }

  #fail(error: BrokerError): void {
    if (this.#isOver) return
    this.#end()
    this.#done(error, [])
  }

  #end(): void {
    this.#isOver = true
    this.#stopListening()
    this.#deadline.cancel()
    this.#retry?.cancel()
  }
}

const ATTEMPT_TIMEOUT_MS = 5_000
