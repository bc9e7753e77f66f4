import type { Timer } from '../base/clock.ts'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import { type ApiError, MAX_REQUEST_PARTITIONS } from '../wire/api.ts'
import { asBrokerError, toBrokerError } from './api-error.ts'
import { backoffMs } from './backoff.ts'
import type { Cluster } from './cluster.ts'
import type { ClientConnection } from './transport.ts'

export interface PartitionQuestion {
  readonly topic: string
  readonly partition: number
}

/** A question with what the client knows of its partition. */
export type AskedQuestion<Question> = Question & { readonly topicId: Uuid; readonly leaderEpoch: number }

/** What the leader of a partition says; error null: the answer counts. */
export interface PartitionAnswer {
  readonly topicId: Uuid
  readonly partition: number
  readonly error: ApiError | null
}

export type Outcome<Question, Answer> = { readonly question: Question } & (
  | { readonly answer: Answer; readonly error: null }
  | { readonly answer: null; readonly error: BrokerError }
)

export interface LeaderCallOptions<Question, Answer> {
  readonly questions: readonly Question[]
  readonly timeoutMs: number
  /** One request to one leader, about all its partitions. Repeating it must be harmless. */
  ask(connection: ClientConnection, questions: readonly AskedQuestion<Question>[], timeoutMs: number, done: Done<readonly Answer[]>): void
  /** For one attempt. */
  readonly attemptTimeoutMs: number
  /** The first error that will not pass ends the call. */
  readonly stopsAtError: boolean
}

/**
 * Asks the leaders of partitions until all have answered: waiting → asked → settled, back to waiting after a retriable error
 * (OFFSET_NOT_AVAILABLE while a new leader does not know its high watermark yet, rules R6.7). Outcomes are in the order of the questions;
 * whoever has not answered when time is over has REQUEST_TIMED_OUT, indefinite.
 */
export class LeaderCall<Question extends PartitionQuestion, Answer extends PartitionAnswer> {
  readonly #cluster: Cluster
  readonly #options: LeaderCallOptions<Question, Answer>
  readonly #done: (outcomes: readonly Outcome<Question, Answer>[]) => void
  readonly #settled = new Map<Question, Outcome<Question, Answer>>()
  readonly #asked = new Set<Question>()
  readonly #stopListening: () => void
  readonly #deadline: Timer
  #retry: Timer | undefined
  #failures = 0
  #lastError: BrokerError | undefined
  #isOver = false

  constructor(cluster: Cluster, options: LeaderCallOptions<Question, Answer>, done: (outcomes: readonly Outcome<Question, Answer>[]) => void) {
    this.#cluster = cluster
    this.#options = options
    this.#done = done
    this.#stopListening = cluster.metadata.onUpdate(() => this.#ask())
    this.#deadline = cluster.clock.after(options.timeoutMs, () => this.#end(this.#timedOut()))
    for (const { topic } of options.questions) cluster.metadata.want(topic)
    cluster.clock.defer(() => this.#ask())
  }

  /** Ends the call now; what has no answer is indefinite. */
  cancel(): void {
    this.#end(new BrokerError('CLIENT_CLOSED', 'closed during the call', { definite: false }))
  }

  #timedOut(): BrokerError {
    const last = this.#lastError ?? this.#cluster.metadata.lastError
    return new BrokerError('REQUEST_TIMED_OUT', `the leaders did not answer in time${last === undefined ? '' : `; last: ${last.message}`}`)
  }

  #ask(): void {
    if (this.#isOver) return
    const { metadata } = this.#cluster
    const byLeader = new Map<number, Question[]>()
    for (const question of metadata.isBehind ? [] : this.#options.questions) {
      if (this.#settled.has(question) || this.#asked.has(question)) continue
      const topic = metadata.topic(question.topic)
      const partition = topic?.partitions[question.partition]
      if (partition === undefined && (metadata.lacksPartition(question.topic, question.partition) || metadata.isGone(question.topic))) {
        this.#fail(question, new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `there is no partition ${question.partition} of a topic "${question.topic}"`))
        if (this.#isOver) return
        continue
      }
      const leader = partition?.leader ?? -1
      if (leader < 0 || metadata.address(leader) === undefined) metadata.requestRefresh()
      else if (byLeader.get(leader)?.push(question) === undefined) byLeader.set(leader, [question])
    }
    for (const [leader, questions] of byLeader) {
      for (let at = 0; at < questions.length; at += MAX_REQUEST_PARTITIONS) this.#askLeader(leader, questions.slice(at, at + MAX_REQUEST_PARTITIONS))
    }
    if (this.#settled.size === this.#options.questions.length) this.#end(undefined)
  }

  #askLeader(leader: number, questions: readonly Question[]): void {
    const { metadata, connections, requestTimeoutMs } = this.#cluster
    const address = metadata.address(leader)
    if (address === undefined) return
    const asked = questions.map((question): AskedQuestion<Question> => {
      const known = metadata.topic(question.topic)
      return { ...question, topicId: known?.topicId ?? '', leaderEpoch: known?.partitions[question.partition]?.leaderEpoch ?? -1 }
    })
    for (const question of questions) this.#asked.add(question)
    this.#options.ask(connections.to(address), asked, Math.min(requestTimeoutMs, this.#options.attemptTimeoutMs), (error, answers) => {
      if (this.#isOver) return
      for (const question of questions) this.#asked.delete(question)
      if (error === undefined) this.#answered(questions, answers)
      else this.#refused(questions, asBrokerError(error))
    })
  }

  #answered(questions: readonly Question[], answers: readonly Answer[]): void {
    const byPartition = new Map(answers.map((answer) => [partitionKey(answer.topicId, answer.partition), answer]))
    let retried: BrokerError | undefined
    for (const question of questions) {
      const answer = byPartition.get(partitionKey(this.#cluster.metadata.topic(question.topic)?.topicId, question.partition))
      if (answer === undefined) retried = new BrokerError('LEADER_NOT_AVAILABLE', 'the answer misses a partition')
      else if (answer.error === null) this.#settled.set(question, { question, answer, error: null })
      else {
        const error = toBrokerError(answer.error)
        if (error.leader !== undefined) this.#cluster.metadata.noteLeader(answer, error.leader)
        if (error.retriable) retried = error
        else this.#fail(question, error)
        if (this.#isOver) return
      }
    }
    if (retried !== undefined) this.#retryAfter(retried)
    else this.#ask()
  }

  /** The request itself failed. */
  #refused(questions: readonly Question[], error: BrokerError): void {
    if (error.retriable) {
      this.#retryAfter(error)
      return
    }
    for (const question of questions) if (!this.#isOver) this.#fail(question, error)
    this.#ask()
  }

  #retryAfter(error: BrokerError): void {
    const { clock, random, metadata } = this.#cluster
    this.#lastError = error
    this.#failures++
    if (error.code !== 'OFFSET_NOT_AVAILABLE') metadata.requestRefresh()
    this.#retry?.cancel()
    this.#retry = clock.after(backoffMs(random, this.#failures), () => this.#ask())
  }

  #fail(question: Question, error: BrokerError): void {
    this.#settled.set(question, { question, answer: null, error })
    if (this.#options.stopsAtError) this.#end(error)
  }

  /** `rest`: what those have that are not settled. */
  #end(rest: BrokerError | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopListening()
    this.#deadline.cancel()
    this.#retry?.cancel()
    this.#done(this.#options.questions.map((question) => this.#settled.get(question) ?? { question, answer: null, error: rest as BrokerError }))
  }
}

function partitionKey(topicId: Uuid | undefined, partition: number): string {
  return `${topicId}/${partition}`
}
