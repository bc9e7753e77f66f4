import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import type { RecordInput } from '../record/records.ts'
import type { KnownTopic } from './metadata-cache.ts'
import { partitionForKey } from '../record/murmur2.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { RecordMetadata } from './produce-batch.ts'

/** A record that the producer accepted. `partition` −1: by key, or sticky without one. */
export interface AcceptedRecord {
  readonly record: RecordInput
  readonly partition: number
  readonly sizeBytes: number
  readonly done: Done<RecordMetadata>
  readonly nowMs: number
  /** Among all records of the producer, counted from 1. */
  readonly number: number
}

export interface TopicOptions {
  readonly name: string
  readonly random: Random
  readonly makeQueue: (topicId: Uuid, partition: number) => PartitionQueue
}

/**
 * The partitions of one topic by name, and the records that came before the topic, or their partition, was known.
 * unknown (records wait) → known → … a new topic id under the name dooms what the old topic still holds.
 */
export class TopicQueues {
  readonly name: string
  readonly #options: TopicOptions
  #topicId: Uuid | undefined
  #queues: PartitionQueue[] = []
  #pending: AcceptedRecord[] = []
  #sticky = -1

  constructor(options: TopicOptions) {
    this.name = options.name
    this.#options = options
  }

  get isKnown(): boolean {
    return this.#queues.length > 0
  }

  /** Records that wait for the topic, or their partition, to be known. */
  get pending(): readonly AcceptedRecord[] {
    return this.#pending
  }

  get queues(): readonly PartitionQueue[] {
    return this.#queues
  }

  /** Keeps a record until the topic, or its partition, is known: copied, because its caller may reuse the buffers. */
  hold(accepted: AcceptedRecord): void {
    const { timestamp, key, value, headers } = accepted.record
    const copies = headers?.map((header) => ({ key: header.key, value: header.value === null ? null : Buffer.from(header.value) })) ?? []
    this.#pending.push({
      ...accepted,
      record: { timestamp, key: key === null ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value), headers: copies },
    })
  }

  /** Hands out what waits: all of it, or what `isTaken` says so of, by when it was accepted. */
  takePending(isTaken: (acceptedMs: number) => boolean = () => true): AcceptedRecord[] {
    const taken = this.#pending.filter((accepted) => isTaken(accepted.nowMs))
    this.#pending = this.#pending.filter((accepted) => !isTaken(accepted.nowMs))
    return taken
  }

  /** What metadata says now. Returns the queues of another topic that had the name before: they are doomed. */
  update(known: KnownTopic | undefined, isGone: boolean): readonly PartitionQueue[] {
    let doomed: readonly PartitionQueue[] = []
    if (this.#topicId !== undefined && (isGone || (known !== undefined && known.topicId !== this.#topicId))) {
      doomed = this.#queues
      const error = new BrokerError('UNKNOWN_TOPIC_ID', `topic "${this.name}" with id ${this.#topicId} is no more`)
      for (const queue of doomed) queue.doom(error)
      this.#queues = []
      this.#topicId = undefined
      this.#sticky = -1
    }
    if (known === undefined) return doomed
    this.#topicId = known.topicId
    for (let partition = this.#queues.length; partition < known.partitions.length; partition++)
      this.#queues.push(this.#options.makeQueue(known.topicId, partition))
    for (const { partition, leader, leaderEpoch } of known.partitions) this.#queues[partition]?.updateLeader(leader, leaderEpoch)
    return doomed
  }

  /** The queue for a record; undefined when its partition does not exist. */
  choose(key: Buffer | null, partition: number, sizeBytes: number): PartitionQueue | undefined {
    if (partition >= 0) return this.#queues[partition]
    if (key !== null) return this.#queues[partitionForKey(key, this.#queues.length)]
    return this.#queues[this.#chooseSticky(sizeBytes)]
  }

  /** One partition until its batch is done, then another, at random among those with a leader. Source: KIP-480. */
  #chooseSticky(sizeBytes: number): number {
    if (this.#sticky >= 0 && this.#queues[this.#sticky]?.fits(sizeBytes) === true) return this.#sticky
    const led = this.#queues.filter((queue) => queue.leader >= 0)
    const from = led.length > 0 ? led : this.#queues
    const others = from.length > 1 ? from.filter((queue) => queue.partition !== this.#sticky) : from
    this.#sticky = (others[this.#options.random.integer(others.length)] as PartitionQueue).partition
    return this.#sticky
  }
}
