import type { NodeView, RaftView, ReplicaView } from '../broker/surface.ts'
import { effectiveMinInSyncReplicas } from '../controller/configs.ts'
import type { LogCounters } from '../log/surface.ts'
import { findPartition, type MetadataImage } from '../metadata/image.ts'
import type { Traffic } from '../wire/traffic.ts'
import type { DiskMeter } from './disk-meter.ts'
import type { LogRing } from './log-ring.ts'
import type { RequestMeter } from './request-meter.ts'

/** What a metrics page is made of; an OxbowNode is one. */
export interface MetricsSource {
  raft(): RaftView
  view(): NodeView
  replicas(): readonly ReplicaView[]
  readonly image: MetadataImage
  readonly counters: LogCounters
  readonly isActiveController: boolean
  readonly isServing: boolean
}

/** What is measured around the node. */
export interface Meters {
  readonly requests: RequestMeter
  readonly disk: DiskMeter
  readonly traffic: Traffic
  readonly ring: LogRing
}

/** Replicas by label, at most; the others are in the sums alone, and counted. Three series each: a page of 2,000 is some 800 KB. */
export const MAX_LABELLED_PARTITIONS = 2_000

/** A replica here with what the metadata says of its partition. */
export interface ReplicaFacts extends ReplicaView {
  readonly replicaCount: number
  readonly minInSync: number
}

/** One look at the node, from which a whole page is made. */
export interface Facts {
  readonly source: MetricsSource
  readonly meters: Meters
  readonly raft: RaftView
  readonly view: NodeView
  /** By topic and partition. */
  readonly replicas: readonly ReplicaFacts[]
  readonly led: readonly ReplicaFacts[]
  /** The first MAX_LABELLED_PARTITIONS of `replicas`. */
  readonly labelled: readonly ReplicaFacts[]
  readonly cluster: {
    readonly topics: number
    readonly partitions: number
    readonly offline: number
    readonly activeBrokers: number
    readonly fencedBrokers: number
  }
}

function compareReplicas(a: ReplicaView, b: ReplicaView): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}

function clusterFacts(image: MetadataImage): Facts['cluster'] {
  let partitions = 0
  let offline = 0
  for (const topic of image.topics.values()) {
    partitions += topic.partitions.length
    for (const state of topic.partitions) if (state.leader === -1) offline++
  }
  const fencedBrokers = [...image.brokers.values()].filter((broker) => broker.fenced).length
  return { topics: image.topics.size, partitions, offline, fencedBrokers, activeBrokers: image.brokers.size - fencedBrokers }
}

export function gatherFacts(source: MetricsSource, meters: Meters): Facts {
  const { image } = source
  const replicas = source.replicas().map((view): ReplicaFacts => {
    const replicaCount = findPartition(image, view.topicId, view.partition)?.replicas.length ?? view.isr.length
    const configs = image.topics.get(view.topicId)?.configs ?? new Map<string, string>()
    return { ...view, replicaCount, minInSync: effectiveMinInSyncReplicas(configs, replicaCount) }
  })
  replicas.sort(compareReplicas)
  meters.requests.keepTopics((topicId) => image.topics.has(topicId))
  return {
    source,
    meters,
    raft: source.raft(),
    view: source.view(),
    replicas,
    led: replicas.filter((replica) => replica.role === 'leader'),
    labelled: replicas.slice(0, MAX_LABELLED_PARTITIONS),
    cluster: clusterFacts(image),
  }
}
