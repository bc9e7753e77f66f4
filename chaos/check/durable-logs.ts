import type { Disk, DiskFile } from '../../src/base/disk.ts'
import type { Done, DoneVoid } from '../../src/base/done.ts'
import { readInt64 } from '../../src/base/bytes.ts'
import { BATCH_HEADER_BYTES, peekBatchSize, readBatchHeader } from '../../src/record/batch.ts'

/** A batch that was handed to the disk. Exclusive end in the file, exclusive end in the log. */
interface WrittenBatch {
  readonly endPosition: number
  readonly endOffset: number
  state: 'writing' | 'written' | 'durable'
  /** A call that takes it away is under way: it counts no more, but is still there if the process dies before the call was carried out. */
  leaving: boolean
}

/** The batches of a file in order. `cut`: durable once, and cut away, but no sync has covered that: a failed one, or a power loss, may bring them back. */
interface FileBatches {
  readonly batches: WrittenBatch[]
  readonly cut: Set<WrittenBatch>
}

/** `volatile`: those that no sync has covered yet (or that were cut before one did). */
interface HeldBatches extends FileBatches {
  readonly volatile: Set<WrittenBatch>
}

/** What lay at a path until it was removed, or renamed. `folders`: once one of them was synced it does not come back. */
interface GoneFile extends FileBatches {
  readonly folders: readonly string[]
}

/** A disk that also says how large a file is now; undefined: there is none. */
export interface PeekDisk extends Disk {
  sizeOf(path: string): number | undefined
}

const QUORUM_STATE = 'quorum-state'
const SEGMENT = /^(.+)\/\d{20}\.log$/
/** Where a log begins (src/log/log-start.ts). */
const LOG_START = /^(.+)\/log-start$/

/**
 * What one machine's disk surely holds, judged by the calls that completed there: a batch is durable once a sync of its file that began
 * after its write completed has completed. It stands between a node and its Disk, and changes nothing. It survives the processes: what
 * was durable stays so, and what was only written counts again with the next sync.
 */
export class DurableLogs {
  readonly #files = new Map<string, FileBatches>()
  /** By their paths: a power loss may bring them back. */
  readonly #gone = new Map<string, GoneFile>()
  /** The paths of each log's segments, by the log's folder. */
  readonly #paths = new Map<string, Set<string>>()
  /** Log starts as they were noted, by the log's folder; `isNamed`: that folder was synced since the note was made. */
  readonly #starts = new Map<string, { readonly notes: SlotRecords<number>; isNamed: boolean }>()
  readonly #votes = new SlotRecords(readVote)
  readonly #opened: (logName: string) => void

  /** `opened`: told of each log of which a segment, or the note of its start, is opened. */
  constructor(opened: (logName: string) => void = () => undefined) {
    this.#opened = opened
  }

  /** The newest term and vote (−1: none) that are surely on the disk. */
  get vote(): { readonly term: number; readonly votedFor: number } {
    return this.#votes.durable ?? { term: 0, votedFor: -1 }
  }

