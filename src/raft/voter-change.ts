import type { PeerIdentity, Voter } from './messages.ts'
import { majorityOf } from './quorum.ts'

/** Why a voter set is not taken (rules R4.4); what to do about it is for others to say. */
export type VoterRefusal =
  | { readonly type: 'notLeader' }
  /** Leadership is being handed over. */
  | { readonly type: 'transferring' }
  /** Nothing of the own term is committed yet: an older leader's change may still be cut (Ongaro, raft-dev 2015). */
  | { readonly type: 'ownTermNotCommitted' }
  /** The change at this offset is not committed yet. */
  | { readonly type: 'changePending'; readonly offset: number }
  /** Not one voter more, one less, or one folder filled in. */
  | { readonly type: 'notOneChange' }
  | { readonly type: 'lastVoter' }
  /** The newcomer has no stream to this node, or was silent for an election timeout. */
  | { readonly type: 'notConnected'; readonly nodeId: number }
  /** The newcomer's log was damaged, and has not caught up beyond the mark. */
  | { readonly type: 'damaged'; readonly nodeId: number }
  /** The newcomer did not have all of the log within the last election timeout. Ends are exclusive. */
  | { readonly type: 'lagging'; readonly nodeId: number; readonly persistedEndOffset: number; readonly endOffset: number }
  /**
   * Too few of the new set answer and have the log: it could commit nothing, not even the way back; and one that never had any of it would
   * not vote (rules R2.2), so that nobody could be elected.
   */
  | { readonly type: 'noLiveMajority'; readonly live: number; readonly needed: number }

/** A peer as its progress shows it, within the last election timeout. */
export interface PeerView {
  readonly directoryId: string | null
  readonly isHeard: boolean
  readonly counts: boolean
  readonly isCaughtUp: boolean
  readonly persistedEndOffset: number
}

type Change = { readonly type: 'add' | 'remove' | 'fill'; readonly voter: Voter }

/** The one difference between two sets; undefined when there is none, or more than one. */
function findChange(current: readonly Voter[], wanted: readonly Voter[]): Change | undefined {
  const changes: Change[] = []
  for (const voter of wanted) {
    const before = current.find((other) => other.nodeId === voter.nodeId)
    if (before === undefined) changes.push({ type: 'add', voter })
    else if (before.directoryId === null && voter.directoryId !== null) changes.push({ type: 'fill', voter })
    else if (before.directoryId !== voter.directoryId) return undefined
  }
  for (const voter of current) if (!wanted.some((other) => other.nodeId === voter.nodeId)) changes.push({ type: 'remove', voter })
  return changes.length === 1 ? changes[0] : undefined
}

/** Whether a node could be a voter now; undefined: it could. `endOffset`: of the leader's log. */
export function judgeNewcomer({ nodeId, directoryId }: Voter, view: PeerView | undefined, endOffset: number): VoterRefusal | undefined {
  if (view === undefined || view.directoryId !== directoryId || !view.isHeard) return { type: 'notConnected', nodeId }
  if (!view.counts) return { type: 'damaged', nodeId }
  if (!view.isCaughtUp) return { type: 'lagging', nodeId, persistedEndOffset: view.persistedEndOffset, endOffset }
  return undefined
}

/** Judges the set itself; that no other change is under way is the leader's to know. */
export function judgeVoterChange(options: {
  readonly self: PeerIdentity
  readonly current: readonly Voter[]
  readonly wanted: readonly Voter[]
  readonly endOffset: number
  /** This node has on disk what is committed: its own disk may be the slowest. */
  readonly isSelfCaughtUp: boolean
  readonly peer: (nodeId: number) => PeerView | undefined
}): VoterRefusal | undefined {
  const { self, current, wanted, peer } = options
  const change = findChange(current, wanted)
  if (wanted.length === 0) return { type: 'lastVoter' }
  if (change === undefined) return { type: 'notOneChange' }
  // The majority stays one of the same ids: nothing can get stuck by it.
  if (change.type === 'fill') return undefined
  const isLive = ({ nodeId, directoryId }: Voter): boolean => {
    if (nodeId === self.nodeId) return directoryId === self.directoryId && options.isSelfCaughtUp
    const view = peer(nodeId)
    return view?.isHeard === true && view.counts && view.isCaughtUp && view.directoryId === directoryId
  }
  if (change.type === 'add') {
    const refusal = judgeNewcomer(change.voter, peer(change.voter.nodeId), options.endOffset)
    if (refusal !== undefined) return refusal
  }
  const live = wanted.filter(isLive).length
  const needed = majorityOf(wanted.length)
  return live < needed ? { type: 'noLiveMajority', live, needed } : undefined
}
