import { assert } from '../base/assert.ts'
import { readInt64, writeInt64 } from '../base/bytes.ts'
import { crc32c } from '../base/crc32c.ts'
import type { Disk, DiskFile } from '../base/disk.ts'
import type { Done, DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { call, callVoid, runTask, type Task } from '../base/task.ts'
import { replaceFile } from './replace-file.ts'
import { newestRecord, SLOT_FILE_BYTES, slotOf, slotPosition } from './slots.ts'
import { METADATA_LOG } from './surface.ts'

const PATH = 'quorum-state'

/** What a voter must never forget (rules R3.6). */
export interface QuorumStateData {
  readonly term: number
  readonly votedFor: number | null
  /** The metadata log's synced end, exclusive, and the epoch of its last batch (−1: none). A log that ends before it is damaged. */
  readonly syncedEndOffset: number
  readonly syncedEpoch: number
}

/*
 * The file: slots (slots.ts). A record, big-endian:
 *   crc u32 (of all behind it) | version u32 | counter i64 | term i64 | votedFor i64 (−1: none) | syncedEndOffset i64 | syncedEpoch i64
 * The newest valid record counts; of every version the length, the checksum, the version and the counter are these. What version 1 says of syncedEpoch may be that of an earlier mark: it is not known.
 */
const VERSION = 2
const RECORD_BYTES = 48
const FIRST: QuorumStateData = { term: 0, votedFor: null, syncedEndOffset: 0, syncedEpoch: -1 }

function encodeSlot(counter: number, state: QuorumStateData): Buffer {
  const bytes = Buffer.alloc(RECORD_BYTES)
  bytes.writeUInt32BE(VERSION, 4)
  writeInt64(bytes, counter, 8)
  writeInt64(bytes, state.term, 16)
  writeInt64(bytes, state.votedFor ?? -1, 24)
  writeInt64(bytes, state.syncedEndOffset, 32)
  writeInt64(bytes, state.syncedEpoch, 40)
  bytes.writeUInt32BE(crc32c(bytes.subarray(4, RECORD_BYTES)), 0)
  return slotOf(bytes)
}

interface StateRecord {
  readonly counter: number
  readonly version: number
  readonly state: QuorumStateData
}

/** Of any version: a record that cannot be read here must not make room for the one before it, which has an older vote. So of a newer one nothing else is read. */
function decodeRecord(bytes: Buffer): StateRecord | undefined {
  if (bytes.length < RECORD_BYTES || bytes.readUInt32BE(0) !== crc32c(bytes.subarray(4, RECORD_BYTES))) return undefined
  const version = bytes.readUInt32BE(4)
  if (version > VERSION) return { counter: readInt64(bytes, 8), version, state: FIRST }
  const votedFor = readInt64(bytes, 24)
  const state = {
    term: readInt64(bytes, 16),
    votedFor: votedFor === -1 ? null : votedFor,
    syncedEndOffset: readInt64(bytes, 32),
    syncedEpoch: version === 1 ? -1 : readInt64(bytes, 40),
  }
  return { counter: readInt64(bytes, 8), version, state }
}

/** One write and one sync a save; what is saved meanwhile goes out together, the newest state alone. A failed save is never retried: all later ones fail too (rules R3.5). */
export class QuorumState {
  readonly #file: DiskFile
  #counter: number
  #state: QuorumStateData
  #waiting: DoneVoid[] = []
  #saving = false
  #failure: Error | undefined

  /** For `openQuorumState`. */
  constructor(file: DiskFile, recovered: { readonly counter: number; readonly state: QuorumStateData }) {
    this.#file = file
    this.#counter = recovered.counter
    this.#state = recovered.state
  }

  /** The newest state, saved or being saved. */
  get state(): QuorumStateData {
    return this.#state
  }

  /** `done` comes when this state, or a newer one, is synced. */
  save(state: QuorumStateData, done: DoneVoid): void {
    assert(state.term >= this.#state.term, 'the term never goes back')
    const revotes = state.term === this.#state.term && this.#state.votedFor !== null && state.votedFor !== this.#state.votedFor
    assert(!revotes, 'a vote within a term is never changed')
    this.#state = state
    this.#waiting.push(done)
    if (!this.#saving) this.#start()
  }

  #start(): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#saving = true
    runTask(this.#write(), (error) => {
      this.#failure ??= error
      this.#saving = false
      // First the next one, so that a save from within `done` joins it.
      if (this.#waiting.length > 0) this.#start()
      for (const done of waiting) done(this.#failure)
    })
  }

  *#write(): Task<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#counter++
    const slot = encodeSlot(this.#counter, this.#state)
    const position = slotPosition(this.#counter)
    yield* callVoid((done) => this.#file.writevSynced([slot], position, done))
  }
}

/** Opens the file, makes it at the first start. DATA_FOLDER_MISMATCH when it is lost, no slot is valid, or it is newer: a voter that forgot its vote could vote twice. */
export function openQuorumState(disk: Disk, done: Done<QuorumState>): void {
  runTask(open(disk), done)
}

function lostVote(what: string): BrokerError {
  return new BrokerError('DATA_FOLDER_MISMATCH', `${what}, the node's vote is lost (move the data folder away: the node then comes back as a new one)`)
}

function newerFormat(version: number): BrokerError {
  return new BrokerError(
    'DATA_FOLDER_MISMATCH',
    `${PATH} has format ${version}, this program reads up to ${VERSION} (start the newer program, or use another folder)`,
  )
}

function* open(disk: Disk): Task<QuorumState> {
  const bytes = yield* call<Buffer | undefined>((done) => disk.readFile(PATH, done))
  if (bytes === undefined) {
    const names = yield* call<readonly string[]>((done) => disk.list('', done))
    if (names.includes(METADATA_LOG)) throw lostVote(`${PATH} is missing though there is a metadata log`)
    const content = Buffer.alloc(SLOT_FILE_BYTES)
    encodeSlot(0, FIRST).copy(content)
    yield* replaceFile(disk, PATH, content)
  }
  const file = (yield* call<DiskFile | undefined>((done) => disk.open(PATH, { create: true }, done))) as DiskFile
  if (bytes === undefined) return new QuorumState(file, { counter: 0, state: FIRST })
  const newest = newestRecord(bytes, decodeRecord)
  if (newest === undefined || newest.version > VERSION) {
    yield* callVoid((done) => file.close(done))
    throw newest === undefined ? lostVote(`${PATH} is damaged`) : newerFormat(newest.version)
  }
  // What a crash left in the page cache alone must not be built upon.
  yield* callVoid((done) => file.sync(done))
  return new QuorumState(file, newest)
}
