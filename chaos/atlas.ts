import { crc32c } from '../src/base/crc32c.ts'
import { between, type Random } from '../src/base/random.ts'
import { METADATA_LOG } from '../src/log/surface.ts'

/**
 * Which copies of what a cluster holds its disks may lose or change, though they were synced: of each log a minority of its nodes at most, for the whole run
 * (rules R1.2). So whatever storage faults do within it, what breaks is a bug.
 * Source of the idea: TigerBeetle's ClusterFaultAtlas.
 */
export interface Atlas {
  readonly partitions: PartitionAtlas
  /** Nodes whose metadata log may be harmed. */
  readonly metadataOf: readonly number[]
}

/** none: nothing of partitions. same: all that these nodes hold. each: of each partition another choice of `count` nodes, by its name. */
type PartitionAtlas =
  | { readonly type: 'none' }
  | { readonly type: 'same'; readonly nodeIds: readonly number[] }
  | { readonly type: 'each'; readonly brokerIds: readonly number[]; readonly count: number; readonly salt: number }

export interface AtlasOptions {
  readonly nodeIds: readonly number[]
  readonly brokerIds: readonly number[]
  readonly replicationFactor: number
  /** The first so many nodes are, or may become, voters. */
  readonly controllers: number
  /** There are never fewer. */
  readonly leastVoters: number
}

export const harmless: Atlas = { partitions: { type: 'none' }, metadataOf: [] }

const minorityOf = (count: number): number => Math.max(0, Math.floor((count - 1) / 2))

export function drawAtlas(random: Random, options: AtlasOptions): Atlas {
  const { brokerIds, nodeIds } = options
  const most = minorityOf(options.replicationFactor)
  const isSame = random.integer(2) === 0
  const salt = random.integer(2 ** 30)
  const count = most === 0 ? 0 : between(random, 1, most)
  if (count === 0) return { partitions: { type: 'none' }, metadataOf: drawMetadata(random, nodeIds, options) }
  if (!isSame) return { partitions: { type: 'each', brokerIds, count, salt }, metadataOf: drawMetadata(random, nodeIds, options) }
  const same = takeSome(random, brokerIds, count)
  // The same nodes first: a node of which everything may be lost may be lost as a whole.
  const metadataOf = drawMetadata(random, same, options)
  return { partitions: { type: 'same', nodeIds: same }, metadataOf }
}

function drawMetadata(random: Random, among: readonly number[], { controllers, leastVoters }: AtlasOptions): readonly number[] {
  let left = minorityOf(leastVoters)
  return takeSome(random, among, among.length).filter((nodeId) => nodeId > controllers || left-- > 0)
}

function takeSome(random: Random, nodeIds: readonly number[], count: number): readonly number[] {
  const left = [...nodeIds]
  return Array.from({ length: count }, () => left.splice(random.integer(left.length), 1)[0] as number)
}

/** `logName`: as the node names it, `metadata` or `partitions/TOPIC-N`. */
export function mayHarm({ partitions, metadataOf }: Atlas, nodeId: number, logName: string): boolean {
  if (logName === METADATA_LOG) return metadataOf.includes(nodeId)
  if (partitions.type === 'none') return false
  if (partitions.type === 'same') return partitions.nodeIds.includes(nodeId)
  const { brokerIds, count, salt } = partitions
  const first = crc32c(Buffer.from(`${salt} ${logName}`)) % brokerIds.length
  return Array.from({ length: count }, (_, at) => brokerIds[(first + at) % brokerIds.length]).includes(nodeId)
}

/** Whether all that a node holds may be lost, its vote included. */
export function mayWipe({ partitions, metadataOf }: Atlas, nodeId: number): boolean {
  return partitions.type === 'same' && partitions.nodeIds.includes(nodeId) && metadataOf.includes(nodeId)
}
