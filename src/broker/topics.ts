import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { ControllerReply } from '../controller/commands.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { ControllerClient } from '../runtime/controller-client.ts'
import type { CreateProducerIdResponse, CreateTopicRequest, CreateTopicResponse, DeleteTopicRequest } from '../wire/api.ts'
import type { ImageWaiters } from './queries.ts'

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
          done(unexpected(reply), undefined as never)
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

  delete(request: DeleteTopicRequest, done: Done<void>): void {
    const timeoutMs = Math.max(1, Math.min(request.timeoutMs, MAX_TIMEOUT_MS))
    const { topicId } = request
    const existed = this.#image().topics.has(topicId)
    this.#controllerClient.request({ type: 'deleteTopic', topicId }, timeoutMs, (reply) => {
      // Seen here before it was asked, gone now: an earlier attempt of this request deleted it.
      const isGone = reply.type === 'done' || (existed && reply.type === 'error' && reply.code === 'UNKNOWN_TOPIC_ID')
      if (!isGone) {
        done(unexpected(reply), undefined)
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
      for (const waiting of this.#waitingForIds.splice(0)) waiting(unexpected(reply), undefined as never)
    })
  }
}

function unexpected(reply: ControllerReply): BrokerError {
  if (reply.type !== 'error') return new BrokerError('UNKNOWN_SERVER_ERROR', `the controller answered ${reply.type}`)
  return new BrokerError(reply.code, reply.message, reply.definite ? {} : { definite: false })
}