  /** Whether a power loss now could take something: the moment that a fault waits for. */
  get hasUnsynced(): boolean {
    for (const { batches } of this.#files.values()) if (batches.at(-1)?.state === 'writing' || batches.at(-1)?.state === 'written') return true
    return false
  }

  /** Exclusive: everything below is durable in the log of that folder, or below where it begins. 0 for a log that was never written. */
  endOffset(logName: string): number {
    const start = this.#starts.get(logName)
    let endOffset = start?.isNamed === true ? (start.notes.durable ?? 0) : 0
    for (const path of this.#paths.get(logName) ?? []) {
      const batches = this.#files.get(path)?.batches ?? []
      for (let at = batches.length - 1; at >= 0; at--) {
        const batch = batches[at] as WrittenBatch
        if (batch.endOffset <= endOffset) break
        if (batch.state === 'durable' && !batch.leaving) endOffset = batch.endOffset
      }
    }
    return endOffset
  }

  /** The disk lost that file, unasked. What it lost of the end of one is seen when it is opened. */
  lost(path: string): void {
    this.#leave(path)(null, [])
  }

  wrap(disk: PeekDisk): Disk {
    return {
      open: (path, options, done) =>
        disk.open(path, options, (error, file) => done(error, file === undefined ? undefined : this.#watched(path, file, disk.sizeOf(path) ?? 0))),
      readFile: (path, done) => disk.readFile(path, done),
      rename: (from, to, done) => {
        const renamed = this.#leave(from)
        this.#starts.delete(from)
        disk.rename(from, to, (error) => {
          if (error === undefined) renamed(to, [parentOf(from), parentOf(to)])
          done(error)
        })
      },
      remove: (path, done) => {
        const removed = this.#leave(path)
        disk.remove(path, (error) => {
          if (error === undefined) removed(null, [parentOf(path)])
          done(error)
        })
      },
      list: (path, done) => disk.list(path, done),
      mkdir: (path, done) => disk.mkdir(path, done),
      syncFolder: (path, done) => {
        const start = this.#starts.get(path)
        const gone = [...this.#gone].filter(([, { folders }]) => folders.includes(path))
        disk.syncFolder(path, (error) => {
          if (error === undefined && start !== undefined) start.isNamed = true
          if (error === undefined) for (const [name, file] of gone) if (this.#gone.get(name) === file) this.#gone.delete(name)
          done(error)
        })
      },
      lock: (path, done) => disk.lock(path, done),
      space: (done) => disk.space(done),
    }
  }

  #watched(path: string, file: DiskFile, sizeBytes: number): DiskFile {
    if (path === QUORUM_STATE) return this.#votes.watch(file)
    if (LOG_START.test(path)) return this.#watchStart(file)
    return SEGMENT.test(path) ? this.#watch(file, sizeBytes) : file
  }

  #watchStart(file: DiskFile): DiskFile {
    const folder = LOG_START.exec(file.path)?.[1] ?? file.path
    this.#opened(folder)
    const start = this.#starts.get(folder) ?? { notes: new SlotRecords(readStart), isNamed: false }
    this.#starts.set(folder, start)
    return start.notes.watch(file)
  }

  #watch(file: DiskFile, sizeBytes: number): DiskFile {
    this.#opened(folderOf(file.path))
    const known = this.#files.get(file.path) ?? copyOf(this.#gone.get(file.path))
    this.#keep(file.path, known)
    const { batches, cut } = known
    // A process before this one may have had calls under way. What it took away is there or not, as the size says; what it wrote is on the
    // disk or not, the next sync makes it so.
    cutTo(batches, sizeBytes)
    for (const batch of cut) if (batch.endPosition <= sizeBytes && batch.endPosition > (batches.at(-1)?.endPosition ?? 0)) batches.push(batch)
    for (const batch of batches) {
      batch.leaving = false
      if (batch.state === 'writing') batch.state = 'written'
    }
    const held = { batches, cut, volatile: new Set(batches.filter(({ state }) => state !== 'durable')) }
    return {
      path: file.path,
      read: (position, length, done: Done<Buffer>) => file.read(position, length, done),
      writev: (buffers, position, done) => this.#writev(file, held, buffers, position, done),
      writevSynced,
      sync: (done) => this.#sync(file, held, done),
      truncate: (newSizeBytes, done) => {
        for (const batch of batches) batch.leaving ||= batch.endPosition > newSizeBytes
        file.truncate(newSizeBytes, (error) => {
          const taken = error === undefined ? cutTo(batches, newSizeBytes) : []
          for (const batch of taken) if (batch.state === 'durable') cut.add(batch)
          done(error)
        })
      },
      size: (done) => file.size(done),
      close: (done) => file.close(done),
    }
  }

  #writev(file: DiskFile, held: HeldBatches, buffers: readonly Buffer[], position: number, done: DoneVoid): void {
    const { batches, volatile } = held
    cutTo(batches, position)
    const writing = readWritten(buffers, position)
    batches.push(...writing)
    for (const batch of writing) volatile.add(batch)
    file.writev(buffers, position, (error) => {
      if (error === undefined) for (const batch of writing) if (batch.state === 'writing') batch.state = 'written'
      done(error)
    })
  }

  #sync(file: DiskFile, { cut, volatile }: HeldBatches, done: DoneVoid): void {
    const covered = [...volatile].filter(({ state }) => state === 'written')
    const gone = [...cut]
    file.sync((error) => {
      if (error === undefined) {
        for (const batch of covered) {
          batch.state = 'durable'
          volatile.delete(batch)
        }
        for (const batch of gone) cut.delete(batch)
      }
      done(error)
    })
  }

