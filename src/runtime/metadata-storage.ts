import { assert } from '../base/assert.ts'
import type { DoneVoid } from '../base/done.ts'
import type { Log } from '../log/surface.ts'
import type { Entry, SnapshotId } from '../raft/messages.ts'

/** The part of the two-slot file that this driver uses (rules R3.6). */
export interface VoteStore {
  save(state: VoteState, done: DoneVoid): void
}

/** Term, vote, and what of the metadata log is surely on disk: (exclusive end, term of its last entry). */
export interface VoteState {
  readonly term: number
  readonly votedFor: number | null
  readonly syncedEndOffset: number
  readonly syncedEpoch: number
}

type Operation =
  | { readonly type: 'append'; readonly term: number; readonly startOffset: number; readonly entries: readonly Entry[] }
  | { readonly type: 'opening'; readonly term: number; readonly startOffset: number; readonly bytes: Buffer }
  | { readonly type: 'truncate'; readonly endOffset: number }
  | ({ readonly type: 'install'; readonly term: number } & SnapshotId)

interface Unpersisted {
  readonly term: number
  readonly endOffset: number
}

export interface MetadataStorageEvents {
  persisted(term: number, endOffset: number): void
  voteSaved(term: number, votedFor: number | null): void
  failed(error: Error): void
}

/**
 * Raft's disk: the metadata log and the vote file, in the order of rules R3.6.
 * An entry counts as persisted once its log was synced and then the mark in the vote file; a cut lowers the mark, synced, before it
 * touches the log, so that entries behind a cut wait for it in a queue. A log that is begun anew behind a snapshot is cut first where it reaches as far.
 */
export class MetadataStorage {
  readonly #log: Log
  readonly #votes: VoteStore
  readonly #events: MetadataStorageEvents
  readonly #queue: Operation[] = []
  readonly #unpersisted: Unpersisted[] = []
  #state: VoteState
  #saving = false
  /** A vote or term whose save was asked for and not begun yet. */
  #votePending = false
  #syncedEndOffset: number
  /** A cut to this offset waits for its mark: the log still holds what it takes away. */
  #cuttingTo: number | undefined

  constructor(options: { readonly log: Log; readonly votes: VoteStore; readonly state: VoteState; readonly events: MetadataStorageEvents }) {
    this.#log = options.log
    this.#votes = options.votes
    this.#events = options.events
    this.#state = options.state
    this.#syncedEndOffset = options.log.syncedEndOffset
  }

