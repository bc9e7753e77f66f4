import type { OxbowClient } from '../../src/client/client.ts'
import type { ClientTransport, NodeAddress } from '../../src/client/transport.ts'
import type { Network } from './faults/network.ts'

/** A node that ended and was not asked to. */
export interface Death {
  readonly nodeId: number
  readonly end: string
  readonly lastLine: string
}

/** What an experiment is made on: nodes of its own, or a cluster that runs already. */
export interface TargetCluster {
  readonly nodeIds: readonly number[]
  /** Of them, those that no fault has ended or halted now, as far as it is known. */
  readonly upNodes: readonly number[]
  readonly addresses: readonly NodeAddress[]
  readonly clientHosts: number
  readonly network: Pick<Network, 'impose' | 'reset'>
  /** Nodes that ended by themselves. */
  readonly deaths: readonly Death[]
  /** On one of the machines of clients, the first being 0. */
  openClient(host: number): OxbowClient
  /** The same for who speaks to single nodes. */
  openTransport(host: number): ClientTransport
  /** Beside the network: no fault of it reaches this client. */
  openDirectClient(): OxbowClient
  /** Whom a fault that failed halfway has left down or halted goes on: that fault is known by its failure. */
  recover(): void
  /** Fulfilled when all nodes serve. */
  start(): Promise<void>
  close(): Promise<void>
}
