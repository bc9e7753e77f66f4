import type { Done, DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { ControllerReply, PartitionOutcome } from '../controller/commands.ts'
import { findPartition, type MetadataImage, type TopicImage } from '../metadata/image.ts'
import type { ControllerClient } from '../runtime/controller-client.ts'
import type {
  AlterReassignmentsRequest,
  AlterReassignmentsResponse,
  AlterTopicRequest,
  CreateProducerIdResponse,
  CreateTopicRequest,
  CreateTopicResponse,
  DeleteTopicRequest,
  ElectedLeader,
  ElectLeadersRequest,
  ElectLeadersResponse,
  ReassignedPartition,
  TopicInfo,
} from '../wire/api.ts'
import { toApiError, unexpectedReply } from './api-error.ts'
import { type ImageWaiters, topicInfo } from './queries.ts'

/** Producer ids that a broker asks for at a time (Kafka: ProducerIdsBlock, 1,000). */
const PRODUCER_ID_BLOCK = 1000
const PRODUCER_ID_TIMEOUT_MS = 10_000
const MAX_TIMEOUT_MS = 300_000

/** Topic administration and producer ids: asked here, decided by the active controller, answered when this node has applied it. */
export class Topics {
  readonly #controllerClient: ControllerClient
  readonly #waiters: ImageWaiters
  readonly #image: () => MetadataImage
  readonly #waitingForIds: Done<CreateProducerIdResponse>[] = []
  #nextProducerId = 0
  #lastProducerId = -1
  #isAsking = false

  constructor(options: { readonly controllerClient: ControllerClient; readonly waiters: ImageWaiters; readonly image: () => MetadataImage }) {
    this.#controllerClient = options.controllerClient
    this.#waiters = options.waiters
    this.#image = options.image
  }

  create(request: CreateTopicRequest, done: Done<CreateTopicResponse>): void {
    const { name, topicId, partitions, replicationFactor, assignment, configs, validateOnly } = request
    const timeoutMs = Math.max(1, Math.min(request.timeoutMs, MAX_TIMEOUT_MS))
    this.#controllerClient.request(
      { type: 'createTopic', name, topicId, partitions, replicationFactor, assignment, configs, validateOnly },
      timeoutMs,
      (reply) => {
        if (reply.type !== 'topicCreated') {
          done(unexpectedReply(reply), undefined as never)
          return
        }
        const answer: CreateTopicResponse = {
          topicId: reply.topicId,
          partitions: reply.partitions,
          replicationFactor: reply.replicationFactor,
          assignment: reply.assignment,
        }
        if (validateOnly) done(undefined, answer)
        else this.#waitForLeaders(answer, timeoutMs, done)
      },
    )
  }

  /** CreateTopics answers when every partition has a leader (rules R5.9). */
  #waitForLeaders(answer: CreateTopicResponse, timeoutMs: number, done: Done<CreateTopicResponse>): void {
    const hasLeaders = (): boolean => {
      const topic = this.#image().topics.get(answer.topicId)
      return topic !== undefined && topic.partitions.length >= answer.partitions && topic.partitions.every((state) => state.leader !== -1)
    }
    this.#waiters.wait(hasLeaders, timeoutMs, (isDue) => {
      if (isDue) done(undefined, answer)
      else done(new BrokerError('REQUEST_TIMED_OUT', 'the topic was created, but not every partition has a leader yet'), undefined as never)
    })
  }

  alter(request: AlterTopicRequest, done: Done<TopicInfo>): void {
    const { topicId, partitions, assignment, set, validateOnly } = request
    const timeoutMs = Math.max(1, Math.min(request.timeoutMs, MAX_TIMEOUT_MS))
    const command = { type: 'alterTopic', topicId, partitions, assignment, set, delete: request.delete, validateOnly } as const
    this.#controllerClient.request(command, timeoutMs, (reply) => {
      if (reply.type !== 'topicAltered') {
        done(unexpectedReply(reply), undefined as never)
        return
      }
      this.#waitForOffset(reply.metadataOffset, timeoutMs, 'the topic was altered', (error) => {
        const topic = this.#image().topics.get(topicId)
        if (error !== undefined) done(error, undefined as never)
        else if (topic === undefined) done(new BrokerError('UNKNOWN_TOPIC_ID', 'the topic was deleted meanwhile', { definite: false }), undefined as never)
        else done(undefined, validateOnly ? alteredInfo(topic, reply) : topicInfo(topic))
      })
    })
  }

  electLeaders(request: ElectLeadersRequest, done: Done<ElectLeadersResponse>): void {
    const timeoutMs = Math.max(1, Math.min(request.timeoutMs, MAX_TIMEOUT_MS))
    const { unclean, partitions: asked, validateOnly } = request
    const before = this.#image()
    const metadataOffset = request.metadataOffset ?? before.offset
    this.#controllerClient.request({ type: 'electLeaders', unclean, partitions: asked, validateOnly, metadataOffset }, timeoutMs, (reply) => {
      if (reply.type !== 'leadersElected') {
        done(unexpectedReply(reply), undefined as never)
        return
      }
      const partitions = reply.partitions.map((one) => ({ ...outcomeInfo(one), elected: one.elected }))
      this.#waitForOffset(reply.metadataOffset, timeoutMs, 'leaders were elected', (error) => {
        const now = this.#image()
        const outcomes = validateOnly ? partitions : partitions.map((one) => withLeaderSince(one, before, now))
        done(error, { partitions: outcomes, metadataOffset: reply.metadataOffset })
      })
    })
  }

  alterReassignments(request: AlterReassignmentsRequest, done: Done<AlterReassignmentsResponse>): void {
    const { partitions: moves, bytesPerSecond, validateOnly } = request
    const timeoutMs = Math.max(1, Math.min(request.timeoutMs, MAX_TIMEOUT_MS))
    const before = this.#image()
    this.#controllerClient.request({ type: 'alterReassignments', moves, bytesPerSecond, validateOnly }, timeoutMs, (reply) => {
      if (reply.type !== 'reassignmentsAltered') {
        done(unexpectedReply(reply), undefined as never)
        return
      }
      const partitions = reply.partitions.map(outcomeInfo)
      this.#waitForOffset(reply.metadataOffset, timeoutMs, 'the move was decided', (error) => {
        const now = this.#image()
        done(error, { partitions: validateOnly ? partitions : partitions.map((one) => withMoveBack(one, before, now)) })
      })
    })
  }

  /** What was decided is known here, to whoever asks this node next. */
  #waitForOffset(offset: number, timeoutMs: number, what: string, done: DoneVoid): void {
    this.#waiters.wait(
      () => this.#image().offset >= offset,
      timeoutMs,
      (isDue) => done(isDue ? undefined : new BrokerError('REQUEST_TIMED_OUT', `${what}, but this node has not applied that yet`)),
    )
  }

  delete(request: DeleteTopicRequest, done: Done<void>): void {
    const timeoutMs = Math.max(1, Math.min(request.timeoutMs, MAX_TIMEOUT_MS))
    const { topicId } = request
    const existed = this.#image().topics.has(topicId)
    this.#controllerClient.request({ type: 'deleteTopic', topicId }, timeoutMs, (reply) => {
      // Seen here before it was asked, gone now: an earlier attempt of this request deleted it.
      const isGone = reply.type === 'done' || (existed && reply.type === 'error' && reply.code === 'UNKNOWN_TOPIC_ID')
      if (!isGone) {
        done(unexpectedReply(reply), undefined)
        return
      }
      this.#waiters.wait(
        () => !this.#image().topics.has(topicId),
        timeoutMs,
        () => done(undefined, undefined),
      )
    })
  }

  createProducerId(done: Done<CreateProducerIdResponse>): void {
    this.#waitingForIds.push(done)
    this.#serveIds()
  }

  #serveIds(): void {
    while (this.#waitingForIds.length > 0 && this.#nextProducerId <= this.#lastProducerId) {
      const done = this.#waitingForIds.shift() as Done<CreateProducerIdResponse>
      done(undefined, { producerId: this.#nextProducerId++, producerEpoch: 0 })
    }
    if (this.#waitingForIds.length === 0 || this.#isAsking) return
    this.#isAsking = true
    this.#controllerClient.request({ type: 'allocateProducerIds', count: PRODUCER_ID_BLOCK }, PRODUCER_ID_TIMEOUT_MS, (reply) => {
      this.#isAsking = false
      if (reply.type === 'producerIds') {
        this.#nextProducerId = reply.firstProducerId
        this.#lastProducerId = reply.firstProducerId + reply.count - 1
        this.#serveIds()
        return
      }
      for (const waiting of this.#waitingForIds.splice(0)) waiting(unexpectedReply(reply), undefined as never)
    })
  }
}

