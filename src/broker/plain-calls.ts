import type { Clock } from '../base/clock.ts'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import { isCodecLoaded, loadCodec } from '../compression/codecs.ts'
import { findTopic, type MetadataImage, type TopicImage } from '../metadata/image.ts'
import type { PartitionState } from '../metadata/records.ts'
import { partitionForKey } from '../record/murmur2.ts'
import type { FetchedPartition, FetchResponse, ListOffsetsRequest, ListOffsetsResponse, ProduceResponse } from '../wire/api.ts'
import { fromApiError } from '../wire/error-codec.ts'
import type { FetchRecordsRequest, FetchRecordsResponse, ProduceRecordsRequest, ProduceRecordsResponse } from '../wire/plain-api.ts'
import type { BrokerSession } from './api.ts'
import { hintAt } from './leader-hint.ts'
import { codecsOf, encodePlainRecords, readPlainRecords } from './plain-records.ts'
import { notCaughtUp, type QueryContext } from './queries.ts'

const ALL_IN_SYNC = -1
const DEFAULT_TIMEOUT_MS = 30_000
/** How long a call waits for a partition that this node leads, but has not opened yet: right after a topic was made. */
const MAX_OPENING_MS = 2_000
const OPENING_CHECK_MS = 20
/** In place of an offset, as Kafka has them; −1 is the high watermark. */
const EARLIEST = -2
/** gRPC clients take answers of 4 MiB unless told otherwise; 64 KiB are left for what is around the records. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024 - 64 * 1024
export const MAX_ANSWER_RECORDS = 10_000

export interface PlainCallsOptions {
  readonly nodeId: number
  readonly clock: Clock
  readonly image: () => MetadataImage
  readonly isCaughtUp: QueryContext['isCaughtUp']
  /** Whether the log of this partition is not open here (yet). */
  readonly isClosed: (topicId: Uuid, partition: number) => boolean
  listOffsets(request: ListOffsetsRequest, done: Done<ListOffsetsResponse>): void
}

/** ProduceRecords and FetchRecords: what a program without batch code asks, put into the words of Produce and Fetch. */
export class PlainCalls {
  readonly #options: PlainCallsOptions
  /** Where records without a key went last, over all topics. */
  #turn = 0

  constructor(options: PlainCallsOptions) {
    this.#options = options
  }

