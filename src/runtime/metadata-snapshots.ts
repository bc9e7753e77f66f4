import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import type { DoneVoid } from '../base/done.ts'
import { BrokerError, codeOf } from '../base/errors.ts'
import type { Logger } from '../base/log-line.ts'
import { callVoid, runTask, type Task } from '../base/task.ts'
import { type SnapshotFiles, snapshotFileName, type SnapshotWriter } from '../log/snapshot-files.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { RaftEffect, RaftInput } from '../raft/effects.ts'
import type { RaftMessage, Snapshot, SnapshotId } from '../raft/messages.ts'
import { readSnapshot, type SnapshotContent, writeSnapshot } from './snapshot-content.ts'

/** The newest, and the one before it: the log is kept from there on, should the newest be damaged. */
const KEPT_SNAPSHOTS = 2
const NO_ROOM_MS = 500

export type SnapshotEffect = Extract<RaftEffect, { type: 'sendSnapshot' | 'writeSnapshot' | 'storeSnapshot' }>

type SendSnapshot = Extract<SnapshotEffect, { type: 'sendSnapshot' }>

/** A snapshot whose bytes were found whole, and what it holds. */
export interface LoadedSnapshot extends SnapshotContent {
  readonly snapshot: Snapshot
}

/** The newest one, for whoever looks at the node. */
export interface SnapshotView extends Snapshot {
  /** By the wall clock of its writer: the leader, of one that came from it. */
  readonly writtenMs: number
}

export interface MetadataSnapshotsOptions {
  readonly files: SnapshotFiles
  readonly clock: Clock
  readonly logger: Logger
  /** A snapshot is written once so many bytes of entries were applied since the last one, or any were and it is so old (Kafka's names in the config). */
  readonly maxBytes: number
  /** Most that is read and sent at once. */
  readonly chunkBytes: number
  readonly maxAgeMs: number
  /** Of the one that the node starts from. */
  readonly newest: SnapshotView | null
  readonly feed: (input: RaftInput) => void
  readonly send: (to: number, message: RaftMessage) => void
  readonly failed: (error: Error) => void
}

interface Applied {
  readonly image: MetadataImage
  readonly lastTerm: number
}

/**
 * Raft's snapshots on the disk: writes one of what is applied when it is due, takes in what a leader sends, reads for peers, and lets go of old ones.
 * Each node writes its own. Nothing here decides what a snapshot is good for: that is the core's.
 */
export class MetadataSnapshots {
  readonly #options: MetadataSnapshotsOptions
  readonly #clock: Clock
  readonly #logger: Logger
  #newest: SnapshotView | null
  /** Monotonic: when the last one was begun, or, of one from before this process, written. */
  #newestAtMs: number
  #applied: Applied | undefined
  #bytesSince = 0
  #isTaking = false
  /** The file of a leader's snapshot, while its bytes come. */
  #incoming: SnapshotWriter | undefined
  /** What was read whole, until the core has said whether it is installed. */
  #offered: LoadedSnapshot | undefined
  /** What came is written and stored in order. */
  readonly #arrivals: Exclude<SnapshotEffect, { type: 'sendSnapshot' }>[] = []
  #isArriving = false
  #reads = 0
  #stopped = false
  #idle: (() => void) | undefined

  constructor(options: MetadataSnapshotsOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#logger = options.logger
    const { newest, clock } = options
    this.#newest = newest
    const ageMs = newest === null ? 0 : Math.max(0, clock.wallMs() - newest.writtenMs)
    this.#newestAtMs = clock.monotonicMs() - ageMs
  }

  /** The newest that is durable here; null: none. */
  get newest(): SnapshotView | null {
    return this.#newest
  }

  /** Tells the core of what the node starts from, before anything else. It is not kept: an image is large, and soon an old one. */
  start(loaded: LoadedSnapshot): void {
    this.#offer(loaded)
  }

  /** `sizeBytes`: of the entries that made this image of the one before; `lastTerm`: the term of the last of them. */
  applied(image: MetadataImage, options: { readonly lastTerm: number; readonly sizeBytes: number }): void {
    this.#applied = { image, lastTerm: options.lastTerm }
    this.#bytesSince += options.sizeBytes
  }

