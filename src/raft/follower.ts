import { assert } from '../base/assert.ts'
import type { RaftEffect } from './effects.ts'
import type { AppendReply, AppendRequest, RaftMessage, SnapshotChunk, SnapshotId } from './messages.ts'
import type { RaftLog } from './raft-log.ts'
import { SnapshotReception } from './snapshot-reception.ts'

/**
 * What a node keeps of the leader of one term; one instance a term, shared by followers and observers.
 * Invariants: it tells the leader only what is persisted *and* known to equal the leader's log · it commits only within that.
 */
export class Follower {
  readonly #leaderId: number
  readonly #term: number
  readonly #log: RaftLog
  readonly #emit: (effect: RaftEffect) => void
  readonly #send: (to: number, message: RaftMessage) => void
  readonly #mayCount: () => boolean
  /** Below it the log equals the leader's, which only grows within its term. */
  #matchedEndOffset = 0
  #reportedEndOffset = 0
  #lastStartOffset = 0
  #reception: SnapshotReception | null = null

  constructor(options: {
    readonly leaderId: number
    readonly term: number
    readonly log: RaftLog
    readonly emit: (effect: RaftEffect) => void
    readonly send: (to: number, message: RaftMessage) => void
    /** Asked with each acceptance: false while this node is damaged (rules R3.4). */
    readonly mayCount: () => boolean
  }) {
    this.#leaderId = options.leaderId
    this.#term = options.term
    this.#log = options.log
    this.#emit = options.emit
    this.#send = options.send
    this.#mayCount = options.mayCount
  }

  get leaderId(): number {
    return this.#leaderId
  }

  get matchedEndOffset(): number {
    return this.#matchedEndOffset
  }