  /** Exclusive: synced in the log and under the saved mark; a process before may have died between the two (rules R3.6). Not known during a save. */
  get persistedEndOffset(): number {
    assert(!this.#saving, 'a mark counts when it is saved')
    return Math.min(this.#state.syncedEndOffset, this.#syncedEndOffset)
  }

  /** Exclusive: from here on the log may hold entries that a waiting cut takes away; Infinity when none waits. */
  get settledEndOffset(): number {
    let endOffset = this.#cuttingTo ?? Number.POSITIVE_INFINITY
    for (const operation of this.#queue) {
      if (operation.type === 'truncate') endOffset = Math.min(endOffset, operation.endOffset)
      if (operation.type === 'install') endOffset = 0
    }
    return endOffset
  }

  saveVote(term: number, votedFor: number | null): void {
    assert(term >= this.#state.term, 'the saved term never goes back')
    this.#state = { ...this.#state, term, votedFor }
    this.#votePending = true
    this.#save()
  }

  /** Appends entries as they stand (a follower) or to be stamped (a leader); answered by `persisted` with this term. */
  append(term: number, startOffset: number, entries: readonly Entry[]): void {
    this.#queue.push({ type: 'append', term, startOffset, entries })
    this.#perform()
  }

  appendOpening(term: number, startOffset: number, bytes: Buffer): void {
    this.#queue.push({ type: 'opening', term, startOffset, bytes })
    this.#perform()
  }

  truncate(endOffset: number): void {
    this.#queue.push({ type: 'truncate', endOffset })
    this.#perform()
  }

  /** The log goes on behind a snapshot that is on disk; answered by `persisted` with this term. */
  install(term: number, { endOffset, lastTerm }: SnapshotId): void {
    this.#queue.push({ type: 'install', term, endOffset, lastTerm })
    this.#perform()
  }

  /** What lies below was persisted, and snapshots hold it. A log that is dead or closed says so itself. */
  cutStart(startOffset: number): void {
    this.#log.advanceStart(startOffset, () => undefined)
  }

  /** The log says what is on disk. */
  synced(endOffset: number, cutCount: number): void {
    if (cutCount !== this.#log.cutCount) return
    // A cut that waits for its mark has not raised the cut count yet: what it takes away counts no more.
    this.#syncedEndOffset = Math.min(endOffset, this.#cuttingTo ?? endOffset)
    this.#save()
  }

  #perform(): void {
    while (this.#cuttingTo === undefined) {
      const operation = this.#queue.shift()
      if (operation === undefined) return
      if (operation.type === 'truncate') this.#beginCut(operation.endOffset)
      else if (operation.type === 'install') this.#beginAnew(operation)
      else this.#append(operation)
    }
  }

  #beginAnew(operation: Extract<Operation, { type: 'install' }>): void {
    const { term, endOffset, lastTerm } = operation
    if (this.#log.endOffset >= endOffset) {
      this.#queue.unshift(operation)
      this.#beginCut(this.#log.startOffset)
      return
    }
    this.#log.resetTo(endOffset, lastTerm)
    this.#unpersisted.length = 0
    this.#unpersisted.push({ term, endOffset })
  }

  #append(operation: Extract<Operation, { type: 'append' | 'opening' }>): void {
    const batches = operation.type === 'opening' ? [{ term: operation.term, bytes: operation.bytes }] : operation.entries
    let offset = operation.startOffset
    for (const { term, bytes } of batches) {
      assert(offset === this.#log.endOffset, 'an entry is appended where the metadata log ends')
      this.#log.appendAsLeader(bytes, { baseOffset: offset, leaderEpoch: term })
      offset++
    }
    this.#unpersisted.push({ term: operation.term, endOffset: offset })
    if (batches.length === 0) this.#save()
  }

  #beginCut(endOffset: number): void {
    this.#cuttingTo = endOffset
    while ((this.#unpersisted.at(-1)?.endOffset ?? 0) > endOffset) this.#unpersisted.pop()
    this.#syncedEndOffset = Math.min(this.#syncedEndOffset, endOffset)
    this.#lowerMark(endOffset, () => {
      this.#log.truncate(endOffset)
      this.#cuttingTo = undefined
      this.#perform()
    })
  }

  /** Saves a mark of at most endOffset before the cut; a save in flight is waited for. */
  #lowerMark(endOffset: number, then: () => void): void {
    if (this.#state.syncedEndOffset <= endOffset && !this.#saving) {
      then()
      return
    }
    this.#afterSave.push(() => {
      if (this.#state.syncedEndOffset <= endOffset) then()
      else this.#lowerMark(endOffset, then)
    })
    this.#save()
  }

  readonly #afterSave: (() => void)[] = []

  #save(): void {
    if (this.#saving) return
    const mark = this.#syncedEndOffset
    const isNew = this.#votePending || mark !== this.#state.syncedEndOffset
    if (!isNew) {
      this.#report()
      return
    }
    this.#saving = true
    const votePending = this.#votePending
    this.#votePending = false
    const state: VoteState = { ...this.#state, syncedEndOffset: mark, syncedEpoch: this.#epochBefore(mark) }
    this.#state = state
    this.#votes.save(state, (error) => {
      this.#saving = false
      if (error !== undefined) {
        this.#events.failed(error)
        return
      }
      for (const then of this.#afterSave.splice(0)) then()
      if (votePending) this.#events.voteSaved(state.term, state.votedFor)
      this.#report()
      this.#save()
    })
  }

  /** −1 where the log begins, or has been begun anew behind that while its disk has not. */
  #epochBefore(endOffset: number): number {
    return endOffset <= this.#log.startOffset ? -1 : this.#log.epochBefore(endOffset)
  }

  /** Tells the core what is persisted: in the log and under the saved mark. */
  #report(): void {
    if (this.#saving || this.#cuttingTo !== undefined) return
    const reached = this.persistedEndOffset
    let last: Unpersisted | undefined
    while (this.#unpersisted.length > 0 && (this.#unpersisted[0] as Unpersisted).endOffset <= reached) {
      const next = this.#unpersisted.shift() as Unpersisted
      if (last !== undefined && last.term !== next.term) this.#events.persisted(last.term, last.endOffset)
      last = next
    }
    if (last !== undefined) this.#events.persisted(last.term, last.endOffset)
  }
}
