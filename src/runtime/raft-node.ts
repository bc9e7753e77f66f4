import { assert, unreachable } from '../base/assert.ts'
import type { Clock, Timer } from '../base/clock.ts'
import { BrokerError } from '../base/errors.ts'
import type { Logger } from '../base/log-line.ts'
import type { BrokerStatus } from '../controller/status.ts'
import type { Log } from '../log/surface.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { RaftEffect, RaftInput } from '../raft/effects.ts'
import type { Entry, PeerIdentity, RaftMessage, SnapshotId, Voter, VoterSet } from '../raft/messages.ts'
import type { Raft } from '../raft/raft.ts'
import type { VoterRefusal } from '../raft/voter-change.ts'
import { peekBatchSize, readBatchHeader } from '../record/batch.ts'
import { isIntactEntry } from './decision-entry.ts'
import type { MetadataSnapshots } from './metadata-snapshots.ts'
import type { MetadataStorage } from './metadata-storage.ts'
import type { Transport } from './transport.ts'

/** How much of the committed log is handed to the state machine at a time, so that a long replay leaves room for other work. */
export const APPLY_CHUNK_BYTES = 1024 * 1024

export interface CommittedEntry {
  readonly offset: number
  readonly term: number
  readonly batch: Buffer
}

export interface RaftNodeEvents {
  /** Entries were appended, committed or not; true: the voter set is another one now (rules R4.4). */
  appended(offset: number, batches: readonly Buffer[]): boolean
  /** The log was cut; true as above. */
  truncated(endOffset: number): boolean
  voterSet(): VoterSet
  /** Committed entries in order, once each. */
  committed(entries: readonly CommittedEntry[]): void
  /** The log goes on behind a snapshot: its voters take the place of all sets of the log, from now on. */
  replaced(image: MetadataImage): void
  /** Its image takes the place of all that was applied; in a turn of its own. */
  installed(image: MetadataImage, lastTerm: number): void
  role(role: Extract<RaftEffect, { type: 'role' }>): void
  /** What became of a transfer that was asked for, or that a replaced leader began. */
  transfer(transfer: Extract<RaftEffect, { type: 'transfer' }>): void
  /** The batch of a new leader's first entry (rules R2.2, R4.2). */
  opening(options: { readonly term: number; readonly offset: number }): Buffer
  /** What rides on this node's append replies. */
  status(): BrokerStatus | null
  /** The metadata log cannot be read: the node must end (rules R3.5). */
  failed(error: Error): void
}

type ProposalResult =
  | { readonly type: 'accepted'; readonly term: number; readonly offset: number }
  | { readonly type: 'refused'; readonly code: 'NOT_CONTROLLER' | 'THROTTLING_QUOTA_EXCEEDED' }

type VotersResult = ProposalResult | { readonly type: 'votersRefused'; readonly refusal: VoterRefusal }

/**
 * Drives the Raft core: performs its effects on the metadata log, the vote file and the transport, feeds completions back.
 * Inputs that arise while effects are performed wait their turn, so that the core is never entered twice.
 */
export class RaftNode {
  readonly #raft: Raft
  readonly #log: Log
  readonly #storage: MetadataStorage
  readonly #snapshots: MetadataSnapshots
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #events: RaftNodeEvents
  readonly #applyBytes: number
  readonly #inputs: RaftInput[] = []
  readonly #timers = new Map<number, Timer>()
  readonly #proposals = new Map<number, VotersResult>()
  readonly #reads = new Map<number, (commitIndex: number | null) => void>()
  #running = false
  #stopped = false
  #nextProposalId = 1
  #nextReadId = 1
  #commitIndex = 0
  #appliedOffset: number
  #applying = false
  /** An image is on its way that takes the place of what was applied. */
  #installing = false

