import type { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { VoterEndpoint, VoterRecord } from '../metadata/records.ts'

/** A node as it said Hello to the active controller, which is one of them. */
export interface ConnectedNode {
  readonly nodeId: number
  readonly directoryId: Uuid
  readonly endpoint: VoterEndpoint
  /** It runs with the controller role. */
  readonly isController: boolean
}

/** The metadata quorum as only its leader knows it; Raft judges, decisions read (rules R4.4). */
export interface QuorumView {
  /** Undefined: not connected. */
  node(nodeId: number): ConnectedNode | undefined
  /** Of the voters that count now: those that answer. */
  readonly liveVoterIds: readonly number[]
  /** Why this node, under that folder, could not be a voter yet; undefined: it could. */
  newcomerRefusal(nodeId: number, directoryId: Uuid): BrokerError | undefined
  /** Why this set would not be taken now; undefined: it would. */
  refusal(voters: readonly VoterRecord[]): BrokerError | undefined
}
