import { BrokerError } from '../base/errors.ts'
import { unreachable } from '../base/assert.ts'
import type { Uuid } from '../base/ids.ts'
import type { BrokerImage, MetadataImage, TopicImage } from './image.ts'
import type { MetadataRecord, PartitionState, VoterRecord } from './records.ts'
import { ShardedMap } from './sharded-map.ts'

/** What one turn of work makes or reads. */
const SLICE_RECORDS = 256

/**
 * All that an image holds, as records in slices: the cluster, the producer ids, each broker (its registration, then its state, which names its epoch, then
 * its mark if it has one), the deletions that are remembered, oldest first, each topic (itself, its configs, its partitions in order). They are no
 * decisions: only an ImageLoader makes an image of them again.
 */
export function* snapshotRecords(image: MetadataImage): Generator<readonly MetadataRecord[]> {
  let slice: MetadataRecord[] = []
  for (const record of allRecords(image)) {
    slice.push(record)
    if (slice.length < SLICE_RECORDS) continue
    yield slice
    slice = []
  }
  if (slice.length > 0) yield slice
}

function* allRecords(image: MetadataImage): Generator<MetadataRecord> {
  const { clusterId, voters, nextProducerId, brokers, topics, deletedTopicIds } = image
  if (clusterId !== null) yield { type: 'cluster', clusterId, voters }
  yield { type: 'producerIds', nextProducerId }
  for (const { nodeId, brokerEpoch, incarnationId, directoryIds, address, fenced, draining, maintenance } of brokers.values()) {
    yield { type: 'broker', nodeId, incarnationId, directoryIds, address }
    yield { type: 'brokerState', nodeId, brokerEpoch, fenced, draining }
    if (maintenance) yield { type: 'brokerMaintenance', nodeId, maintenance }
  }
  for (const topicId of deletedTopicIds) yield { type: 'topicDeleted', topicId }
  for (const { topicId, name, configs, partitions } of topics.values()) {
    yield { type: 'topic', topicId, name }
    for (const [key, value] of configs) yield { type: 'topicConfig', topicId, key, value }
    for (const state of partitions) yield { type: 'partition', state }
  }
}

interface LoadedTopic extends TopicImage {
  readonly partitions: PartitionState[]
  readonly configs: Map<string, string>
}

type RecordOf<Type extends MetadataRecord['type']> = Extract<MetadataRecord, { readonly type: Type }>

/** Makes an image of snapshotRecords. What it is given comes from a disk or a peer: what cannot be of a snapshot is CORRUPT_MESSAGE. */
export class ImageLoader {
  #clusterId: Uuid | null = null
  #voters: readonly VoterRecord[] = []
  #nextProducerId = 0
  #registered: RecordOf<'broker'> | undefined
  readonly #brokers = new Map<number, BrokerImage>()
  readonly #topics = new Map<Uuid, LoadedTopic>()
  readonly #topicIds = new Map<string, Uuid>()
  readonly #deletedTopicIds: Uuid[] = []

  add(records: readonly MetadataRecord[]): void {
    for (const record of records) this.#add(record)
  }

  /** `offset`: exclusive, as in the image that was written. */
  finish(offset: number): MetadataImage {
    if (this.#registered !== undefined) throw corrupt('a broker without its state')
    return {
      offset,
      clusterId: this.#clusterId,
      voters: this.#voters,
      brokers: this.#brokers,
      topics: ShardedMap.from(this.#topics),
      topicIds: ShardedMap.from(this.#topicIds),
      nextProducerId: this.#nextProducerId,
      deletedTopicIds: this.#deletedTopicIds,
    }
  }

  #add(record: MetadataRecord): void {
    switch (record.type) {
      case 'cluster':
        this.#clusterId = record.clusterId
        this.#voters = record.voters
        return
      case 'producerIds':
        this.#nextProducerId = record.nextProducerId
        return
      case 'broker':
        if (this.#registered !== undefined) throw corrupt('a broker without its state')
        this.#registered = record
        return
      case 'brokerState':
        this.#addBroker(record)
        return
      case 'brokerMaintenance':
        this.#markBroker(record)
        return
      case 'topic':
        this.#topics.set(record.topicId, { topicId: record.topicId, name: record.name, partitions: [], configs: new Map() })
        this.#topicIds.set(record.name, record.topicId)
        return
      case 'topicConfig':
        if (record.value === null) throw corrupt('a config without a value')
        this.#topic(record.topicId).configs.set(record.key, record.value)
        return
      case 'partition':
        this.#addPartition(record.state)
        return
      case 'topicDeleted':
        this.#deletedTopicIds.push(record.topicId)
        return
      case 'voters':
      case 'leaderChange':
      case 'brokerUnregistered':
        throw corrupt(`a record of type ${record.type}`)
      default:
        unreachable(record)
    }
  }

  #addBroker({ nodeId, brokerEpoch, fenced, draining }: RecordOf<'brokerState'>): void {
    const registered = this.#registered
    if (registered?.nodeId !== nodeId) throw corrupt('the state of a broker without its registration')
    this.#registered = undefined
    const { incarnationId, directoryIds, address } = registered
    this.#brokers.set(nodeId, { nodeId, brokerEpoch, incarnationId, directoryIds, address, fenced, draining, maintenance: false })
  }

  #markBroker({ nodeId, maintenance }: RecordOf<'brokerMaintenance'>): void {
    const broker = this.#brokers.get(nodeId)
    if (broker === undefined) throw corrupt('the mark of a broker without its registration')
    this.#brokers.set(nodeId, { ...broker, maintenance })
  }

  #addPartition(state: PartitionState): void {
    const { partitions } = this.#topic(state.topicId)
    if (state.partition !== partitions.length) throw corrupt(`partition ${state.partition} where ${partitions.length} should be`)
    partitions.push(state)
  }

  #topic(topicId: Uuid): LoadedTopic {
    const topic = this.#topics.get(topicId)
    if (topic === undefined) throw corrupt('a record about a topic before the one that names it')
    return topic
  }
}

function corrupt(what: string): BrokerError {
  return new BrokerError('CORRUPT_MESSAGE', `a snapshot of the metadata holds ${what}`)
}