  /** What lies at `from` is on its way out; the returned function says that it has gone to another path, or away, and which folders that concerns. */
  #leave(from: string): (to: string | null, folders: readonly string[]) => void {
    const leaving = [...this.#files].filter(([path]) => path === from || path.startsWith(`${from}/`))
    for (const [, { batches }] of leaving) for (const batch of batches) batch.leaving = true
    return (to, folders) => {
      for (const [path, held] of leaving) {
        this.#files.delete(path)
        if (folders.length > 0) this.#gone.set(path, { ...copyOf(held), folders })
        this.#paths.get(folderOf(path))?.delete(path)
        if (to !== null) this.#keep(to + path.slice(from.length), held)
      }
    }
  }

  #keep(path: string, held: FileBatches): void {
    this.#files.set(path, held)
    const paths = this.#paths.get(folderOf(path)) ?? new Set<string>()
    this.#paths.set(folderOf(path), paths.add(path))
  }
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** Lists of their own, of the same batches. */
function copyOf(file: FileBatches = { batches: [], cut: new Set() }): FileBatches {
  return { batches: [...file.batches], cut: new Set(file.cut) }
}

function folderOf(path: string): string {
  return SEGMENT.exec(path)?.[1] ?? path
}

/** Returns what it took away, in order. */
function cutTo(batches: WrittenBatch[], sizeBytes: number): readonly WrittenBatch[] {
  let left = batches.length
  while (left > 0 && (batches[left - 1] as WrittenBatch).endPosition > sizeBytes) left--
  return batches.splice(left)
}

function readVote(bytes: Buffer): { readonly term: number; readonly votedFor: number } {
  return { term: readInt64(bytes, 16), votedFor: readInt64(bytes, 24) }
}

/** Undefined: zeros, which only make room. */
function readStart(bytes: Buffer): number | undefined {
  const start = /^count=\d+\nstart=(\d+)\n/.exec(bytes.toString('latin1', 0, 64))?.[1]
  return start === undefined ? undefined : Number(start)
}

/** Both halves seen. */
export function writevSynced(this: DiskFile, buffers: readonly Buffer[], position: number, done: DoneVoid): void {
  this.writev(buffers, position, (error) => (error === undefined ? this.sync(done) : done(error)))
}

/** What was written to a file of slots (src/log/slots.ts), in that order. */
class SlotRecords<Content> {
  readonly #read: (bytes: Buffer) => Content | undefined
  #records: { readonly content: Content; state: WrittenBatch['state'] }[] = []

  constructor(read: (bytes: Buffer) => Content | undefined) {
    this.#read = read
  }

  /** The newest that is surely on the disk. */
  get durable(): Content | undefined {
    return this.#records.findLast(({ state }) => state === 'durable')?.content
  }

  /** What a process before this one had under way is there or not: the next sync makes it so. */
  watch(file: DiskFile): DiskFile {
    for (const record of this.#records) if (record.state === 'writing') record.state = 'written'
    return {
      path: file.path,
      read: (position, length, done: Done<Buffer>) => file.read(position, length, done),
      writev: (buffers, position, done) => {
        const content = this.#read(Buffer.concat(buffers))
        const record = content === undefined ? undefined : { content, state: 'writing' as WrittenBatch['state'] }
        if (record !== undefined) this.#records = [...this.#records.slice(-4), record]
        file.writev(buffers, position, (error) => {
          if (error === undefined && record !== undefined) record.state = 'written'
          done(error)
        })
      },
      writevSynced,
      sync: (done) => {
        const covered = this.#records.filter(({ state }) => state === 'written')
        file.sync((error) => {
          if (error === undefined) for (const record of covered) record.state = 'durable'
          done(error)
        })
      },
      truncate: (sizeBytes, done) => file.truncate(sizeBytes, done),
      size: (done) => file.size(done),
      close: (done) => file.close(done),
    }
  }
}

/** Whole batches are written, one behind the other, maybe in several slices. */
function readWritten(buffers: readonly Buffer[], position: number): WrittenBatch[] {
  const bytes = buffers.length === 1 ? (buffers[0] as Buffer) : Buffer.concat(buffers)
  const batches: WrittenBatch[] = []
  for (let at = 0; bytes.length - at >= BATCH_HEADER_BYTES; ) {
    const sizeBytes = peekBatchSize(bytes, at) as number
    at += sizeBytes
    batches.push({ endPosition: position + at, endOffset: readBatchHeader(bytes, at - sizeBytes).lastOffset + 1, state: 'writing', leaving: false })
  }
  return batches
}
