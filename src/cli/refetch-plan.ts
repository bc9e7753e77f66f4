import { BrokerError } from '../base/errors.ts'
import type { BrokerAnswer, ReplicaRow } from './replica-conditions.ts'
import type { TopicDescription } from './topic-names.ts'

type Partition = TopicDescription['partitions'][number]

/** A replica whose copy may go, because the others have all that was acknowledged. */
export interface Refetch {
  readonly topic: string
  readonly partition: number
  readonly nodeId: number
  /** As they are, and as they are to be again. */
  readonly replicas: readonly number[]
  readonly others: readonly number[]
  /** Of the copy; −1: not known. */
  readonly sizeBytes: number
}

export interface RefetchLook {
  readonly topic: string
  readonly state: Partition
  readonly nodeId: number
  readonly brokers: readonly BrokerAnswer[]
  readonly rows: readonly ReplicaRow[]
  /** min.insync.replicas of the topic. */
  readonly minIsr: number
}

function refuse(message: string): never {
  throw new BrokerError('INVALID_REQUEST', message)
}

/** Why its node cannot begin it anew now. */
function checkNode({ nodeId, brokers, rows, state }: RefetchLook): void {
  const broker = brokers.find((one) => one.nodeId === nodeId)
  if (broker?.state !== 'running') refuse(`node ${nodeId} is ${broker?.state ?? 'not known'}: it has to run to fetch anything (start it)`)
  const row = rows.find((one) => one.nodeId === nodeId && one.partition === state.partition)
  if (broker.folders === null) refuse(`node ${nodeId} does not say how its replica is: ${broker.error}`)
  // A dead log stays dead until the next start of its node, and so would a new one in its place (rules R3.5, R5.2).
  if (row?.condition === 'quarantined')
    refuse(`the replica serves nothing before the next start of node ${nodeId}, which repairs it by itself (restart node ${nodeId})`)
  if (row?.condition === 'offline') refuse(`the replica is offline: ${row.reason} (mend that, then restart node ${nodeId})`)
}

/** Throws INVALID_REQUEST with why the copy stays: it may be the last one, or needed. */
export function planRefetch(look: RefetchLook): Refetch {
  const { topic, state, nodeId, brokers, minIsr } = look
  const { partition, replicas, isr, leader, addingReplicas, removingReplicas } = state
  if (!replicas.includes(nodeId)) refuse(`node ${nodeId} has no replica of it; those are on ${replicas.join(', ')}`)
  const others = replicas.filter((other) => other !== nodeId)
  if (others.length === 0) refuse('it is the only replica: there is nobody to fetch it from')
  if (addingReplicas.length > 0 || removingReplicas.length > 0) refuse('it is being moved (wait until it has arrived, or take the move back)')
  if (leader === -1) refuse('it has no leader to fetch it from (see: oxbow cluster health)')
  checkNode(look)
  const holders = others.filter((other) => isr.includes(other) && brokers.find((one) => one.nodeId === other)?.state === 'running')
  // Fewer than that many copies, each of which may be lost, is less than was promised (rules R1.1).
  if (holders.length < minIsr)
    refuse(
      `without node ${nodeId} only ${holders.length} of its replicas would be in sync, and min.insync.replicas is ${minIsr} (bring the others back, or add one first)`,
    )
  const described = brokers.find((one) => one.nodeId === nodeId)?.folders?.flatMap((folder) => folder.partitions)
  const sizeBytes = described?.find((one) => one.topic === topic && one.partition === partition && !one.isFuture)?.sizeBytes ?? -1
  return { topic, partition, nodeId, replicas, others, sizeBytes }
}
