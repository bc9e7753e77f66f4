import type { Clock } from '../base/clock.ts'
import { codeOf } from '../base/errors.ts'
import type { Logger } from '../base/log-line.ts'
import type { PartitionEffect } from '../replication/effects.ts'
import type { FetchServerStream } from '../runtime/transport.ts'
import type { FetchRequestMessage, PartitionAnswer } from '../wire/peer.ts'
import type { Replica } from './replica.ts'

/** Bytes of batches in one answer message (rules 8: at most 8 MiB with all that is around them). */
const MAX_MESSAGE_BYTES = 7 * 1024 * 1024

/** A producer in the answer of a reset, with its batches. */
const RESET_PRODUCER_BYTES = 150

type AnswerEffect = Extract<PartitionEffect, { type: 'answerFetch' }>

interface Owed {
  readonly topicId: string
  readonly partition: number
  /** Undefined: there is none here, and the answer says so. */
  readonly replica: Replica | undefined
  readonly answer: AnswerEffect['answer']
  readonly maxBytes: number
  readonly cutCount: number
}

interface Follower {
  readonly nodeId: number
  readonly stream: FetchServerStream
  /**
   * Answers owed, in order, one of each kind a partition: a follower that asks again has given up what it asked before, and the new
   * question takes the place of the old one in the queue.
   */
  readonly owed: Map<unknown, Owed>
  /** Those whose batches come from disk: read one at a time, so that a follower far behind costs one read of memory. */
  readonly fromDisk: Map<Replica, Owed>
  reading: boolean
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

  /** A follower opened a stream; an older one of the same node is closed, and what was asked on it is not answered any more. */
  accept(nodeId: number, stream: FetchServerStream): void {
    const older = this.#followers.get(nodeId)
    const follower: Follower = { nodeId, stream, owed: new Map(), fromDisk: new Map(), reading: false, scheduled: false, blocked: false, closed: false }
    this.#followers.set(nodeId, follower)
    if (older !== undefined) {
      older.closed = true
      older.stream.close()
      this.#disconnected(nodeId)
    }
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
    const { topicId, partition, log } = replica
    const owed = { topicId, partition, replica, answer: effect.answer, maxBytes: effect.maxBytes, cutCount: log.cutCount }
    // Data and report are two kinds: two keys of one replica.
    if (effect.maxBytes === 0) follower.owed.set(log, owed)
    else if (follower.fromDisk.has(replica)) follower.fromDisk.set(replica, owed)
    else follower.owed.set(replica, owed)
    this.#schedule(follower)
  }

  #request(follower: Follower, message: FetchRequestMessage): void {
    if (follower.closed) return
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
    follower.owed.set(`${topicId}/${partition}`, { topicId, partition, replica: undefined, answer, maxBytes: 0, cutCount: 0 })
    this.#schedule(follower)
  }

  #schedule(follower: Follower): void {
    if (follower.scheduled || follower.blocked || follower.closed || (follower.owed.size === 0 && follower.fromDisk.size === 0)) return
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
    for (const [key, owed] of follower.owed) {
      if (room <= 0) break
      follower.owed.delete(key)
      const batches = this.#readCached(owed, Math.min(room, owed.maxBytes))
      if (batches === undefined) {
        if (owed.replica !== undefined) follower.fromDisk.set(owed.replica, owed)
        continue
      }
      for (const batch of batches) room -= batch.length
      if (owed.answer.result.type === 'reset') room -= owed.answer.result.producers.length * RESET_PRODUCER_BYTES
      answers.push(toAnswer(owed, batches))
    }
    if (answers.length > 0 && !follower.stream.send({ answers })) follower.blocked = true
    this.#readDisk(follower)
    if (follower.owed.size > 0) this.#schedule(follower)
  }

  /** Batches from memory; undefined: they come from disk, in a message of their own. */
  #readCached({ replica, answer, maxBytes: asked, cutCount }: Owed, maxBytes: number): readonly Buffer[] | undefined {
    if (replica === undefined || answer.result.type !== 'data' || asked === 0 || !isCurrent(replica, answer, cutCount)) return []
    return replica.log.readCached(readFrom(replica, answer), maxBytes)
  }

  #readDisk(follower: Follower): void {
    if (follower.reading || follower.blocked || follower.closed) return
    const next = follower.fromDisk.entries().next().value
    if (next === undefined) return
    const [replica, owed] = next
    follower.fromDisk.delete(replica)
    follower.reading = true
    replica.log.read(readFrom(replica, owed.answer), owed.maxBytes, (error, batches) => {
      follower.reading = false
      if (error !== undefined && isPassing(error)) {
        // The follower asks again, and is told.
        if (!follower.closed && !follower.stream.send({ answers: [toAnswer(owed, [])] })) follower.blocked = true
      } else if (error !== undefined) {
        this.#logger.error({ topic: replica.topic, partition: replica.partition, error: error.message }, 'a follower could not be served from disk')
        this.#damaged(replica, error)
      } else if (!follower.closed) {
        const current = isCurrent(replica, owed.answer, owed.cutCount) ? batches : []
        if (!follower.stream.send({ answers: [toAnswer(owed, current)] })) follower.blocked = true
      }
      this.#readDisk(follower)
    })
  }
}

/** The log start moved on meanwhile, or the log was closed because another took its place: nothing is wrong with the disk. */
function isPassing(error: Error): boolean {
  return ['OFFSET_OUT_OF_RANGE', 'KAFKA_STORAGE_ERROR'].includes(codeOf(error))
}

/** Whether the replica still leads in the epoch of this answer, over the log that it was given for. */
function isCurrent(replica: Replica, answer: AnswerEffect['answer'], cutCount: number): boolean {
  const { core, log, dead } = replica
  return !dead && core.role === 'leader' && core.leaderEpoch === answer.leaderEpoch && cutCount === log.cutCount
}

/** A log start may lie within a batch: that one is read by an offset that it still serves. */
function readFrom({ log }: Replica, { fetchOffset }: AnswerEffect['answer']): number {
  return Math.max(fetchOffset, log.startOffset)
}

function toAnswer({ topicId, partition, answer }: Owed, batches: readonly Buffer[]): PartitionAnswer {
  return { topicId, partition, answer, batches }
}
