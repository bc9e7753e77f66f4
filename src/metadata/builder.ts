import { assert, unreachable } from '../base/assert.ts'
import type { Uuid } from '../base/ids.ts'
import { type BrokerImage, MAX_DELETED_TOPIC_IDS, type MetadataDelta, type MetadataImage, type TopicImage } from './image.ts'
import { assertInSyncReplicasLive, assertPartitionState, assertPartitionStep } from './partition-rules.ts'
import type { MetadataRecord, PartitionState, VoterRecord } from './records.ts'
import { ShardedMap } from './sharded-map.ts'
import { TopicDraft } from './topic-draft.ts'

type RecordOf<Type extends MetadataRecord['type']> = Extract<MetadataRecord, { readonly type: Type }>

/**
 * Makes one new image out of an old one and a batch of entries: copy on write, of topics and names only what changes (ShardedMap). One instance a batch.
 * Invariants asserted: offsets follow each other; broker, leader and partition epochs and producer ids never go back (I5);
 * after each entry every in-sync replica is unfenced, not draining and under its present broker epoch (I7), and no replica is one of a broker that the
 * entry has taken off.
 */
export class ImageBuilder {
  readonly #base: MetadataImage
  #offset: number
  #clusterId: Uuid | null
  #voters: readonly VoterRecord[]
  #nextProducerId: number
  #brokers: ReadonlyMap<number, BrokerImage>
  #ownBrokers: Map<number, BrokerImage> | undefined
  /** Names given and taken back in this batch; undefined: no topic has it. */
  readonly #names = new Map<string, Uuid | undefined>()
  /** Topics made or changed in this batch; undefined: deleted. */
  readonly #drafts = new Map<Uuid, TopicDraft | undefined>()
  #clusterChanged = false
  #votersChanged = false
  readonly #changedBrokers = new Set<number>()
  readonly #changedTopics = new Map<Uuid, Set<number>>()
  readonly #changedConfigs = new Set<Uuid>()
  readonly #deleted: TopicImage[] = []
  readonly #deletedIds: Uuid[] = []
  /** Of the entry at hand: brokers that may have left service, partitions that changed. */
  #withdrawn = new Set<number>()
  #unregistered = new Set<number>()
  #touched: PartitionState[] = []

  constructor(base: MetadataImage) {
    this.#base = base
    this.#offset = base.offset
    this.#clusterId = base.clusterId
    this.#voters = base.voters
    this.#nextProducerId = base.nextProducerId
    this.#brokers = base.brokers
  }

  applyEntry(offset: number, records: readonly MetadataRecord[]): void {
    assert(offset === this.#offset, 'entries are applied in order, each once')
    for (const record of records) this.#apply(record)
    this.#assertEntry()
    this.#offset = offset + 1
  }

  /** The builder is not used after this. */
  finish(): { readonly image: MetadataImage; readonly delta: MetadataDelta } {
    return {
      image: {
        offset: this.#offset,
        clusterId: this.#clusterId,
        voters: this.#voters,
        brokers: this.#brokers,
        topics: this.#finishTopics(),
        topicIds: this.#names.size === 0 ? this.#base.topicIds : ShardedMap.from(this.#base.topicIds).with(this.#names),
        nextProducerId: this.#nextProducerId,
        deletedTopicIds: this.#finishDeletedIds(),
      },
      delta: {
        clusterChanged: this.#clusterChanged,
        votersChanged: this.#votersChanged,
        brokers: this.#changedBrokers,
        topics: this.#changedTopics,
        configs: this.#changedConfigs,
        deleted: this.#deleted,
      },
    }
  }

  #finishDeletedIds(): readonly Uuid[] {
    const { deletedTopicIds } = this.#base
    return this.#deletedIds.length === 0 ? deletedTopicIds : [...deletedTopicIds, ...this.#deletedIds].slice(-MAX_DELETED_TOPIC_IDS)
  }

  #finishTopics(): ReadonlyMap<Uuid, TopicImage> {
    if (this.#drafts.size === 0) return this.#base.topics
    const changes = new Map([...this.#drafts].map(([topicId, draft]) => [topicId, draft?.toImage()]))
    return ShardedMap.from(this.#base.topics).with(changes)
  }

  #apply(record: MetadataRecord): void {
    switch (record.type) {
      case 'cluster':
        assert(this.#clusterId === null, 'a cluster is born once')
        this.#clusterId = record.clusterId
        this.#clusterChanged = true
        this.#setVoters(record.voters)
        return
      case 'voters':
        this.#setVoters(record.voters)
        return
      case 'leaderChange':
        return
      case 'broker':
        this.#applyBroker(record)
        return
      case 'brokerState':
        this.#applyBrokerState(record)
        return
      case 'brokerMaintenance':
        this.#applyBrokerMaintenance(record)
        return
      case 'brokerUnregistered':
        this.#applyBrokerUnregistered(record)
        return
      case 'topic':
        this.#applyTopic(record)
        return
      case 'partition':
        this.#applyPartition(record.state)
        return
      case 'topicDeleted':
        this.#applyTopicDeleted(record.topicId)
        return
      case 'topicConfig':
        this.#draft(record.topicId).setConfig(record.key, record.value)
        this.#changedConfigs.add(record.topicId)
        this.#partitionsChangedIn(record.topicId)
        return
      case 'producerIds':
        assert(record.nextProducerId > this.#nextProducerId, 'producer ids are handed out once')
        this.#nextProducerId = record.nextProducerId
        return
      default:
        unreachable(record)
    }
  }

  #setVoters(voters: readonly VoterRecord[]): void {
    assert(voters.length > 0, 'a cluster has voters')
    this.#voters = voters
    this.#votersChanged = true
  }

  #applyBroker(record: RecordOf<'broker'>): void {
    const before = this.#brokers.get(record.nodeId)
    assert(before === undefined || before.brokerEpoch < this.#offset, 'a broker epoch never goes back')
    const { nodeId, incarnationId, directoryIds, address } = record
    this.#setBroker({
      nodeId,
      brokerEpoch: this.#offset,
      incarnationId,
      directoryIds,
      address,
      fenced: true,
      draining: false,
      maintenance: before?.maintenance ?? false,
    })
  }

  #applyBrokerState(record: RecordOf<'brokerState'>): void {
    const before = this.#brokers.get(record.nodeId)
    assert(before !== undefined && before.brokerEpoch === record.brokerEpoch, 'the state of a broker is decided for its present epoch')
    this.#setBroker({ ...before, fenced: record.fenced, draining: record.draining })
  }

