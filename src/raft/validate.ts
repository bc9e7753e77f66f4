import type { AppendReply, AppendRequest, RaftMessage, SnapshotId } from './messages.ts'

/** A term is stamped into a batch as its leader epoch: an int32 (rules R3.1). */
const MAX_TERM = 0x7fff_ffff

function isOffset(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isTerm(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < MAX_TERM
}

/** A term of an entry, or −1 where there is none. */
function isEntryTerm(value: number, term: number): boolean {
  return value === -1 || (isTerm(value) && value <= term)
}

/** Whether a message makes sense by itself. One that does not is dropped like a lost one: input from outside never ends a node (style S8). */
export function isWellFormed(message: RaftMessage): boolean {
  if (!isTerm(message.term)) return false
  switch (message.type) {
    case 'voteRequest':
      return isEntryTerm(message.lastTerm, message.term) && isOffset(message.endOffset) && (message.endOffset === 0) === (message.lastTerm === -1)
    case 'voteReply':
      return true
    case 'append':
      return isWellFormedAppend(message)
    case 'appendReply':
      return isWellFormedReply(message)
    case 'snapshotChunk': {
      const { position, sizeBytes, bytes } = message
      return isSnapshot(message, message.term) && isOffset(position) && isOffset(sizeBytes) && bytes.length > 0 && position + bytes.length <= sizeBytes
    }
    case 'snapshotReply':
      return isSnapshot(message, message.term) && isOffset(message.position)
    case 'timeoutNow':
      return true
    case 'readProbe':
    case 'readProbeReply':
      return isOffset(message.round)
    default:
      return false
  }
}

/** An empty log needs none. */
function isSnapshot(id: SnapshotId, term: number): boolean {
  return isOffset(id.endOffset) && id.endOffset > 0 && isTerm(id.lastTerm) && id.lastTerm <= term
}

function isWellFormedAppend(message: AppendRequest): boolean {
  if (!isOffset(message.startOffset) || !isOffset(message.startOffset + message.entries.length) || !isOffset(message.commitIndex)) return false
  if (!isEntryTerm(message.previousTerm, message.term) || (message.startOffset === 0) !== (message.previousTerm === -1)) return false
  let previousTerm = message.previousTerm
  for (const entry of message.entries) {
    if (!isTerm(entry.term) || entry.term < previousTerm || entry.term > message.term) return false
    previousTerm = entry.term
  }
  return true
}

function isWellFormedReply(message: AppendReply): boolean {
  if (!isOffset(message.startOffset)) return false
  if (message.result.type === 'accepted') return isOffset(message.result.persistedEndOffset)
  return isEntryTerm(message.result.hintTerm, message.term) && isOffset(message.result.hintEndOffset)
}
