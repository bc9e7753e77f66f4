import type { Uuid } from '../base/ids.ts'
import type { BrokerAddress, PartitionState, VoterRecord } from './records.ts'

export interface BrokerImage {
  readonly nodeId: number
  readonly brokerEpoch: number
  readonly incarnationId: Uuid
  readonly directoryIds: readonly Uuid[]
  readonly address: BrokerAddress
  readonly fenced: boolean
  /** Its process is stopping, and ends (rules R5.9). */
  readonly draining: boolean
  /**
   * An operator's mark, until it is taken off: it follows, but leads only what no other in-sync replica can, and gets no new partitions while there are
   * enough others. It goes on serving, unlike one that is draining.
   */
  readonly maintenance: boolean
}

export interface TopicImage {
  readonly topicId: Uuid
  readonly name: string
  /** Index = partition number. */
  readonly partitions: readonly PartitionState[]
  /** Only what differs from the defaults. */
  readonly configs: ReadonlyMap<string, string>
}

/** The cluster's metadata with every entry below `offset` applied. Immutable: a batch of entries makes a new one. */
export interface MetadataImage {
  /** Exclusive: the metadata offset of the next entry. */
  readonly offset: number
  readonly clusterId: Uuid | null
  readonly voters: readonly VoterRecord[]
  readonly brokers: ReadonlyMap<number, BrokerImage>
  readonly topics: ReadonlyMap<Uuid, TopicImage>
  readonly topicIds: ReadonlyMap<string, Uuid>
  readonly nextProducerId: number
  /**
   * Of the topics that were deleted, the newest MAX_DELETED_TOPIC_IDS, oldest first. A topic id has one life (rules R2.1): a replica that was away for its
   * end would take another one for the life that it knows. So what was sent to make such a topic, and comes late or twice, makes it no more.
   */
  readonly deletedTopicIds: readonly Uuid[]
}

/** What was on its way for so many deletions has long been given up. */
export const MAX_DELETED_TOPIC_IDS = 10_000

export const emptyImage: MetadataImage = {
  offset: 0,
  clusterId: null,
  voters: [],
  brokers: new Map(),
  topics: new Map(),
  topicIds: new Map(),
  nextProducerId: 0,
  deletedTopicIds: [],
}

/** What one batch of entries changed. Ids and numbers only: the values are in the image. */
export interface MetadataDelta {
  readonly clusterChanged: boolean
  readonly votersChanged: boolean
  readonly brokers: ReadonlySet<number>
  /** Topics made or changed (partitions or configs), with the partitions that changed. */
  readonly topics: ReadonlyMap<Uuid, ReadonlySet<number>>
  /** Topics whose configs changed. */
  readonly configs: ReadonlySet<Uuid>
  /** Topics deleted, as they were. */
  readonly deleted: readonly TopicImage[]
}

export function findTopic(image: MetadataImage, name: string): TopicImage | undefined {
  const topicId = image.topicIds.get(name)
  return topicId === undefined ? undefined : image.topics.get(topicId)
}

export function findPartition(image: MetadataImage, topicId: Uuid, partition: number): PartitionState | undefined {
  return image.topics.get(topicId)?.partitions[partition]
}
