import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log-line.ts'
import type { PartitionEffect } from '../replication/effects.ts'
import type { FetchServerStream } from '../runtime/transport.ts'
import type { FetchRequestMessage, PartitionAnswer } from '../wire/peer.ts'
import type { Replica } from './replica.ts'

/** Bytes of batches in one answer message (rules 8: at most 8 MiB with all that is around them). */
const MAX_MESSAGE_BYTES = 7 * 1024 * 1024

type AnswerEffect = Extract<PartitionEffect, { type: 'answerFetch' }>

interface Owed {
  readonly replica: Replica
  readonly effect: AnswerEffect
  readonly cutCount: number
}

interface Follower {
  readonly nodeId: number
  readonly stream: FetchServerStream
  /** Answers owed, in order. At most one data fetch and one report a partition are outstanding, so it is bounded. */
  owed: Owed[]
  scheduled: boolean
  blocked: boolean
  closed: boolean
}

/**
 * The leader's side of fetch streams: hands fetches to the partition machines and gathers the answers of one turn into one message.
 * The batches are read when the turn ends, so that everything appended in it rides along; from memory as a rule, else from disk.
 */
export class FetchServer {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #find: (topicId: string, partition: number) => Replica | undefined
  readonly #disconnected: (nodeId: number) => void
  readonly #damaged: (replica: Replica, error: Error) => void
  readonly #followers = new Map<number, Follower>()

  constructor(options: {
    readonly clock: Clock
    readonly logger: Logger
    readonly find: (topicId: string, partition: number) => Replica | undefined
    readonly disconnected: (nodeId: number) => void
    readonly damaged: (replica: Replica, error: Error) => void
  }) {
    this.#clock = options.clock
    this.#logger = options.logger
    this.#find = options.find
    this.#disconnected = options.disconnected
    this.#damaged = options.damaged
  }

  /** A follower opened a stream; an older one of the same node is closed. */
  accept(nodeId: number, stream: FetchServerStream): void {
    this.#followers.get(nodeId)?.stream.close()
    const follower: Follower = { nodeId, stream, owed: [], scheduled: false, blocked: false, closed: false }
    this.#followers.set(nodeId, follower)
    stream.onRequest((message) => this.#request(follower, message))
    stream.onDrain(() => {
      follower.blocked = false
      this.#schedule(follower)
    })
    stream.onClose(() => {
      follower.closed = true
      if (this.#followers.get(nodeId) !== follower) return
      this.#followers.delete(nodeId)
      this.#disconnected(nodeId)
    })
  }

  answer(replica: Replica, effect: AnswerEffect): void {
    const follower = this.#followers.get(effect.to)
    if (follower === undefined) return // It is gone; it asks again when it is back.
    follower.owed.push({ replica, effect, cutCount: replica.log.cutCount })
    this.#schedule(follower)
  }

  #request(follower: Follower, message: FetchRequestMessage): void {
    for (const { topicId, partition, fetch } of message.fetches) {
      const replica = this.#find(topicId, partition)
      if (replica === undefined) this.#refuse(follower, topicId, partition, fetch)
      else replica.step({ type: 'fetch', from: follower.nodeId, fetch })
    }
  }

  #refuse(follower: Follower, topicId: string, partition: number, fetch: FetchRequestMessage['fetches'][number]['fetch']): void {
    const { fetchId, fetchOffset, lastFetchedEpoch } = fetch
    const answer = {
      fetchId,
      leaderEpoch: -1,
      fetchOffset,
      lastFetchedEpoch,
      highWatermark: -1,
      logStartOffset: -1,
      result: { type: 'error', code: 'UNKNOWN_TOPIC_ID' },
    } as const
    follower.stream.send({ answers: [{ topicId, partition, answer, batches: [] }] })
  }

  #schedule(follower: Follower): void {
    if (follower.scheduled || follower.blocked || follower.closed || follower.owed.length === 0) return
    follower.scheduled = true
    this.#clock.defer(() => {
      follower.scheduled = false
      this.#flush(follower)
    })
  }

  #flush(follower: Follower): void {
    if (follower.closed || follower.blocked) return
    const answers: PartitionAnswer[] = []
    let room = MAX_MESSAGE_BYTES
    let taken = 0
    for (const owed of follower.owed) {
      if (room <= 0) break
      taken++
      const batches = this.#read(follower, owed, Math.min(room, owed.effect.maxBytes))
      if (batches === undefined) continue
      for (const batch of batches) room -= batch.length
      answers.push(toAnswer(owed, batches))
    }
    follower.owed.splice(0, taken)
    if (answers.length > 0 && !follower.stream.send({ answers })) follower.blocked = true
    this.#schedule(follower)
  }

  /** Batches from memory; undefined: they come from disk, in a message of their own. */
  #read(follower: Follower, owed: Owed, maxBytes: number): readonly Buffer[] | undefined {
    const { replica, effect, cutCount } = owed
    if (effect.answer.result.type !== 'data' || effect.maxBytes === 0) return []
    if (cutCount !== replica.log.cutCount) return []
    const cached = replica.log.readCached(effect.answer.fetchOffset, maxBytes)
    if (cached !== undefined) return cached
    replica.log.read(effect.answer.fetchOffset, maxBytes, (error, batches) => {
      if (error !== undefined) {
        this.#logger.error({ topic: replica.topic, partition: replica.partition, error: error.message }, 'a follower could not be served from disk')
        this.#damaged(replica, error)
      } else if (!follower.closed && cutCount === replica.log.cutCount && !follower.stream.send({ answers: [toAnswer(owed, batches)] })) follower.blocked = true
    })
    return undefined
  }
}

function toAnswer(owed: Owed, batches: readonly Buffer[]): PartitionAnswer {
  return { topicId: owed.replica.topicId, partition: owed.replica.partition, answer: owed.effect.answer, batches }
}
