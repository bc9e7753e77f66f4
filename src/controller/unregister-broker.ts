import { BrokerError } from '../base/errors.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { ControllerCommand, Decision } from './commands.ts'
import type { ControllerContext } from './context.ts'

type UnregisterBroker = Extract<ControllerCommand, { readonly type: 'unregisterBroker' }>

/** So many are named, the others counted. */
const NAMED_PARTITIONS = 3

/** Partitions that the broker holds, or is to hold. */
function heldPartitions(nodeId: number, image: MetadataImage): string[] {
  return [...image.topics.values()].flatMap(({ name, partitions }) =>
    partitions.filter(({ replicas }) => replicas.includes(nodeId)).map(({ partition }) => `${name}-${partition}`),
  )
}

/** Why it may not go yet, and what comes first; undefined: it may. In the order in which an operator has to see to it. */
function obstacle(nodeId: number, { image }: ControllerContext): string | undefined {
  const held = heldPartitions(nodeId, image).sort()
  if (held.length > 0) {
    const named = held.slice(0, NAMED_PARTITIONS).join(', ')
    const more = held.length > NAMED_PARTITIONS ? ` and ${held.length - NAMED_PARTITIONS} more` : ''
    return `holds replicas of ${named}${more}: move them away first, oxbow broker decommission ${nodeId} --wait`
  }
  if (image.voters.some((voter) => voter.nodeId === nodeId)) return `is a voter of the metadata quorum: oxbow quorum remove-voter ${nodeId} first`
  if (image.brokers.get(nodeId)?.fenced === false) return 'is running: stop its process first'
  return undefined
}

/**
 * Takes a broker out of the metadata for good (Kafka UnregisterBroker, KIP-500). With it go its epoch and its maintenance mark: should a process come
 * back under that id, it registers as a new one.
 */
export function decideUnregisterBroker(command: UnregisterBroker, context: ControllerContext): Decision {
  const { nodeId, validateOnly } = command
  const broker = context.image.brokers.get(nodeId)
  if (broker === undefined) throw new BrokerError('BROKER_ID_NOT_REGISTERED', `broker ${nodeId} is not registered`)
  const why = obstacle(nodeId, context)
  if (why !== undefined) throw new BrokerError('BROKER_IN_USE', `broker ${nodeId} ${why}`)
  if (validateOnly) return { records: [], reply: { type: 'brokerUnregistered', metadataOffset: context.offset } }
  const record = { type: 'brokerUnregistered', nodeId, brokerEpoch: broker.brokerEpoch } as const
  return { records: [record], reply: { type: 'brokerUnregistered', metadataOffset: context.offset + 1 } }
}