  /** A heartbeat is answered at once, entries once they are persisted. */
  receive(request: AppendRequest): void {
    assert(request.term === this.#term, 'a follower hears the leader of its term')
    const outcome = acceptEntries(this.#log, request, this.#emit)
    if (outcome.type === 'rejected') {
      this.#reply(request.startOffset, outcome)
      return
    }
    this.#lastStartOffset = request.startOffset
    this.#matched(outcome.matchedEndOffset)
    const commitIndex = Math.min(request.commitIndex, this.#matchedEndOffset)
    if (this.#log.commit(commitIndex)) this.#emit({ type: 'committed', commitIndex })
    if (request.entries.length === 0 || this.#log.persistedEndOffset >= outcome.matchedEndOffset) this.#report()
  }

  /** What the own log leads to needs no bytes: it only moves the commit index, since all that a snapshot holds is committed (rules R4.5). */
  receiveSnapshot(chunk: SnapshotChunk): void {
    assert(chunk.term === this.#term, 'a follower hears the leader of its term')
    const { endOffset } = chunk
    if (endOffset <= this.#log.commitIndex || this.#log.leadsTo(chunk)) {
      this.#lastStartOffset = endOffset
      this.#matched(endOffset)
      if (this.#log.commit(endOffset)) this.#emit({ type: 'committed', commitIndex: endOffset })
      this.#report()
      return
    }
    const known = this.#reception
    if (known !== null && known.snapshot.endOffset > endOffset) return // A leader moves on to newer ones alone.
    if (known?.isOf(chunk) !== true) this.#reception = new SnapshotReception(chunk)
    const reception = this.#reception as SnapshotReception
    if (!reception.take(chunk)) this.#replySnapshot(chunk, reception.writtenPosition)
    else this.#emit({ type: 'writeSnapshot', term: this.#term, ...idOf(chunk), position: chunk.position, bytes: chunk.bytes })
  }

  snapshotWritten(written: SnapshotId & { readonly position: number }): void {
    if (this.#reception?.isOf(written) !== true) return
    if (this.#reception.written(written.position)) this.#emit({ type: 'storeSnapshot', term: this.#term, ...idOf(written) })
    this.#replySnapshot(written, written.position)
  }

  /** The bytes were no snapshot: the leader is to begin anew. */
  snapshotInvalid(id: SnapshotId): void {
    if (this.#reception?.isOf(id) !== true) return
    this.#reception = null
    this.#replySnapshot(id, 0)
  }

  /** The log goes on behind a snapshot; the leader is told once that is persisted. A newer one may be on its way in already, and goes on. */
  installed(endOffset: number): void {
    if (this.#reception !== null && this.#reception.snapshot.endOffset <= endOffset) this.#reception = null
    this.#lastStartOffset = endOffset
    this.#matchedEndOffset = Math.max(this.#matchedEndOffset, endOffset)
  }

  /** The log's persisted end moved: the leader is told when that says more than it knows. */
  persisted(): void {
    if (this.#tellableEndOffset > this.#reportedEndOffset) this.#report()
  }

  get #tellableEndOffset(): number {
    return Math.min(this.#log.persistedEndOffset, this.#matchedEndOffset)
  }

  #matched(endOffset: number): void {
    this.#matchedEndOffset = Math.max(this.#matchedEndOffset, endOffset)
    if (this.#matchedEndOffset < this.#log.endOffset || !this.#log.takeStatement(this.#term)) return
    this.#emit({ type: 'append', startOffset: this.#log.endOffset, term: this.#term, entries: [] })
  }

  #report(): void {
    assert(this.#tellableEndOffset >= this.#reportedEndOffset, 'what was told as persisted stays so within a term')
    this.#reportedEndOffset = this.#tellableEndOffset
    this.#reply(this.#lastStartOffset, { type: 'accepted', persistedEndOffset: this.#reportedEndOffset, counts: this.#mayCount() })
  }

  #replySnapshot(id: SnapshotId, position: number): void {
    this.#send(this.#leaderId, { type: 'snapshotReply', term: this.#term, ...idOf(id), position })
  }

  #reply(startOffset: number, result: AppendReply['result']): void {
    this.#send(this.#leaderId, { type: 'appendReply', term: this.#term, startOffset, result })
  }
}

function idOf({ endOffset, lastTerm }: SnapshotId): SnapshotId {
  return { endOffset, lastTerm }
}

type AppendOutcome =
  /** The log equals the leader's below matchedEndOffset, on disk or not. */
  { readonly type: 'matched'; readonly matchedEndOffset: number } | { readonly type: 'rejected'; readonly hintTerm: number; readonly hintEndOffset: number }

/**
 * The follower's half of replication: compares, cuts from the first entry that differs, appends the rest (Raft paper 5.3).
 * What is equal is never cut, so that a late or doubled message takes nothing away.
 */
function acceptEntries(log: RaftLog, request: AppendRequest, emit: (effect: RaftEffect) => void): AppendOutcome {
  const { startOffset, previousTerm, entries } = request
  // What is committed here is equal on every leader to come (leader completeness), so that it need not be compared.
  const isMatch = startOffset <= log.commitIndex || (startOffset <= log.endOffset && log.termBefore(startOffset) === previousTerm)
  if (!isMatch) {
    const hint = log.endOfTerm(previousTerm)
    return { type: 'rejected', hintTerm: hint.epoch, hintEndOffset: Math.min(hint.endOffset, startOffset - 1) }
  }
  let at = Math.max(0, Math.min(entries.length, log.startOffset - startOffset))
  while (at < entries.length && startOffset + at < log.endOffset && log.termBefore(startOffset + at + 1) === entries[at]?.term) at++
  if (at < entries.length) appendFrom(log, request, at, emit)
  return { type: 'matched', matchedEndOffset: startOffset + entries.length }
}

function appendFrom(log: RaftLog, request: AppendRequest, at: number, emit: (effect: RaftEffect) => void): void {
  const endOffset = request.startOffset + at
  const entries = request.entries.slice(at)
  if (endOffset < log.endOffset) {
    log.truncate(endOffset, request.term)
    emit({ type: 'truncate', endOffset })
  }
  assert(endOffset === log.endOffset, 'entries are appended where the log ends')
  for (const entry of entries) log.append({ entryTerm: entry.term, statedTerm: request.term })
  emit({ type: 'append', startOffset: endOffset, term: request.term, entries })
}
