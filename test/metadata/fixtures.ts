import type { MetadataEntry } from '../../src/metadata/apply.ts'
import type { BrokerAddress, MetadataRecord, PartitionState } from '../../src/metadata/records.ts'

export const address: BrokerAddress = { host: '127.0.0.1', grpcPort: 9192, kafkaPort: null, httpPort: null, rack: null }

export function topicId(number: number): string {
  return number.toString(16).padStart(32, '0')
}

/** A partition 0 of topic 1 on brokers 1 and 2, whose epochs are 1 and 2, made at offset 5. */
export function partition(changes: Partial<PartitionState> = {}): PartitionState {
  const isr = [1, 2].map((nodeId) => ({ nodeId, brokerEpoch: nodeId }))
  return {
    topicId: topicId(1),
    partition: 0,
    replicas: [1, 2],
    isr,
    elr: [],
    leader: 1,
    leaderEpoch: 0,
    leaderGrantedOffset: 5,
    partitionEpoch: 0,
    unclean: false,
    reassignment: null,
    ...changes,
  }
}

export function register(nodeId: number): MetadataRecord {
  return { type: 'broker', nodeId, incarnationId: topicId(1000 + nodeId), directoryIds: [topicId(2000 + nodeId)], address }
}

export function brokerState(nodeId: number, state: { readonly fenced?: boolean; readonly draining?: boolean } = {}): MetadataRecord {
  return { type: 'brokerState', nodeId, brokerEpoch: nodeId, fenced: state.fenced ?? false, draining: state.draining ?? false }
}

/** Offsets 0 to 5: a cluster, brokers 1 and 2 under epochs 1 and 2, unfenced, and topic 1 with one partition. */
export const story: readonly MetadataEntry[] = [
  [
    {
      type: 'cluster',
      clusterId: topicId(7),
      voters: [
        { nodeId: 1, directoryId: topicId(2001), endpoint: null },
        { nodeId: 2, directoryId: null, endpoint: null },
      ],
    },
  ] as const,
  [register(1)],
  [register(2)],
  [brokerState(1)],
  [brokerState(2)],
  [{ type: 'topic', topicId: topicId(1), name: 'orders' } as const, { type: 'partition', state: partition() } as const],
].map((records, offset) => ({ offset, records }))
