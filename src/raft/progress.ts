import { assert } from '../base/assert.ts'
import type { Snapshot } from './messages.ts'
import { SnapshotTransfer } from './snapshot-transfer.ts'

/** Rules R4.3, R8: what may be on its way to one peer, besides RaftLimits. */
export const MAX_INFLIGHT_BYTES = 8 * 1024 * 1024

interface Flight {
  readonly endOffset: number
  readonly entryCount: number
  readonly sizeBytes: number
}

/**
 * One peer in the eyes of the leader, born with the term and again with each incarnation of the peer.
 *
 *   probe      where the logs part is not known: only heartbeats go, at nextOffset; accepted → replicate; rejected → nextOffset falls
 *   replicate  entries go ahead of their acknowledgement, within the window; rejected, or nothing readable → probe
 *   snapshot   its log ends before the leader's begins: a snapshot goes instead (rules R4.5); it has that or more → replicate
 *
 * Heartbeats start at nextOffset in the first two states, behind all entries that left: so a lost message shows as a rejection by the next
 * heartbeat, and a slow disk on the peer is not mistaken for a loss. While a snapshot goes they start at 0: a sign of life that any log accepts. Source: etcd/raft tracker.Progress.
 */
export class Progress {
  readonly nodeId: number
  readonly #inflightEntries: number
  #directoryId: string | null
  #state: 'probe' | 'replicate' | 'snapshot' = 'probe'
  #transfer: SnapshotTransfer | null = null
  #nextOffset: number
  #persistedEndOffset = 0
  #counts = false
  #flights: Flight[] = []
  #silentTicks = 0
  #laggingTicks = 0
  /** It had all of the log at least once: before that, laggingTicks says nothing. */
  #hasCaughtUp = false
  /** The leader's log end when it last ticked a heartbeat, and how long ago that was. */
  #goalEndOffset: number
  #goalTicks = 0

  constructor(options: { readonly nodeId: number; readonly directoryId: string | null; readonly nextOffset: number; readonly inflightEntries: number }) {
    this.nodeId = options.nodeId
    this.#inflightEntries = options.inflightEntries
    this.#directoryId = options.directoryId
    this.#nextOffset = options.nextOffset
    this.#goalEndOffset = options.nextOffset
  }

  /** Null until the peer was heard, where only its id is known. */
  get directoryId(): string | null {
    return this.#directoryId
  }

  get state(): 'probe' | 'replicate' | 'snapshot' {
    return this.#state
  }

  /** Of the state snapshot, null in any other. */
  get transfer(): SnapshotTransfer | null {
    return this.#transfer
  }

  /** First offset not sent yet (replicate), where the logs are compared next (probe), or where the snapshot ends. */
  get nextOffset(): number {
    return this.#nextOffset
  }

  /** Exclusive; 0 until the peer said. */
  get persistedEndOffset(): number {
    return this.#persistedEndOffset
  }

  /** False for a damaged peer, and until the peer said (rules R3.4). */
  get counts(): boolean {
    return this.#counts
  }

  get silentTicks(): number {
    return this.#silentTicks
  }

  get laggingTicks(): number {
    return this.#laggingTicks
  }

  /** Room in the window; entryCount 0 when nothing may be sent. */
  get room(): { readonly entryCount: number; readonly sizeBytes: number } {
    let entryCount = this.#inflightEntries
    let sizeBytes = MAX_INFLIGHT_BYTES
    for (const flight of this.#flights) {
      entryCount -= flight.entryCount
      sizeBytes -= flight.sizeBytes
    }
    if (this.#state !== 'replicate' || sizeBytes <= 0) return { entryCount: 0, sizeBytes: 0 }
    return { entryCount: Math.max(0, entryCount), sizeBytes }
  }

  isHeardWithin(ticks: number): boolean {
    return this.#silentTicks < ticks
  }

  /** Whether it had, within `ticks`, all that the leader had then: what it lacks now it can have as fast (Ongaro's dissertation 4.2.1). */
  isCaughtUpWithin(ticks: number): boolean {
    return this.#hasCaughtUp && this.#laggingTicks < ticks
  }

  tick(): void {
    this.#silentTicks++
    this.#laggingTicks++
    this.#goalTicks++
  }

  /** A heartbeat leaves: what the leader has now is what the peer is measured by. */
  setGoal(leaderEndOffset: number): void {
    this.#goalEndOffset = leaderEndOffset
    this.#goalTicks = 0
  }

  heard(directoryId: string): void {
    assert(this.#directoryId === null || this.#directoryId === directoryId, 'another folder is another peer')
    this.#directoryId = directoryId
    this.#silentTicks = 0
  }

  sent(range: { readonly startOffset: number; readonly endOffset: number; readonly sizeBytes: number }): void {
    assert(this.#state === 'replicate' && range.startOffset === this.#nextOffset, 'entries leave in order')
    this.#nextOffset = range.endOffset
    this.#flights.push({ endOffset: range.endOffset, entryCount: range.endOffset - range.startOffset, sizeBytes: range.sizeBytes })
  }

  probe(nextOffset: number): void {
    this.#state = 'probe'
    this.#nextOffset = nextOffset
    this.#flights = []
    this.#transfer = null
  }

  sendSnapshot(snapshot: Snapshot): void {
    this.#state = 'snapshot'
    this.#nextOffset = snapshot.endOffset
    this.#flights = []
    this.#transfer = new SnapshotTransfer(snapshot)
  }

  /** The peer agrees with the leader below `startOffset` and below `persistedEndOffset`. */
  accepted(reply: { readonly startOffset: number; readonly persistedEndOffset: number; readonly counts: boolean; readonly leaderEndOffset: number }): void {
    assert(reply.persistedEndOffset <= reply.leaderEndOffset, 'a peer agrees with no more than the leader has')
    this.#persistedEndOffset = Math.max(this.#persistedEndOffset, reply.persistedEndOffset)
    this.#counts = reply.counts
    while (this.#flights[0] !== undefined && this.#flights[0].endOffset <= this.#persistedEndOffset) this.#flights.shift()
    if (this.#state === 'probe' && (reply.startOffset === this.#nextOffset || reply.persistedEndOffset >= this.#nextOffset)) this.#state = 'replicate'
    if (this.#state === 'snapshot' && Math.max(reply.startOffset, reply.persistedEndOffset) >= this.#nextOffset) {
      this.#state = 'replicate'
      this.#transfer = null
    }
    if (this.#state === 'replicate') this.#nextOffset = Math.max(this.#nextOffset, reply.persistedEndOffset)
    if (this.#persistedEndOffset > 0 && this.#persistedEndOffset >= this.#goalEndOffset) this.#hasCaughtUp = true
    if (this.#persistedEndOffset >= reply.leaderEndOffset) this.#laggingTicks = 0
    else if (this.#persistedEndOffset >= this.#goalEndOffset) this.#laggingTicks = Math.min(this.#laggingTicks, this.#goalTicks)
  }

  /** Whether a rejection at `startOffset` says something about the present; a late one does not. */
  isRejection(startOffset: number): boolean {
    if (this.#state === 'snapshot') return false
    return startOffset === this.#nextOffset || (this.#state === 'replicate' && startOffset < this.#nextOffset && startOffset > this.#persistedEndOffset)
  }
}
