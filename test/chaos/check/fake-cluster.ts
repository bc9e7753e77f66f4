import type { LiveReplica, ReplicaView } from '../../../src/broker/surface.ts'
import { emptyImage, type BrokerImage, type MetadataImage } from '../../../src/metadata/image.ts'
import type { PartitionState } from '../../../src/metadata/records.ts'
import type { ObservedNode } from '../../../chaos/check/observed.ts'
import { FakeLog } from './fake-log.ts'

export const topicId = 'a'.repeat(32)

export function makeBroker(nodeId: number, brokerEpoch: number, state: Partial<Pick<BrokerImage, 'fenced' | 'draining' | 'maintenance'>> = {}): BrokerImage {
  const address = { host: `node-${nodeId}`, grpcPort: 1, kafkaPort: null, httpPort: null, rack: null }
  return {
    nodeId,
    brokerEpoch,
    incarnationId: 'b'.repeat(32),
    directoryIds: ['c'.repeat(32)],
    address,
    fenced: state.fenced ?? false,
    draining: state.draining ?? false,
    maintenance: state.maintenance ?? false,
  }
}

export function makeState(change: Partial<PartitionState> = {}): PartitionState {
  const isr = [1, 2, 3].map((nodeId) => ({ nodeId, brokerEpoch: nodeId }))
  return {
    topicId,
    partition: 0,
    replicas: [1, 2, 3],
    isr,
    elr: [],
    leader: 1,
    leaderEpoch: 1,
    leaderGrantedOffset: 5,
    partitionEpoch: 1,
    unclean: false,
    reassignment: null,
    ...change,
  }
}

export function makeImage(
  offset: number,
  state: PartitionState,
  brokers: readonly BrokerImage[] = [1, 2, 3].map((nodeId) => makeBroker(nodeId, nodeId)),
): MetadataImage {
  return {
    ...emptyImage,
    offset,
    brokers: new Map(brokers.map((broker) => [broker.nodeId, broker])),
    topics: new Map([[topicId, { topicId, name: 't', partitions: [state], configs: new Map() }]]),
    topicIds: new Map([['t', topicId]]),
  }
}

/** A node whose every answer a test sets. */
export class FakeNode implements ObservedNode {
  readonly nodeId: number
  incarnation: number
  image: MetadataImage = emptyImage
  readonly metadataLog = new FakeLog()
  log = new FakeLog()
  raftView = { role: 'follower', term: 1, leaderId: 1, commitIndex: 0, endOffset: 0, damagedBelow: null } as ReturnType<ObservedNode['raft']>
  view: Omit<ReplicaView, 'log' | 'isr'> = {
    topic: 't',
    topicId,
    partition: 0,
    role: 'follower',
    leaderEpoch: 1,
    partitionEpoch: 1,
    logStartOffset: 0,
    highWatermark: 0,
    suspect: false,
    damaged: false,
  }

  constructor(nodeId: number) {
    this.nodeId = nodeId
    this.incarnation = 1000 + nodeId
  }

  raft(): ReturnType<ObservedNode['raft']> {
    return this.raftView
  }

  get liveReplicas(): readonly LiveReplica[] {
    const view = { ...this.view, log: this.log, isr: this.image.topics.get(topicId)?.partitions[0]?.isr ?? [] }
    return [{ log: this.log, suspect: view.suspect, damaged: view.damaged, core: view, view: () => view }]
  }
}
