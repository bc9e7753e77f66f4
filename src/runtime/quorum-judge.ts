import { unreachable } from '../base/assert.ts'
import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { ConnectedNode, QuorumView } from '../controller/quorum-view.ts'
import type { VoterRecord } from '../metadata/records.ts'
import type { PeerProgress } from '../raft/effects.ts'
import type { Raft } from '../raft/raft.ts'
import { judgeNewcomer, type VoterRefusal } from '../raft/voter-change.ts'

export interface QuorumJudgeOptions {
  /** Asked only while it leads. */
  readonly raft: Pick<Raft, 'endOffset' | 'judgeVoters' | 'progress'>
  readonly electionTicks: number
  readonly node: (nodeId: number) => ConnectedNode | undefined
}

/** What Raft says about voters, in sentences that say what to do next (rules R4.4). */
export class QuorumJudge implements QuorumView {
  readonly #options: QuorumJudgeOptions

  constructor(options: QuorumJudgeOptions) {
    this.#options = options
  }

  node(nodeId: number): ConnectedNode | undefined {
    return this.#options.node(nodeId)
  }

  get liveVoterIds(): readonly number[] {
    const { raft, electionTicks } = this.#options
    const live = raft.progress().filter((peer) => peer.voter && peer.counts && peer.silentTicks < electionTicks)
    return live.map((peer) => peer.nodeId)
  }

  newcomerRefusal(nodeId: number, directoryId: Uuid): BrokerError | undefined {
    const { raft, electionTicks } = this.#options
    const progress = raft.progress().find((peer) => peer.nodeId === nodeId)
    const refusal = judgeNewcomer({ nodeId, directoryId }, progress && viewOf(progress, electionTicks), raft.endOffset)
    return refusal && refusalError(refusal)
  }

  refusal(voters: readonly VoterRecord[]): BrokerError | undefined {
    const refusal = this.#options.raft.judgeVoters(voters)
    return refusal && refusalError(refusal)
  }
}

function viewOf({ directoryId, counts, persistedEndOffset, silentTicks, isCaughtUp }: PeerProgress, electionTicks: number) {
  return { directoryId, counts, persistedEndOffset, isHeard: silentTicks < electionTicks, isCaughtUp }
}

/** VOTER_NOT_READY passes by itself: the same command may be given again. */
export function refusalError(refusal: VoterRefusal): BrokerError {
  switch (refusal.type) {
    case 'notLeader':
      return new BrokerError('NOT_CONTROLLER', 'this node does not lead the metadata quorum')
    case 'transferring':
      return new BrokerError('VOTER_NOT_READY', 'the active controller is handing over; the next one takes the command')
    case 'ownTermNotCommitted':
      return new BrokerError('VOTER_NOT_READY', 'the active controller has not committed anything yet; that takes a moment')
    case 'changePending':
      return new BrokerError('VOTER_NOT_READY', `another change of the voters, at metadata offset ${refusal.offset}, is not committed yet`)
    case 'notOneChange':
      return new BrokerError('VOTER_NOT_READY', 'the voters changed meanwhile')
    case 'lastVoter':
      return new BrokerError('UNSAFE_VOTER_SET', 'it is the last voter, and without one nothing can be decided: add another one first')
    case 'notConnected':
      return new BrokerError('VOTER_NOT_READY', `node ${refusal.nodeId} has just connected, or does not answer: see that it runs, and its /readyz`)
    case 'damaged':
      return new BrokerError(
        'VOTER_NOT_READY',
        `the metadata log of node ${refusal.nodeId} was damaged and is being repaired: its /readyz says when it is whole`,
      )
    case 'lagging': {
      const { nodeId, persistedEndOffset, endOffset } = refusal
      const how = `it has ${persistedEndOffset} of ${endOffset} entries`
      return new BrokerError('VOTER_NOT_READY', `node ${nodeId} has not caught up with the metadata log (${how}): see oxbow quorum replication`)
    }
    case 'noLiveMajority': {
      const { live, needed } = refusal
      const next = 'start those that are down (oxbow quorum replication shows them), or remove them first'
      return new BrokerError('UNSAFE_VOTER_SET', `only ${live} of these voters answer and have the metadata log, ${needed} must: ${next}`)
    }
    default:
      return unreachable(refusal)
  }
}
