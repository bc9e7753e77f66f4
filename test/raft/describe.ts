import { unreachable } from '../../src/base/assert.ts'
import type { RaftEffect } from '../../src/raft/effects.ts'
import type { Entry, RaftMessage, SnapshotId } from '../../src/raft/messages.ts'
import type { VoterRefusal } from '../../src/raft/voter-change.ts'

const SHOWN_ENTRIES = 13

/** `3:x` is the entry x of term 3. */
export function describeEntries(entries: readonly Entry[]): string {
  const shown = entries.slice(0, SHOWN_ENTRIES).map((entry) => `${entry.term}:${shorten(entry.bytes.toString())}`)
  return `[${shown.join(' ')}${entries.length > SHOWN_ENTRIES ? ` … ${entries.length} in all` : ''}]`
}

function shorten(text: string): string {
  if (text.startsWith('voters,') && text.length > 24) return 'voters'
  return text.length > 24 ? `${text.length} bytes` : text
}

export function describeMessage(message: RaftMessage): string {
  switch (message.type) {
    case 'voteRequest':
      return `${message.preVote ? 'pre-vote' : 'vote'} for term ${message.term}? my log is ${describeEnd(message)}${message.heardAll ? ', all heard' : ''}`
    case 'voteReply':
      return `${message.preVote ? 'pre-vote' : 'vote'} ${message.granted ? `yes, for term ${message.term}` : `no, I am in term ${message.term}${message.empty ? ', and empty' : ''}`}`
    case 'append': {
      const place = `term ${message.term}, at ${message.startOffset} behind term ${message.previousTerm}, commit ${message.commitIndex}`
      return message.entries.length === 0 ? `heartbeat: ${place}` : `append ${describeEntries(message.entries)}: ${place}`
    }
    case 'appendReply':
      if (message.result.type === 'rejected') {
        return `rejected in term ${message.term}: at ${message.startOffset}; my term ${message.result.hintTerm} ends at ${message.result.hintEndOffset}`
      }
      return `accepted in term ${message.term}: persisted ${message.result.persistedEndOffset}${message.result.counts ? '' : ', do not count me'}`
    case 'snapshotChunk': {
      const { position, bytes, sizeBytes } = message
      return `snapshot ${describeSnapshot(message)}, bytes ${position} to ${position + bytes.length} of ${sizeBytes}: term ${message.term}`
    }
    case 'snapshotReply':
      return `snapshot ${describeSnapshot(message)} written to byte ${message.position}: term ${message.term}`
    case 'timeoutNow':
      return `take over: term ${message.term}`
    case 'readProbe':
      return `is term ${message.term} the last? round ${message.round}`
    case 'readProbeReply':
      return `my term is ${message.term}: round ${message.round}`
    default:
      return unreachable(message)
  }
}

/** `9@2`: all below 9, the last of it of term 2. */
export function describeSnapshot(id: SnapshotId): string {
  return `${id.endOffset}@${id.lastTerm}`
}

function describeEnd(end: { readonly lastTerm: number; readonly endOffset: number }): string {
  return end.endOffset === 0 ? 'empty' : `${end.endOffset} long, last term ${end.lastTerm}`
}

function describeRefusal(refusal: VoterRefusal): string {
  switch (refusal.type) {
    case 'notLeader':
      return 'it does not lead'
    case 'transferring':
      return 'leadership is being handed over'
    case 'ownTermNotCommitted':
      return 'nothing of its own term is committed yet'
    case 'changePending':
      return `the change at ${refusal.offset} is not committed yet`
    case 'notOneChange':
      return 'that is not one voter more or less'
    case 'lastVoter':
      return 'somebody must vote'
    case 'notConnected':
      return `${refusal.nodeId} is not heard`
    case 'damaged':
      return `${refusal.nodeId} is damaged`
    case 'lagging':
      return `${refusal.nodeId} lags: it has ${refusal.persistedEndOffset} of ${refusal.endOffset}`
    case 'noLiveMajority':
      return `${refusal.live} of the new set are heard, ${refusal.needed} are needed`
    default:
      return unreachable(refusal)
  }
}

/** Undefined for what the network or the disk tells anyway. */
export function describeEffect(effect: RaftEffect): string | undefined {
  switch (effect.type) {
    case 'role':
      return `is ${effect.role} in term ${effect.term}${effect.role === 'leader' ? '' : `, leader ${effect.leaderId ?? 'unknown'}`}`
    case 'append':
      return effect.entries.length === 0
        ? `asks what is persisted below ${effect.startOffset}`
        : `appends ${describeEntries(effect.entries)} at ${effect.startOffset}`
    case 'appendOpening':
      return `opens term ${effect.term} at ${effect.startOffset}`
    case 'truncate':
      return `cuts its log to ${effect.endOffset}`
    case 'committed':
      return `commits below ${effect.commitIndex}`
    case 'refused':
      return `refuses proposal ${effect.proposalId}: ${effect.code}`
    case 'votersRefused':
      return `refuses proposal ${effect.proposalId}: ${describeRefusal(effect.refusal)}`
    case 'transfer':
      if (effect.outcome === 'refused') return 'can hand over to nobody'
      return effect.outcome === 'began' ? `hands over to ${effect.to}` : `goes on: ${effect.to} did not take over`
    case 'readable':
      return effect.commitIndex === null
        ? `refuses read ${effect.readId}: it does not lead`
        : `answers read ${effect.readId} from what is below ${effect.commitIndex}`
    case 'startTimer':
      return 'waits a moment, then campaigns'
    case 'sendEntries':
      return `reads for ${effect.to} from ${effect.startOffset} to ${effect.endOffset}`
    case 'sendSnapshot':
      return `reads for ${effect.to} snapshot ${describeSnapshot(effect)} from byte ${effect.position}`
    case 'storeSnapshot':
      return `stores snapshot ${describeSnapshot(effect)}`
    case 'installSnapshot':
      return `begins its log anew behind snapshot ${describeSnapshot(effect)}`
    case 'cutLog':
      return `lets go of its log below ${effect.startOffset}`
    case 'writeSnapshot':
    case 'saveVote':
    case 'send':
    case 'accepted':
      return undefined
    default:
      return unreachable(effect)
  }
}