  /** Throws, or answers, what the client must know. */
  produce(session: BrokerSession, request: ProduceRecordsRequest, done: Done<ProduceRecordsResponse>): void {
    const acks = request.acks ?? ALL_IN_SYNC
    checkIdempotence(request, acks)
    // A stream would not be read on; a call is said no to, before anything of it is kept.
    if (session.paused)
      throw new BrokerError('THROTTLING_QUOTA_EXCEEDED', 'this node holds as many bytes as it may that are not yet replicated; try again shortly')
    const topic = this.#topic(request.topic)
    const { partition } = this.#leading(topic, this.#choose(topic, request))
    const batch = encodePlainRecords(request.records, request.idempotence, this.#options.clock.wallMs())
    const timeoutMs = request.timeoutMs === 0 ? DEFAULT_TIMEOUT_MS : request.timeoutMs
    const partitions = [{ topicId: topic.topicId, partition, leaderEpoch: -1, batch }]
    this.#whenOpen(topic.topicId, partition, () => {
      session.produce({ requestId: 0, acks, timeoutMs, partitions }, ({ partitions: [produced] }: ProduceResponse) => {
        if (produced === undefined || produced.error !== null) done(failure(produced), undefined as never)
        else done(undefined, { partition, baseOffset: produced.baseOffset })
      })
      if (acks === 0) this.#options.clock.defer(() => done(undefined, { partition, baseOffset: -1 }))
    })
  }

  /** Throws, or answers, what the client must know. */
  fetch(session: BrokerSession, request: FetchRecordsRequest, done: Done<FetchRecordsResponse>): void {
    const topic = this.#topic(request.topic)
    const { topicId } = topic
    const { partition } = this.#leading(topic, request.partition)
    const fetchFrom = (offset: number): void => this.#fetch(session, topicId, { ...request, offset }, done)
    this.#whenOpen(topicId, partition, () => {
      if (request.offset >= 0) fetchFrom(request.offset)
      else this.#resolve(topicId, request, fetchFrom, done)
    })
  }

  #resolve(topicId: Uuid, request: FetchRecordsRequest, fetchFrom: (offset: number) => void, done: Done<FetchRecordsResponse>): void {
    const { partition } = request
    const at = request.offset === EARLIEST ? 'earliest' : 'latest'
    this.#options.listOffsets({ partitions: [{ topicId, partition, leaderEpoch: -1, at }] }, (error, response) => {
      const listed = response?.partitions[0]
      if (error !== undefined) done(error, undefined as never)
      else if (listed === undefined || listed.error !== null) done(failure(listed), undefined as never)
      else fetchFrom(listed.offset)
    })
  }

  #fetch(session: BrokerSession, topicId: Uuid, request: FetchRecordsRequest, done: Done<FetchRecordsResponse>): void {
    const { partition, offset, maxWaitMs } = request
    const maxBytes = within(request.maxBytes, MAX_ANSWER_BYTES)
    const partitions = [{ topicId, partition, leaderEpoch: -1, fetchOffset: offset, maxBytes }]
    const minBytes = Math.max(1, request.minBytes)
    session.fetch({ requestId: 0, maxWaitMs, minBytes, maxBytes, partitions }, ({ partitions: [fetched] }: FetchResponse) => {
      if (fetched === undefined || fetched.error !== null) done(failure(fetched), undefined as never)
      else this.#answer(fetched, request, done)
    })
  }

  #answer(fetched: FetchedPartition, request: FetchRecordsRequest, done: Done<FetchRecordsResponse>): void {
    const { batches, highWatermark, logStartOffset } = fetched
    const limits = { from: request.offset, maxBytes: within(request.maxBytes, MAX_ANSWER_BYTES), maxRecords: within(request.maxRecords, MAX_ANSWER_RECORDS) }
    let response: FetchRecordsResponse
    try {
      const missing = [...codecsOf(batches)].find((codec) => !isCodecLoaded(codec))
      if (missing !== undefined) {
        loadCodec(missing, (error) => (error === undefined ? this.#answer(fetched, request, done) : done(error, undefined as never)))
        return
      }
      response = { ...readPlainRecords(batches, limits), highWatermark, logStartOffset }
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      done(error, undefined as never)
      return
    }
    done(undefined, response)
  }

  /** What comes after it says what is wrong, if the log is not open by then. */
  #whenOpen(topicId: Uuid, partition: number, resume: () => void): void {
    const { clock, isClosed } = this.#options
    const deadline = clock.monotonicMs() + MAX_OPENING_MS
    const check = (): void => {
      if (isClosed(topicId, partition) && clock.monotonicMs() < deadline) clock.after(OPENING_CHECK_MS, check)
      else resume()
    }
    check()
  }

  #topic(name: string): TopicImage {
    const topic = findTopic(this.#options.image(), name)
    // At once: records would take up memory as long as the call waits.
    if (topic === undefined && !this.#options.isCaughtUp()) throw notCaughtUp()
    if (topic === undefined)
      throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `this node knows no topic "${name.slice(0, 249)}" (yet): create it, or try again`)
    return topic
  }

  /** The partition, which this node leads. Another one's leader is named. */
  #leading({ name, partitions }: TopicImage, partition: number): PartitionState {
    const state = partitions[partition]
    if (state === undefined)
      throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `topic "${name}" has ${partitions.length} partitions, from 0 on; there is no partition ${partition}`)
    if (state.leader === this.#options.nodeId) return state
    if (state.leader === -1) throw new BrokerError('LEADER_NOT_AVAILABLE', `partition ${partition} of topic "${name}" has no leader now; try again shortly`)
    throw new BrokerError('NOT_LEADER_OR_FOLLOWER', `node ${state.leader} leads partition ${partition} of topic "${name}"`, {
      leader: hintAt(this.#options.image(), state.leader, state.leaderEpoch),
    })
  }

  /** By the keys; without one, in turn among the partitions that this node leads. */
  #choose({ partitions }: TopicImage, { partition, records }: ProduceRecordsRequest): number {
    if (partition !== null && partition !== -1) return partition
    const chosen = new Set<number>()
    for (const { key } of records) if (key !== null) chosen.add(partitionForKey(key, partitions.length))
    const [byKey, ...others] = chosen
    if (others.length > 0)
      throw new BrokerError('INVALID_REQUEST', `the keys of this call belong to ${chosen.size} partitions; send one call a partition, or name the partition`)
    if (byKey !== undefined) return byKey
    const led = partitions.filter((state) => state.leader === this.#options.nodeId)
    this.#turn += 1
    return led[this.#turn % led.length]?.partition ?? partitions.find((state) => state.leader !== -1)?.partition ?? 0
  }
}

/** 0 stands for the limit. */
function within(asked: number, limit: number): number {
  return asked === 0 ? limit : Math.min(asked, limit)
}

/** What a partition's answer says in place of what was asked. */
function failure(answer: { readonly error: FetchedPartition['error'] } | undefined): BrokerError {
  return answer?.error ? fromApiError(answer.error) : new BrokerError('UNKNOWN_SERVER_ERROR', 'the partition was not answered for')
}

function checkIdempotence({ idempotence, partition }: ProduceRecordsRequest, acks: number): void {
  if (idempotence === null) return
  const { producerId, producerEpoch, baseSequence } = idempotence
  const refuse = (why: string): never => {
    throw new BrokerError('INVALID_REQUEST', `idempotence: ${why}`)
  }
  if (partition === null || partition === -1) refuse('name the partition, for sequences count in each partition on its own')
  if (acks !== ALL_IN_SYNC) refuse('acks must be −1 (all in-sync replicas), else what was acknowledged may be missing from the sequence')
  if (producerId < 0) refuse(`producer_id is ${producerId}; ask for one with CreateProducerId`)
  if (producerEpoch < 0 || producerEpoch > 0x7fff) refuse(`producer_epoch is ${producerEpoch}; it is from 0 to 32767`)
  if (baseSequence < 0) refuse(`base_sequence is ${baseSequence}; it is from 0 to 2147483647`)
}
