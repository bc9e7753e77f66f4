import type { MetadataImage } from '../../src/metadata/image.ts'
import type { MetadataEntry } from '../../src/metadata/apply.ts'
import type { BrokerAddress, MetadataRecord, PartitionState } from '../../src/metadata/records.ts'

export const TOPIC_PARTITIONS = 10
const BROKERS = 6
const REPLICAS = 3
const address: BrokerAddress = { host: '10.0.0.1', grpcPort: 9192, kafkaPort: 9092, httpPort: 9292, rack: 'a' }

function uuid(number: number): string {
  // Spread as real ones are.
  return (Math.imul(number, 0x9e37_79b1) >>> 0).toString(16).padStart(8, '0') + number.toString(16).padStart(24, '0')
}

/** Six brokers, each with the epoch of its entry, once the image is at `offset`. */
export function brokerEntries(offset: number): MetadataEntry[] {
  return Array.from({ length: BROKERS }, (_, at): MetadataEntry[] => {
    const nodeId = at + 1
    const brokerEpoch = offset + 2 * at
    const registration: MetadataRecord = { type: 'broker', nodeId, incarnationId: uuid(1_000_000 + at), directoryIds: [uuid(2_000_000 + at)], address }
    return [
      { offset: brokerEpoch, records: [registration] },
      { offset: brokerEpoch + 1, records: [{ type: 'brokerState', nodeId, brokerEpoch, fenced: false, draining: false }] },
    ]
  }).flat()
}

/** Makes topic `number` with ten partitions of three replicas each, one decision. */
export function topicEntry(image: MetadataImage, number: number): MetadataEntry {
  const { offset } = image
  const topicId = uuid(number)
  const partitions = Array.from({ length: TOPIC_PARTITIONS }, (_, partition): MetadataRecord => {
    const replicas = Array.from({ length: REPLICAS }, (_, at) => ((number + partition + at) % BROKERS) + 1)
    const isr = replicas.map((nodeId) => ({ nodeId, brokerEpoch: image.brokers.get(nodeId)?.brokerEpoch ?? -1 }))
    const grown = {
      replicas,
      isr,
      elr: [],
      leader: replicas[0] as number,
      leaderEpoch: 0,
      leaderGrantedOffset: offset,
      partitionEpoch: 0,
      unclean: false,
      reassignment: null,
    }
    return { type: 'partition', state: { topicId, partition, ...grown } }
  })
  return { offset, records: [{ type: 'topic', topicId, name: `topic-${number}` }, ...partitions] }
}

/** One follower leaves the ISR of one partition, or is back: what a cluster decides most. */
export function isrEntry(image: MetadataImage, topic: number, partition: number): MetadataEntry {
  const state = image.topics.get(uuid(topic))?.partitions[partition] as PartitionState
  const all = state.replicas.map((nodeId) => ({ nodeId, brokerEpoch: image.brokers.get(nodeId)?.brokerEpoch ?? -1 }))
  const isr = state.isr.length === all.length ? all.slice(0, -1) : all
  return { offset: image.offset, records: [{ type: 'partition', state: { ...state, isr, partitionEpoch: state.partitionEpoch + 1 } }] }
}
