import type { IsrMember } from '../../../src/metadata/records.ts'
import type { PartitionInput } from '../../../src/replication/effects.ts'
import type { Partition } from '../../../src/replication/partition.ts'
import { copyGraph, textOf } from '../object-graph.ts'
import type { LogOf } from '../abstract-disk.ts'

export type AssignInput = Extract<PartitionInput, { type: 'assign' }>

/** A round of write and sync that is under way. */
export interface Round {
  readonly cutCount: number
  readonly endOffset: number
}

/** One node, as far as the partition goes: the machine, its disk, and what its driver holds between the steps of the machine (src/broker/partitions, replica). */
export interface Replica {
  readonly nodeId: number
  /** Undefined: the process is dead. */
  readonly core: Partition | undefined
  /** What the machine believes its log to be. */
  readonly memory: LogOf
  readonly durable: LogOf
  readonly round: Round | undefined
  /** Counts processes and disks under this node id. */
  readonly incarnation: number
  readonly directory: number
  /** Of the registration of this process; −1: it has not applied it. */
  readonly brokerEpoch: number
  readonly suspect: boolean
  readonly damaged: boolean
  /** Its disk lost what it had synced: until it is in sync again it holds less than it should, and nobody is to blame. */
  readonly harmed: boolean
  /** Number of the message that the driver repeats until it is answered; −1: none. */
  readonly proposal: number
  /** The high watermark that a checkpoint of the last process may have noted. */
  readonly mark: number
}

export function incarnationId({ nodeId, incarnation }: Pick<Replica, 'nodeId' | 'incarnation'>): string {
  return `${nodeId}`.repeat(8).padEnd(24, '0') + `${incarnation}`.padStart(8, '0')
}

export function directoryId({ nodeId, directory }: Pick<Replica, 'nodeId' | 'directory'>): string {
  return `${nodeId}`.repeat(8).padEnd(24, 'd') + `${directory}`.padStart(8, '0')
}

/** The same with a machine of its own, to be changed. */
export function fork(replica: Replica): Replica {
  return replica.core === undefined ? replica : { ...replica, core: copyGraph(replica.core) }
}

export function replicaText(replica: Replica): string {
  const { core, ...rest } = replica
  return `${textOf(rest)} ${core === undefined ? 'dead' : textOf(core)}`
}

export function isInIsr(isr: readonly IsrMember[], nodeId: number, brokerEpoch: number): boolean {
  return isr.some((member) => member.nodeId === nodeId && member.brokerEpoch === brokerEpoch)
}

/** What a step adds to what happened so far. */
export type Happening =
  | { readonly type: 'wrote'; readonly batch: number }
  /** A leader's high watermark covers these. */
  | { readonly type: 'exposed'; readonly epoch: number; readonly batches: LogOf }
  | { readonly type: 'acknowledged'; readonly epoch: number; readonly record: number; readonly offset: number }
  | { readonly type: 'leads'; readonly epoch: number; readonly process: string }
  | { readonly type: 'cut'; readonly nodeId: number; readonly batches: LogOf }

/** What one step of a replica leads to. All numbers. */
export interface Outcome {
  readonly replica: number
  readonly sends: readonly number[]
  /** Index into the happenings known. */
  readonly happenings: number
  readonly isChanged: boolean
}
