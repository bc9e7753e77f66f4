import type { ProducerOptions } from '../../src/client/producer.ts'
import type { AttachedCluster } from './attached-cluster.ts'
import type { ClientWorld, Fault } from './faults/fault.ts'

interface RunOptions {
  readonly timeMs: number
  readonly nodes: number
  /** Operations a second. */
  readonly rate: number
  readonly seed: number
  /** Of the history, the logs and the verdict: new, or empty. */
  readonly out: string
  readonly producer: Pick<ProducerOptions, 'acks' | 'idempotent' | 'deliveryTimeoutMs'>
  readonly topicConfigs: Readonly<Record<string, string>>
}

export interface OwnNodes extends RunOptions {
  readonly attached?: undefined
  readonly faults: readonly Fault[]
  /** The build that nodes run; default: this one. */
  readonly dist?: string
  /** Each node in a network namespace of its own. */
  readonly namespaces?: boolean
}

/** A cluster that runs already. */
export interface OthersNodes extends RunOptions {
  readonly attached: AttachedCluster
  readonly faults: readonly Fault<ClientWorld>[]
}

export type ChaosRunOptions = OwnNodes | OthersNodes
