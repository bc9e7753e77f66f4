import { crc32c } from '../base/crc32c.ts'
import type { BrokerImage, MetadataImage, TopicImage } from './image.ts'
import type { PartitionState } from './records.ts'

const BYTES_A_HASH = 4
/** Partitions that one turn of work hashes. */
const SLICE_PARTITIONS = 512

function hashText(text: string): number {
  return crc32c(Buffer.from(text, 'utf8'))
}

/** JSON of an array is unambiguous: no two different lists of fields give the same text. */
function hashFields(fields: readonly unknown[]): number {
  return hashText(JSON.stringify(fields))
}

function hashHashes(hashes: readonly number[]): number {
  const bytes = Buffer.allocUnsafe(hashes.length * BYTES_A_HASH)
  for (const [index, hash] of hashes.entries()) bytes.writeUInt32BE(hash, index * BYTES_A_HASH)
  return crc32c(bytes)
}

function hashPartition(state: PartitionState): number {
  const isr = state.isr.map((member) => [member.nodeId, member.brokerEpoch])
  const { topicId, partition, replicas, elr, leader, leaderEpoch, leaderGrantedOffset, partitionEpoch, unclean, reassignment } = state
  return hashFields([
    topicId,
    partition,
    replicas,
    isr,
    elr,
    leader,
    leaderEpoch,
    leaderGrantedOffset,
    partitionEpoch,
    unclean,
    reassignment?.from,
    reassignment?.to,
    reassignment?.bytesPerSecond,
  ])
}

function hashBroker(broker: BrokerImage): number {
  const { nodeId, brokerEpoch, incarnationId, directoryIds, address, fenced, draining, maintenance } = broker
  const { host, grpcPort, kafkaPort, httpPort, rack } = address
  return hashFields([nodeId, brokerEpoch, incarnationId, directoryIds, host, grpcPort, kafkaPort, httpPort, rack, fenced, draining, maintenance])
}

function byKey(left: readonly [string, unknown], right: readonly [string, unknown]): number {
  return left[0] < right[0] ? -1 : 1
}

/**
 * A hash of everything an image holds, its offset included (invariant I8). It does not depend on the order in which maps were filled.
 * Images share what did not change, so the hashes of partitions, topics and brokers are kept by identity: an image that follows
 * one already hashed costs about as much as what changed, plus one sort of the topic ids.
 */
export class ImageHasher {
  readonly #partitions = new WeakMap<PartitionState, number>()
  readonly #topics = new WeakMap<TopicImage, number>()
  readonly #brokers = new WeakMap<BrokerImage, number>()
  readonly #deletedIds = new WeakMap<MetadataImage['deletedTopicIds'], number>()

  /** An unsigned 32-bit integer. */
  hash(image: MetadataImage): number {
    const voters = image.voters.map((voter) => [voter.nodeId, voter.directoryId, voter.endpoint?.host, voter.endpoint?.grpcPort])
    const brokers = [...image.brokers.values()].sort((left, right) => left.nodeId - right.nodeId)
    const topics = [...image.topics].sort(byKey)
    const named = topics.filter(([topicId, topic]) => image.topicIds.get(topic.name) === topicId).length
    const hashes = [
      hashFields([image.offset, image.clusterId, voters, image.nextProducerId, image.topicIds.size, named]),
      hashHashes(brokers.map((broker) => this.#remember(this.#brokers, broker, hashBroker))),
      hashHashes(topics.map(([, topic]) => this.#remember(this.#topics, topic, (value) => this.#hashTopic(value)))),
    ]
    // Snapshots from before these ids were kept have a hash without them.
    if (image.deletedTopicIds.length > 0) hashes.push(this.#remember(this.#deletedIds, image.deletedTopicIds, hashFields))
    return hashHashes(hashes)
  }

  /** The same in slices, for an image that this hasher has not seen: between two of them others may have their turn. */
  *hashInSlices(image: MetadataImage): Generator<void, number> {
    let count = 0
    for (const topic of image.topics.values()) {
      for (const state of topic.partitions) {
        this.#remember(this.#partitions, state, hashPartition)
        if (++count % SLICE_PARTITIONS === 0) yield
      }
      this.#remember(this.#topics, topic, (value) => this.#hashTopic(value))
    }
    return this.hash(image)
  }

  #hashTopic(topic: TopicImage): number {
    const partitions = topic.partitions.map((state) => this.#remember(this.#partitions, state, hashPartition))
    const configs = [...topic.configs].sort(byKey)
    return hashHashes([hashFields([topic.topicId, topic.name, configs]), ...partitions])
  }

  #remember<Key extends object>(known: WeakMap<Key, number>, key: Key, compute: (key: Key) => number): number {
    let hash = known.get(key)
    if (hash === undefined) known.set(key, (hash = compute(key)))
    return hash
  }
}

/** The hash of one image, without memory of earlier ones. */
export function hashImage(image: MetadataImage): number {
  return new ImageHasher().hash(image)
}