  constructor(options: {
    readonly raft: Raft
    readonly log: Log
    readonly storage: MetadataStorage
    readonly snapshots: MetadataSnapshots
    readonly transport: Transport
    readonly clock: Clock
    readonly logger: Logger
    readonly events: RaftNodeEvents
    readonly applyBytes: number
  }) {
    this.#raft = options.raft
    this.#log = options.log
    this.#storage = options.storage
    this.#snapshots = options.snapshots
    this.#transport = options.transport
    this.#clock = options.clock
    this.#logger = options.logger
    this.#events = options.events
    this.#applyBytes = options.applyBytes
    this.#appliedOffset = options.snapshots.newest?.endOffset ?? options.log.startOffset
  }

  get core(): Raft {
    return this.#raft
  }

  /** Exclusive: committed entries below it were handed out. */
  get appliedOffset(): number {
    return this.#appliedOffset
  }

  feed(input: RaftInput): void {
    this.#inputs.push(input)
    if (this.#running || this.#stopped) return
    this.#running = true
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      for (const effect of this.#raft.step(next)) this.#perform(effect)
    }
    this.#running = false
  }

  /** From a peer. One with an entry that was changed on its way is dropped, like one that was lost: it comes again (rules R3.3). */
  receive(from: PeerIdentity, message: RaftMessage): void {
    if (message.type === 'append' && !message.entries.every(({ bytes }) => isIntactEntry(bytes))) {
      const fields = { from: from.nodeId, startOffset: message.startOffset }
      this.#logger.warn(fields, `raft: entries from node ${from.nodeId} were changed on their way, and are not taken`)
      return
    }
    this.feed({ type: 'message', from, message })
  }

  /** Proposes one entry. The result is known at once: appended under an offset and term, or refused. Never call it from within an event. */
  propose(batch: Buffer): ProposalResult {
    assert(!this.#running, 'a proposal is made in a turn of its own')
    const proposalId = this.#nextProposalId++
    this.feed({ type: 'propose', proposalId, entries: [batch] })
    const result = this.#takeResult(proposalId)
    assert(result.type !== 'votersRefused', 'only a voter change is refused as one')
    return result
  }

  /** The same for an entry that makes `voters` the voter set (rules R4.4). */
  proposeVoters(batch: Buffer, voters: readonly Voter[]): VotersResult {
    assert(!this.#running, 'a proposal is made in a turn of its own')
    const proposalId = this.#nextProposalId++
    this.feed({ type: 'proposeVoters', proposalId, voters, entry: batch })
    return this.#takeResult(proposalId)
  }

  #takeResult(proposalId: number): VotersResult {
    const result = this.#proposals.get(proposalId)
    this.#proposals.delete(proposalId)
    return result ?? { type: 'refused', code: 'NOT_CONTROLLER' }
  }

  /** Answers how far to apply before a read that sees all that was decided before this call (rules R4.6); null: ask the present leader. */
  readIndex(done: (commitIndex: number | null) => void): void {
    const readId = this.#nextReadId++
    this.#reads.set(readId, done)
    this.feed({ type: 'readIndex', readId })
  }

  /** The log has more in it, or more of it is synced. */
  logSynced(endOffset: number, cutCount: number): void {
    this.#storage.synced(endOffset, cutCount)
    this.#apply()
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers.values()) timer.cancel()
  }

  #perform(effect: RaftEffect): void {
    switch (effect.type) {
      case 'saveVote':
        this.#storage.saveVote(effect.term, effect.votedFor)
        break
      case 'append':
        this.#storage.append(effect.term, effect.startOffset, effect.entries)
        this.#appended(
          effect.startOffset,
          effect.entries.map((entry) => entry.bytes),
        )
        break
      case 'appendOpening':
        this.#appendOpening(effect.term, effect.startOffset)
        break
      case 'truncate':
        this.#truncate(effect.endOffset)
        break
      case 'send':
        this.#transport.send(effect.to, {
          type: 'raft',
          message: effect.message,
          status: effect.message.type === 'appendReply' ? this.#events.status() : null,
        })
        break
      case 'sendEntries':
        this.#sendEntries(effect)
        break
      case 'committed':
        this.#commitIndex = Math.max(this.#commitIndex, effect.commitIndex)
        this.#clock.defer(() => this.#apply())
        break
      case 'accepted':
        this.#proposals.set(effect.proposalId, { type: 'accepted', term: effect.term, offset: effect.startOffset })
        return
      case 'refused':
        this.#proposals.set(effect.proposalId, { type: 'refused', code: effect.code })
        return
      case 'votersRefused':
        this.#proposals.set(effect.proposalId, { type: 'votersRefused', refusal: effect.refusal })
        return
      case 'transfer':
        this.#logger.info({ to: effect.to }, transferSentence[effect.outcome](effect.to))
        this.#events.transfer(effect)
        break
      case 'readable':
        this.#readable(effect.readId, effect.commitIndex)
        break
      case 'role':
        this.#logger.info({ role: effect.role, term: effect.term, leaderId: effect.leaderId }, `raft: ${effect.role} in term ${effect.term}`)
        this.#events.role(effect)
        break
      case 'sendSnapshot':
      case 'writeSnapshot':
      case 'storeSnapshot':
        this.#snapshots.perform(effect)
        break
      case 'installSnapshot':
        this.#install(effect.term, effect)
        break
      case 'cutLog':
        this.#logger.info({ startOffset: effect.startOffset }, `metadata log: begins at ${effect.startOffset} now, snapshots hold what lies below`)
        this.#storage.cutStart(effect.startOffset)
        break
      case 'startTimer':
        this.#startTimer(effect.timerId, effect.delayMs)
        break
      default:
        unreachable(effect)
    }
  }

  #appendOpening(term: number, offset: number): void {
    const batch = this.#events.opening({ term, offset })
    this.#storage.appendOpening(term, offset, batch)
    this.#appended(offset, [batch])
  }

  /** An entry that cannot be read ends the node: the core counts on what is in the log, and nothing behind it could be applied. */
  #appended(offset: number, batches: readonly Buffer[]): void {
    try {
      this.#noteVoters(this.#events.appended(offset, batches))
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#events.failed(new BrokerError(error.code, `metadata log, what was appended at offset ${offset}: ${error.detail}`))
    }
  }

  #noteVoters(changed: boolean): void {
    if (!changed) return
    const set = this.#events.voterSet()
    const fields = { voters: set.voters.map((voter) => voter.nodeId), offset: set.offset }
    this.#logger.info(fields, `raft: the voters are ${fields.voters.join(', ') || 'not known'}`)
    this.feed({ type: 'voterSet', set })
  }

  #truncate(endOffset: number): void {
    assert(endOffset >= this.#appliedOffset, 'what was applied is never cut')
    this.#logger.warn({ from: this.#log.endOffset, to: endOffset }, `metadata log: cut to ${endOffset}, where it parts from the leader's`)
    this.#storage.truncate(endOffset)
    this.#noteVoters(this.#events.truncated(endOffset))
  }

  #readable(readId: number, commitIndex: number | null): void {
    const done = this.#reads.get(readId)
    this.#reads.delete(readId)
    this.#clock.defer(() => done?.(commitIndex))
  }

  /** The image comes in a turn of its own, as committed entries do; what is read of the log until then is not applied. */
  #install(term: number, id: SnapshotId): void {
    const image = this.#snapshots.installed(id)
    this.#logger.info({ endOffset: id.endOffset, lastTerm: id.lastTerm }, `metadata log: goes on at ${id.endOffset}, behind a snapshot`)
    this.#storage.install(term, id)
    this.#events.replaced(image)
    this.#commitIndex = Math.max(this.#commitIndex, id.endOffset)
    this.#appliedOffset = id.endOffset
    this.#installing = true
    this.#clock.defer(() => {
      this.#installing = false
      if (this.#stopped) return
      this.#events.installed(image, id.lastTerm)
      this.#apply()
    })
  }

  #startTimer(timerId: number, delayMs: number): void {
    this.#timers.get(timerId)?.cancel()
    const timer = this.#clock.after(delayMs, () => {
      this.#timers.delete(timerId)
      this.feed({ type: 'timer', timerId })
    })
    this.#timers.set(timerId, timer)
  }

  #sendEntries(effect: Extract<RaftEffect, { type: 'sendEntries' }>): void {
    const cached = this.#log.readCached(effect.startOffset, effect.maxBytes)
    if (cached !== undefined) {
      this.#sendBatches(effect, cached)
      return
    }
    this.#log.read(effect.startOffset, effect.maxBytes, (error, batches) => {
      if (error !== undefined) {
        this.#logger.error({ error: error.message, offset: effect.startOffset }, 'metadata log: entries for a peer could not be read')
        // A log that fails its checksums must not lead: recovery marks it, and this voter catches up from the others (rules R3.3).
        if (error instanceof BrokerError && error.code === 'CORRUPT_MESSAGE') {
          this.#events.failed(error)
          return
        }
      }
      this.#sendBatches(effect, error === undefined ? batches : [])
    })
  }

  #sendBatches(effect: Extract<RaftEffect, { type: 'sendEntries' }>, batches: readonly Buffer[]): void {
    const { to, term, startOffset, previousTerm, commitIndex } = effect
    const entries = splitEntries(batches, effect.endOffset)
    const endOffset = startOffset + entries.length
    let sizeBytes = 0
    for (const entry of entries) sizeBytes += entry.bytes.length
    if (this.#raft.term === term && entries.length > 0) {
      this.#transport.send(to, { type: 'raft', message: { type: 'append', term, startOffset, previousTerm, commitIndex, entries }, status: null })
    }
    this.feed({ type: 'entriesSent', to, term, startOffset, endOffset, sizeBytes })
  }

  /** Hands out what is committed, in chunks, in turns of their own. */
  #apply(): void {
    // Behind a cut that waits for the vote file the log still holds the entries that lost: logSynced comes back to what takes their place.
    const endOffset = Math.min(this.#commitIndex, this.#storage.settledEndOffset)
    if (this.#applying || this.#installing || this.#stopped || this.#appliedOffset >= endOffset) return
    this.#applying = true
    const from = this.#appliedOffset
    const cached = this.#log.readCached(from, this.#applyBytes)
    if (cached !== undefined) this.#handOut(cached, endOffset)
    else
      this.#log.read(from, this.#applyBytes, (error, batches) => {
        this.#applying = false
        if (this.#appliedOffset !== from) this.#apply()
        else if (error === undefined) this.#handOut(batches, endOffset)
        else this.#events.failed(error)
      })
  }

  /** `endOffset`: committed when the read began; what lay beyond it then may have been cut since. */
  #handOut(batches: readonly Buffer[], endOffset: number): void {
    this.#applying = false
    if (this.#stopped) return
    const entries = splitEntries(batches, endOffset)
    if (entries.length === 0) return // Committed, but still waiting behind a cut: logSynced comes back to it.
    const committed = entries.map((entry, at) => ({ offset: this.#appliedOffset + at, term: entry.term, batch: entry.bytes }))
    this.#appliedOffset += entries.length
    this.#events.committed(committed)
    if (this.#appliedOffset < this.#commitIndex) this.#clock.defer(() => this.#apply())
  }
}

const transferSentence = {
  began: (to: number | null) => `raft: leadership is handed over to node ${to}`,
  refused: (to: number | null) => `raft: leadership cannot be handed over${to === null ? '' : ` to node ${to}`}: no other voter is heard`,
  over: (to: number | null) => `raft: node ${to} did not take over in time`,
} as const

/** The entries of whole batches: one batch is one entry (rules R3.1). Those at or past endOffset are left out. */
function splitEntries(batches: readonly Buffer[], endOffset: number): Entry[] {
  const entries: Entry[] = []
  for (const bytes of batches) {
    for (let at = 0; at < bytes.length; ) {
      const size = peekBatchSize(bytes, at) ?? bytes.length
      const batch = bytes.subarray(at, at + size)
      const header = readBatchHeader(batch, 0)
      if (header.baseOffset >= endOffset) return entries
      entries.push({ term: header.leaderEpoch, bytes: batch })
      at += size
    }
  }
  return entries
}