/** The topic as a change would make it: its added partitions have no leader yet, for they are not there. */
function alteredInfo(topic: TopicImage, reply: Extract<ControllerReply, { readonly type: 'topicAltered' }>): TopicInfo {
  const first = topic.partitions.length
  const added = reply.added.map((replicas, at) => ({
    partition: first + at,
    leader: -1,
    leaderEpoch: 0,
    replicas,
    isr: [],
    elr: [],
    addingReplicas: [],
    removingReplicas: [],
  }))
  const { partitions, ...info } = topicInfo(topic)
  return { ...info, configs: reply.configs, partitions: [...partitions, ...added] }
}

/*
 * A command that is not answered goes to the controller again: the second copy finds done what the first did. So what it then refuses holds only where
 * this node saw no such change since it was asked.
 */

function withLeaderSince(one: ElectedLeader, before: MetadataImage, now: MetadataImage): ElectedLeader {
  const leader = findPartition(now, one.topicId, one.partition)?.leader ?? -1
  if (one.error?.code !== 'ELECTION_NOT_NEEDED' || leader === -1 || leader === findPartition(before, one.topicId, one.partition)?.leader) return one
  return { ...one, elected: { nodeId: leader, lastEpoch: -1, logEndOffset: -1 }, error: null }
}

function withMoveBack(one: ReassignedPartition, before: MetadataImage, now: MetadataImage): ReassignedPartition {
  const from = findPartition(before, one.topicId, one.partition)?.reassignment?.from.join()
  const isBack = from !== undefined && from === findPartition(now, one.topicId, one.partition)?.replicas.join()
  return one.error?.code === 'NO_REASSIGNMENT_IN_PROGRESS' && isBack ? { ...one, error: null } : one
}

function outcomeInfo({ topicId, partition, error }: PartitionOutcome): ReassignedPartition {
  return { topicId, partition, error: error === null ? null : toApiError(new BrokerError(error.code, error.message)) }
}