  tick(): void {
    this.#offered = undefined // The core has answered in the turn that it was told in.
    const applied = this.#applied
    if (this.#isTaking || this.#stopped || applied === undefined || applied.image.offset <= (this.#newest?.endOffset ?? 0)) return
    const isOld = this.#clock.monotonicMs() - this.#newestAtMs >= this.#options.maxAgeMs
    if (this.#bytesSince < this.#options.maxBytes && !isOld) return
    this.#isTaking = true
    this.#bytesSince = 0
    this.#newestAtMs = this.#clock.monotonicMs()
    runTask(this.#take(applied), (error) => {
      this.#isTaking = false
      // Nothing rests on a file that is not finished. The next one is a file of its own, when it is due.
      if (error !== undefined && !this.#stopped) this.#logger.error({ error: error.message }, 'metadata snapshot: it could not be written')
      this.#reportIdle()
    })
  }

  perform(effect: SnapshotEffect): void {
    if (this.#stopped) return
    if (effect.type === 'sendSnapshot') {
      this.#reads++
      runTask(this.#send(effect), (error) => {
        this.#reads--
        if (error !== undefined && !this.#stopped) this.#sendFailed(effect, error)
        this.#reportIdle()
      })
      return
    }
    this.#arrivals.push(effect)
    this.#arrive()
  }

  /** What the core installs: it was read whole when it was stored. */
  installed(id: SnapshotId): MetadataImage {
    const offered = this.#offered
    assert(offered?.snapshot.endOffset === id.endOffset && offered.snapshot.lastTerm === id.lastTerm, 'what is installed was just stored')
    return offered.image
  }

  /** Nothing new begins; `done` when no file is in use any more. */
  stop(done: DoneVoid): void {
    this.#stopped = true
    this.#idle = () => done(undefined)
    this.#reportIdle()
  }

  #reportIdle(): void {
    if (this.#idle === undefined || this.#isTaking || this.#isArriving || this.#reads > 0) return
    this.#clock.defer(this.#idle)
    this.#idle = undefined
  }

  *#take({ image, lastTerm }: Applied): Task<void> {
    const { files } = this.#options
    const startedMs = this.#clock.monotonicMs()
    const writtenMs = this.#clock.wallMs()
    const id = { endOffset: image.offset, lastTerm }
    const writer = yield* files.begin('own')
    try {
      yield* writeSnapshot(writer, { image, lastTerm, writtenMs, clock: this.#clock, isStopped: () => this.#stopped })
      if (this.#stopped) return yield* writer.discard()
      yield* writer.finish(id)
    } catch (error) {
      // The room that it took may be what others wait for.
      yield* writer.discard()
      throw error
    }
    const snapshot = { ...id, sizeBytes: writer.sizeBytes }
    this.#note({ ...snapshot, writtenMs })
    const fields = { ...snapshot, durationMs: Math.round(this.#clock.monotonicMs() - startedMs) }
    this.#logger.info(fields, `metadata snapshot ${snapshotFileName(id)} written`)
    this.#options.feed({ type: 'snapshotTaken', snapshot })
    yield* this.#prune()
  }

  #arrive(): void {
    if (this.#isArriving) return
    const next = this.#arrivals.shift()
    if (next === undefined) return
    this.#isArriving = true
    runTask(next.type === 'writeSnapshot' ? this.#writeWithRoom(next) : this.#store(next), (error) => {
      this.#isArriving = false
      if (error !== undefined && !this.#stopped) this.#options.failed(error)
      this.#reportIdle()
      if (error === undefined && !this.#stopped) this.#arrive()
    })
  }

  /** What finds no room on the disk waits, as entries do (rules R3.5): the transfer goes on where it was. */
  *#writeWithRoom(effect: Extract<SnapshotEffect, { type: 'writeSnapshot' }>): Task<void> {
    for (;;) {
      try {
        return yield* this.#write(effect)
      } catch (error) {
        if (codeOf(error) !== 'DISK_FULL' || this.#stopped) throw error
        this.#logger.warn({ error: (error as Error).message }, 'metadata snapshot: no room on the disk, what came from the leader waits')
      }
      yield* callVoid((done) => this.#clock.after(NO_ROOM_MS, () => done(undefined)))
    }
  }

  *#write(effect: Extract<SnapshotEffect, { type: 'writeSnapshot' }>): Task<void> {
    const { term, endOffset, lastTerm, position, bytes } = effect
    if (position === 0) {
      const before = this.#incoming
      // It is given up once, whether there is room for the next one or not.
      this.#incoming = undefined
      if (before !== undefined) yield* before.discard()
      this.#incoming = yield* this.#options.files.begin('received')
    }
    const writer = this.#incoming
    if (writer?.sizeBytes !== position) return // Of a transfer that was given up meanwhile.
    yield* writer.append(bytes)
    this.#options.feed({ type: 'snapshotWritten', term, endOffset, lastTerm, position: writer.sizeBytes })
  }

  *#store({ term, endOffset, lastTerm }: Extract<SnapshotEffect, { type: 'storeSnapshot' }>): Task<void> {
    const id = { endOffset, lastTerm }
    const writer = this.#incoming
    if (writer === undefined) return
    this.#incoming = undefined
    const content = yield* this.#check(writer, id)
    if (content === undefined) {
      yield* writer.discard()
      this.#options.feed({ type: 'snapshotInvalid', term, ...id })
      return
    }
    yield* writer.finish(id)
    const snapshot = { ...id, sizeBytes: writer.sizeBytes }
    this.#logger.info(snapshot, `metadata snapshot ${snapshotFileName(id)} received from the leader`)
    this.#note({ ...snapshot, writtenMs: content.writtenMs })
    this.#bytesSince = 0
    this.#newestAtMs = this.#clock.monotonicMs()
    this.#offer({ snapshot, ...content })
    yield* this.#prune()
  }

  #offer(loaded: LoadedSnapshot): void {
    this.#offered = loaded
    this.#options.feed({ type: 'snapshotStored', snapshot: loaded.snapshot, voters: loaded.image.voters })
  }

  /** Undefined: the bytes are not that snapshot. */
  *#check(writer: SnapshotWriter, id: SnapshotId): Task<SnapshotContent | undefined> {
    try {
      return yield* readSnapshot(writer.reader(), id, this.#clock)
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code !== 'CORRUPT_MESSAGE') throw error
      this.#logger.warn({ ...id, error: error.detail }, 'metadata snapshot: what came from the leader is not whole; it is asked for again')
      return undefined
    }
  }

  /** A file that fails its checksums ends the node, as an entry does: its next start judges it (rules R3.3). */
  #sendFailed({ to, term, endOffset, lastTerm, position }: SendSnapshot, error: Error): void {
    this.#logger.error({ endOffset, error: error.message }, 'metadata snapshot: it could not be read for a peer')
    if (codeOf(error) === 'CORRUPT_MESSAGE') this.#options.failed(error)
    else this.#options.feed({ type: 'snapshotSent', to, term, endOffset, lastTerm, position, endPosition: position })
  }

  *#send(effect: SendSnapshot): Task<void> {
    const { to, term, endOffset, lastTerm, sizeBytes, position, maxBytes } = effect
    const reader = yield* this.#options.files.open(effect)
    let bytes: Buffer = Buffer.alloc(0)
    if (reader !== undefined) {
      try {
        bytes = yield* reader.read(position, Math.min(maxBytes, this.#options.chunkBytes))
      } finally {
        yield* reader.close()
      }
    }
    if (this.#stopped) return
    if (bytes.length > 0) this.#options.send(to, { type: 'snapshotChunk', term, endOffset, lastTerm, sizeBytes, position, bytes })
    this.#options.feed({ type: 'snapshotSent', to, term, endOffset, lastTerm, position, endPosition: position + bytes.length })
  }

  #note(snapshot: SnapshotView): void {
    if (snapshot.endOffset > (this.#newest?.endOffset ?? 0)) this.#newest = snapshot
  }

  *#prune(): Task<void> {
    for (const old of (yield* this.#options.files.list()).slice(KEPT_SNAPSHOTS)) yield* this.#options.files.remove(old)
  }
}
