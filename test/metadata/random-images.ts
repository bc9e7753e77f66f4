import type { Random } from '../../src/base/random.ts'
import type { MetadataEntry } from '../../src/metadata/apply.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts'
import type { MetadataRecord, PartitionState, VoterRecord } from '../../src/metadata/records.ts'
import { brokerState, partition, register, story, topicId } from './fixtures.ts'

/** One more decision for an image, drawn: topics come and go, grow, change; configs, brokers 3 to 5, producer ids and voters. */
export function drawEntry(random: Random, image: MetadataImage): MetadataEntry {
  const { offset } = image
  const topics = [...image.topics.values()]
  const topic = topics[random.integer(Math.max(1, topics.length))]
  switch (random.integer(8)) {
    case 0:
    case 1:
      return { offset, records: [{ type: 'topic', topicId: topicId(100 + offset), name: `t${offset}` }, ...grown(100 + offset, 0, random.integer(4), offset)] }
    case 2:
      return { offset, records: topic === undefined || random.integer(3) > 0 ? [] : [{ type: 'topicDeleted', topicId: topic.topicId }] }
    case 3:
      return { offset, records: topic === undefined ? [] : config(topic.topicId, random) }
    case 4:
      return { offset, records: topic === undefined ? [] : topic.partitions.filter(() => random.integer(2) === 0).map(changed) }
    case 5:
      return { offset, records: topic === undefined ? [] : grown(Number.parseInt(topic.topicId, 16), topic.partitions.length, random.integer(3), offset) }
    case 6: {
      const nodeId = 3 + random.integer(3)
      const known = image.brokers.get(nodeId)
      if (known === undefined || random.integer(3) === 0) return { offset, records: [register(nodeId)] }
      if (random.integer(3) === 0) return { offset, records: [{ type: 'brokerMaintenance', nodeId, maintenance: random.integer(3) > 0 }] }
      if (known.fenced && random.integer(3) === 0) return { offset, records: [{ type: 'brokerUnregistered', nodeId, brokerEpoch: known.brokerEpoch }] }
      return { offset, records: [{ ...brokerState(nodeId, { fenced: random.integer(2) === 0 }), brokerEpoch: known.brokerEpoch } as MetadataRecord] }
    }
    default:
      return {
        offset,
        records:
          random.integer(2) === 0
            ? [{ type: 'producerIds', nextProducerId: image.nextProducerId + 1 + random.integer(9) }]
            : [{ type: 'voters', voters: [voter(random)] }],
      }
  }
}

function voter(random: Random): VoterRecord {
  const endpoint = random.integer(2) === 0 ? null : { host: `h${random.integer(3)}`, grpcPort: 1 + random.integer(9) }
  return { nodeId: 1, directoryId: topicId(2001 + random.integer(3)), endpoint }
}

function grown(topic: number, from: number, count: number, offset: number): MetadataRecord[] {
  return Array.from({ length: count }, (_, at) => ({
    type: 'partition',
    state: partition({ topicId: topicId(topic), partition: from + at, leaderGrantedOffset: offset }),
  }))
}

function changed(state: PartitionState): MetadataRecord {
  const isAlone = state.isr.length === 1
  const both = [1, 2].map((nodeId) => ({ nodeId, brokerEpoch: nodeId }))
  const isr = isAlone ? both : both.slice(0, 1)
  return { type: 'partition', state: { ...state, isr, elr: isAlone ? [] : [2], partitionEpoch: state.partitionEpoch + 1 } }
}

function config(id: string, random: Random): MetadataRecord[] {
  return [
    { type: 'topicConfig', topicId: id, key: `key${random.integer(4)}`, value: random.integer(3) === 0 ? null : String(random.integer(100)) },
    { type: 'topicConfig', topicId: id, key: 'retention.ms', value: String(random.integer(100)) },
  ]
}

/** The story of the fixtures, and `count` decisions after it. */
export function drawImage(random: Random, count: number): MetadataImage {
  let { image } = applyEntries(emptyImage, story)
  for (let made = 0; made < count; made++) image = applyEntries(image, [drawEntry(random, image)]).image
  return image
}
