import { assert } from '../base/assert.ts'
import type { Disk, DiskFile } from '../base/disk.ts'
import { BrokerError } from '../base/errors.ts'
import { call, callVoid, type Task } from '../base/task.ts'
import { BATCH_HEADER_BYTES, hasValidCrc, peekBatchSize } from '../record/batch.ts'
import { removeSynced, TEMPORARY_SUFFIX } from './replace-file.ts'
import { MAX_BATCH_BYTES } from './segment-scan.ts'

/** What a snapshot's file is named by: the end of what it holds (exclusive), and the epoch of the last entry in it. Source: Kafka Snapshots.java. */
export interface SnapshotName {
  readonly endOffset: number
  readonly lastTerm: number
}

const FILE = /^(\d{20})-(\d{10})\.checkpoint$/
const UNFINISHED = '.checkpoint.tmp'

export function snapshotFileName({ endOffset, lastTerm }: SnapshotName): string {
  return `${String(endOffset).padStart(20, '0')}-${String(lastTerm).padStart(10, '0')}.checkpoint`
}

/** Undefined: the file is no snapshot. */
export function parseSnapshotFileName(fileName: string): SnapshotName | undefined {
  const found = FILE.exec(fileName)
  return found === null ? undefined : { endOffset: Number(found[1]), lastTerm: Number(found[2]) }
}

/** The snapshot files in the folder of a log. They are written under another name, and take their own once they are synced. */
export class SnapshotFiles {
  readonly #disk: Disk
  readonly #folder: string

  constructor(disk: Disk, folder: string) {
    this.#disk = disk
    this.#folder = folder
  }

  /** Newest first. */
  *list(): Task<SnapshotName[]> {
    const names = yield* call<readonly string[]>((done) => this.#disk.list(this.#folder, done))
    const snapshots = names.map(parseSnapshotFileName).filter((name) => name !== undefined)
    return snapshots.sort((left, right) => right.endOffset - left.endOffset || right.lastTerm - left.lastTerm)
  }

  /** What a process that died was writing. */
  *removeUnfinished(): Task<void> {
    const names = yield* call<readonly string[]>((done) => this.#disk.list(this.#folder, done))
    for (const name of names) if (name.endsWith(UNFINISHED)) yield* callVoid((done) => this.#disk.remove(`${this.#folder}/${name}`, done))
  }

  *remove(name: SnapshotName): Task<void> {
    yield* removeSynced(this.#disk, this.#path(name))
  }

  /** Begins a file. `kind` keeps apart what is written at the same time: one of each. */
  *begin(kind: 'own' | 'received'): Task<SnapshotWriter> {
    const path = `${this.#folder}/${kind}${UNFINISHED}`
    const file = (yield* call<DiskFile | undefined>((done) => this.#disk.open(path, { create: true }, done))) as DiskFile
    const writer = new SnapshotWriter(this.#disk, { file, folder: this.#folder })
    try {
      yield* callVoid((done) => file.truncate(0, done))
    } catch (error) {
      yield* writer.discard()
      throw error
    }
    return writer
  }

  *open(name: SnapshotName): Task<SnapshotReader | undefined> {
    const file = yield* call<DiskFile | undefined>((done) => this.#disk.open(this.#path(name), { create: false }, done))
    if (file === undefined) return undefined
    return new SnapshotReader(file, yield* call<number>((done) => file.size(done)))
  }

  #path(name: SnapshotName): string {
    return `${this.#folder}/${snapshotFileName(name)}`
  }
}

/** Reads whole batches, their CRCs checked. */
export class SnapshotReader {
  readonly sizeBytes: number
  readonly #file: DiskFile

  constructor(file: DiskFile, sizeBytes: number) {
    this.#file = file
    this.sizeBytes = sizeBytes
  }

  /** Batches from `position` on, at least one and then at most maxBytes of them, one behind the other. Throws CORRUPT_MESSAGE. */
  *read(position: number, maxBytes: number): Task<Buffer> {
    let bytes = yield* call<Buffer>((done) => this.#file.read(position, maxBytes, done))
    const firstBytes = peekBatchSize(bytes, 0) ?? 0
    if (firstBytes > bytes.length && firstBytes <= MAX_BATCH_BYTES) bytes = yield* call<Buffer>((done) => this.#file.read(position, firstBytes, done))
    let end = 0
    for (;;) {
      const sizeBytes = peekBatchSize(bytes, end)
      if (sizeBytes === undefined || end + sizeBytes > bytes.length) break
      if (sizeBytes < BATCH_HEADER_BYTES || !hasValidCrc(bytes.subarray(end, end + sizeBytes))) break
      end += sizeBytes
    }
    if (end === 0) throw new BrokerError('CORRUPT_MESSAGE', `${this.#file.path} holds no whole batch at byte ${position}`)
    return bytes.subarray(0, end)
  }

  *close(): Task<void> {
    yield* callVoid((done) => this.#file.close(done))
  }
}

/** A snapshot's file as it grows. */
export class SnapshotWriter {
  readonly #disk: Disk
  readonly #file: DiskFile
  readonly #folder: string
  #sizeBytes = 0
  #isClosed = false

  constructor(disk: Disk, options: { readonly file: DiskFile; readonly folder: string }) {
    this.#disk = disk
    this.#file = options.file
    this.#folder = options.folder
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  *append(bytes: Buffer): Task<void> {
    yield* callVoid((done) => this.#file.writev([bytes], this.#sizeBytes, done))
    this.#sizeBytes += bytes.length
  }

  /** What was written so far, to be read back. */
  reader(): SnapshotReader {
    return new SnapshotReader(this.#file, this.#sizeBytes)
  }

  /** Gives it its name, durable: synced, renamed, folder synced. */
  *finish(name: SnapshotName): Task<void> {
    assert(this.#file.path.endsWith(TEMPORARY_SUFFIX), 'what is not finished has another name')
    yield* callVoid((done) => this.#file.sync(done))
    yield* this.#close()
    yield* callVoid((done) => this.#disk.rename(this.#file.path, `${this.#folder}/${snapshotFileName(name)}`, done))
    yield* callVoid((done) => this.#disk.syncFolder(this.#folder, done))
  }

  /** Also where `finish` failed. */
  *discard(): Task<void> {
    yield* this.#close()
    yield* callVoid((done) => this.#disk.remove(this.#file.path, done))
  }

  *#close(): Task<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    yield* callVoid((done) => this.#file.close(done))
  }
}