  #applyBrokerMaintenance({ nodeId, maintenance }: RecordOf<'brokerMaintenance'>): void {
    const before = this.#brokers.get(nodeId)
    assert(before !== undefined, 'a broker that is marked is registered')
    this.#setBroker({ ...before, maintenance })
  }

  #applyBrokerUnregistered({ nodeId, brokerEpoch }: RecordOf<'brokerUnregistered'>): void {
    const before = this.#brokers.get(nodeId)
    assert(before !== undefined && before.brokerEpoch === brokerEpoch, 'a broker is taken off under its present epoch')
    assert(before.fenced, 'a broker that is taken off does not serve')
    this.#brokersToChange(nodeId).delete(nodeId)
    this.#unregistered.add(nodeId)
  }

  #brokersToChange(nodeId: number): Map<number, BrokerImage> {
    this.#ownBrokers ??= new Map(this.#brokers)
    this.#brokers = this.#ownBrokers
    this.#changedBrokers.add(nodeId)
    return this.#ownBrokers
  }

  #setBroker(broker: BrokerImage): void {
    this.#brokersToChange(broker.nodeId).set(broker.nodeId, broker)
    if (broker.fenced || broker.draining) this.#withdrawn.add(broker.nodeId)
  }

  #applyTopic(record: RecordOf<'topic'>): void {
    assert(!this.#isNameTaken(record.name), 'a topic name is used once at a time')
    assert(this.#draftOrUndefined(record.topicId) === undefined, 'a topic id is used once')
    this.#names.set(record.name, record.topicId)
    this.#drafts.set(record.topicId, new TopicDraft({ topicId: record.topicId, name: record.name, partitions: [], configs: new Map() }))
    this.#partitionsChangedIn(record.topicId)
  }

  #applyPartition(state: PartitionState): void {
    const draft = this.#draft(state.topicId)
    assertPartitionState(state)
    assertPartitionStep(draft.partitions[state.partition], state, this.#offset)
    draft.setPartition(state)
    this.#partitionsChangedIn(state.topicId).add(state.partition)
    this.#touched.push(state)
  }

  #applyTopicDeleted(topicId: Uuid): void {
    const draft = this.#draft(topicId)
    this.#names.set(draft.name, undefined)
    this.#drafts.set(topicId, undefined)
    this.#changedTopics.delete(topicId)
    this.#changedConfigs.delete(topicId)
    this.#deletedIds.push(topicId)
    // One that this batch made has been seen by nobody.
    if (this.#base.topics.has(topicId)) this.#deleted.push(draft.toImage())
  }

  #isNameTaken(name: string): boolean {
    return this.#names.has(name) ? this.#names.get(name) !== undefined : this.#base.topicIds.has(name)
  }

  #draft(topicId: Uuid): TopicDraft {
    const draft = this.#draftOrUndefined(topicId)
    assert(draft !== undefined, 'a record about a topic follows the one that made it')
    this.#drafts.set(topicId, draft)
    return draft
  }

  #draftOrUndefined(topicId: Uuid): TopicDraft | undefined {
    if (this.#drafts.has(topicId)) return this.#drafts.get(topicId)
    const topic = this.#base.topics.get(topicId)
    return topic === undefined ? undefined : new TopicDraft(topic)
  }

  #partitionsChangedIn(topicId: Uuid): Set<number> {
    let partitions = this.#changedTopics.get(topicId)
    if (partitions === undefined) this.#changedTopics.set(topicId, (partitions = new Set()))
    return partitions
  }

  #assertEntry(): void {
    for (const state of this.#touched) {
      // A later record of the same entry may have deleted or replaced it.
      if (this.#draftOrUndefined(state.topicId)?.partitions[state.partition] === state) assertInSyncReplicasLive(state, this.#brokers)
    }
    if (this.#withdrawn.size > 0 || this.#unregistered.size > 0) this.#assertWithdrawn()
    this.#touched = []
    this.#withdrawn = new Set()
    this.#unregistered = new Set()
  }

  #assertWithdrawn(): void {
    const check = (partitions: readonly PartitionState[]): void => {
      for (const state of partitions) {
        for (const member of state.isr) assert(!this.#withdrawn.has(member.nodeId), 'a broker leaves every ISR in the entry that takes it out of service (I7)')
        assert(!state.replicas.some((nodeId) => this.#unregistered.has(nodeId)), 'a broker that is taken off holds no replica')
      }
    }
    for (const [topicId, topic] of this.#base.topics) {
      if (!this.#drafts.has(topicId)) check(topic.partitions)
    }
    for (const draft of this.#drafts.values()) {
      if (draft !== undefined) check(draft.partitions)
    }
  }
}
