import type { Clock, Timer } from '../base/clock.ts'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { type BrokerImage, findTopic, type MetadataImage, type TopicImage } from '../metadata/image.ts'
import type { BrokerState, ClusterDescription, MetadataRequest, MetadataResponse, NodeInfo, TopicInfo } from '../wire/api.ts'

/** How long a request waits for metadata that this node has not applied yet. */
const OFFSET_WAIT_MS = 5_000
/** Before clients give up on an answer: who is told no asks another node. */
const CATCH_UP_WAIT_MS = 1_500

export interface QueryContext {
  readonly clock: Clock
  readonly image: () => MetadataImage
  /** Since its start this node has learned what the cluster had decided: what its image lacks is not there. */
  readonly isCaughtUp: () => boolean
  readonly leaderId: () => number | null
  readonly isConnected: (nodeId: number) => boolean
}

interface Waiter {
  readonly isDue: () => boolean
  readonly resume: (isDue: boolean) => void
  readonly timer: Timer
}

/** Waits for the applied image: "at least offset N" (rules R4.6), or "every partition has a leader". */
export class ImageWaiters {
  readonly #clock: Clock
  readonly #waiters = new Set<Waiter>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `resume(true)` once `isDue` holds, after an entry was applied or at once in a turn of its own; `resume(false)` after timeoutMs. */
  wait(isDue: () => boolean, timeoutMs: number, resume: (isDue: boolean) => void): void {
    if (isDue()) {
      this.#clock.defer(() => resume(true))
      return
    }
    const waiter: Waiter = {
      isDue,
      resume,
      timer: this.#clock.after(timeoutMs, () => {
        this.#waiters.delete(waiter)
        resume(false)
      }),
    }
    this.#waiters.add(waiter)
  }

  applied(): void {
    for (const waiter of [...this.#waiters]) {
      if (!waiter.isDue()) continue
      this.#waiters.delete(waiter)
      waiter.timer.cancel()
      waiter.resume(true)
    }
  }
}

/** Before this node knows what the cluster has decided it says of no topic that there is none. */
export function notCaughtUp(): BrokerError {
  return new BrokerError('LEADER_NOT_AVAILABLE', 'this node has not learned since its start what the cluster has decided: ask another node, or again')
}

/** For what is asked by the name of a topic. */
export function whenCaughtUp(context: Pick<QueryContext, 'isCaughtUp'>, waiters: ImageWaiters, done: Done<never>, resume: () => void): void {
  if (context.isCaughtUp()) resume()
  else waiters.wait(context.isCaughtUp, CATCH_UP_WAIT_MS, (isDue) => (isDue ? resume() : done(notCaughtUp(), undefined as never)))
}

export function answerMetadata(context: QueryContext, waiters: ImageWaiters, request: MetadataRequest, done: Done<MetadataResponse>): void {
  const hasReached = (): boolean => context.image().offset >= request.minOffset
  whenCaughtUp(context, waiters, done, () =>
    waiters.wait(hasReached, OFFSET_WAIT_MS, (isDue) => {
      if (isDue) done(undefined, describeMetadata(context, request.topics))
      else done(new BrokerError('REQUEST_TIMED_OUT', `metadata offset ${request.minOffset} has not reached this node`), undefined as never)
    }),
  )
}

function describeMetadata(context: QueryContext, names: readonly string[] | null): MetadataResponse {
  const image = context.image()
  const found: TopicImage[] = []
  const missing: string[] = []
  // A name counts once: a topic of many partitions, named again and again, would make an answer of gigabytes.
  for (const name of new Set(names ?? [...image.topicIds.keys()].sort())) {
    const topic = findTopic(image, name)
    if (topic === undefined) missing.push(name)
    else found.push(topic)
  }
  return {
    clusterId: image.clusterId,
    controllerId: context.leaderId() ?? -1,
    metadataOffset: image.offset,
    brokers: brokersById(image).map(nodeInfo),
    topics: found.map(topicInfo),
    missing,
  }
}

function brokersById(image: MetadataImage): BrokerImage[] {
  return [...image.brokers.values()].sort((a, b) => a.nodeId - b.nodeId)
}

function nodeInfo({ nodeId, address }: BrokerImage): NodeInfo {
  const { host, grpcPort, kafkaPort, httpPort, rack } = address
  return { nodeId, host, grpcPort, kafkaPort, httpPort, rack }
}

export function topicInfo({ name, topicId, partitions, configs }: TopicImage): TopicInfo {
  return {
    name,
    topicId,
    configs,
    partitions: partitions.map(({ partition, leader, leaderEpoch, replicas, isr, elr, reassignment }) => ({
      partition,
      leader,
      leaderEpoch,
      replicas,
      isr: isr.map((member) => member.nodeId),
      elr,
      addingReplicas: reassignment?.to.filter((nodeId) => !reassignment.from.includes(nodeId)) ?? [],
      removingReplicas: reassignment?.from.filter((nodeId) => !reassignment.to.includes(nodeId)) ?? [],
    })),
  }
}

export function describeCluster(context: QueryContext): ClusterDescription {
  const image = context.image()
  const leaders = new Map<number, number>()
  const replicas = new Map<number, number>()
  for (const topic of image.topics.values()) {
    for (const state of topic.partitions) {
      leaders.set(state.leader, (leaders.get(state.leader) ?? 0) + 1)
      for (const nodeId of state.replicas) replicas.set(nodeId, (replicas.get(nodeId) ?? 0) + 1)
    }
  }
  const brokers = brokersById(image).map((broker) => ({
    ...nodeInfo(broker),
    state: stateOf(broker, context.isConnected(broker.nodeId)),
    leaders: leaders.get(broker.nodeId) ?? 0,
    replicas: replicas.get(broker.nodeId) ?? 0,
    maintenance: broker.maintenance,
  }))
  return { clusterId: image.clusterId, controllerId: context.leaderId() ?? -1, brokers }
}

/** offline = fenced and no connection (cli.md). */
function stateOf(broker: BrokerImage, isConnected: boolean): BrokerState {
  if (broker.fenced) return isConnected ? 'fenced' : 'offline'
  return broker.draining ? 'draining' : 'running'
}
