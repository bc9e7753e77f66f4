import type { Disk, DiskFile } from '../../src/base/disk.ts'
import type { Done, DoneVoid } from '../../src/base/done.ts'
import { readInt64 } from '../../src/base/bytes.ts'
import { BATCH_HEADER_BYTES, peekBatchSize, readBatchHeader } from '../../src/record/batch.ts'

/** A batch that was handed to the disk. Exclusive end in the file, exclusive end in the log. */
interface WrittenBatch {
  readonly endPosition: number
  readonly endOffset: number
  state: 'writing' | 'written' | 'durable'
}

/** A vote as it lies in the two-slot file (src/log/quorum-state.ts), by its counter. */
interface WrittenVote {
  readonly counter: number
  readonly term: number
  readonly votedFor: number
  state: WrittenBatch['state']
}

const QUORUM_STATE = 'quorum-state'
const SEGMENT = /^(.+)\/\d{20}\.log$/

/**
 * What one machine's disk surely holds, judged by the calls that completed there: a batch is durable once a sync of its file that began
 * after its write completed has completed. It stands between a node and its Disk, and changes nothing. It survives the processes: what
 * was durable stays so, and what was only written counts again with the next sync.
 */
export class DurableLogs {
  readonly #files = new Map<string, WrittenBatch[]>()
  /** The paths of each log's segments, by the log's folder. */
  readonly #paths = new Map<string, Set<string>>()

  #votes: WrittenVote[] = []

  /** The newest term and vote (−1: none) that are surely on the disk. */
  get vote(): { readonly term: number; readonly votedFor: number } {
    return this.#votes.findLast(({ state }) => state === 'durable') ?? { term: 0, votedFor: -1 }
  }

  /** Whether a power loss now could take something: the moment that a fault waits for. */
  get hasUnsynced(): boolean {
    for (const batches of this.#files.values()) if (batches.at(-1)?.state === 'writing' || batches.at(-1)?.state === 'written') return true
    return false
  }

  /** Exclusive: everything below is durable in the log of that folder. 0 for a log that was never written. */
  endOffset(logName: string): number {
    let endOffset = 0
    for (const path of this.#paths.get(logName) ?? []) {
      const batches = this.#files.get(path) ?? []
      const durable = batches.findLast(({ state }) => state === 'durable')
      if (durable !== undefined && durable.endOffset > endOffset) endOffset = durable.endOffset
    }
    return endOffset
  }

  wrap(disk: Disk): Disk {
    return {
      open: (path, options, done) => disk.open(path, options, (error, file) => done(error, file === undefined ? undefined : this.#watched(path, file))),
      readFile: (path, done) => disk.readFile(path, done),
      rename: (from, to, done) => {
        this.#rename(from, to)
        disk.rename(from, to, done)
      },
      remove: (path, done) => {
        this.#rename(path, null)
        disk.remove(path, done)
      },
      list: (path, done) => disk.list(path, done),
      mkdir: (path, done) => disk.mkdir(path, done),
      syncFolder: (path, done) => disk.syncFolder(path, done),
      lock: (path, done) => disk.lock(path, done),
      space: (done) => disk.space(done),
    }
  }

  #watched(path: string, file: DiskFile): DiskFile {
    if (path === QUORUM_STATE) return this.#watchVotes(file)
    return SEGMENT.test(path) ? this.#watch(file) : file
  }

  #watchVotes(file: DiskFile): DiskFile {
    for (const vote of this.#votes) if (vote.state === 'writing') vote.state = 'written'
    return {
      path: file.path,
      read: (position, length, done: Done<Buffer>) => file.read(position, length, done),
      writev: (buffers, position, done) => {
        const vote = readVote(buffers)
        this.#votes = [...this.#votes.slice(-4), vote]
        file.writev(buffers, position, (error) => {
          if (error === undefined) vote.state = 'written'
          done(error)
        })
      },
      writevSynced,
      sync: (done) => {
        const covered = this.#votes.filter(({ state }) => state === 'written')
        file.sync((error) => {
          if (error === undefined) for (const vote of covered) vote.state = 'durable'
          done(error)
        })
      },
      truncate: (sizeBytes, done) => file.truncate(sizeBytes, done),
      size: (done) => file.size(done),
      close: (done) => file.close(done),
    }
  }

  #watch(file: DiskFile): DiskFile {
    const batches = this.#files.get(file.path) ?? []
    this.#keep(file.path, batches)
    // A process before this one may have had writes under way: they are on the disk or not, the next sync makes them so.
    for (const batch of batches) if (batch.state === 'writing') batch.state = 'written'
    return {
      path: file.path,
      read: (position, length, done: Done<Buffer>) => file.read(position, length, done),
      writev: (buffers, position, done) => this.#writev(file, batches, buffers, position, done),
      writevSynced,
      sync: (done) => this.#sync(file, batches, done),
      truncate: (sizeBytes, done) => {
        cutTo(batches, sizeBytes)
        file.truncate(sizeBytes, done)
      },
      size: (done) => file.size(done),
      close: (done) => file.close(done),
    }
  }

  #writev(file: DiskFile, batches: WrittenBatch[], buffers: readonly Buffer[], position: number, done: DoneVoid): void {
    cutTo(batches, position)
    const writing = readWritten(buffers, position)
    batches.push(...writing)
    file.writev(buffers, position, (error) => {
      if (error === undefined) for (const batch of writing) if (batch.state === 'writing') batch.state = 'written'
      done(error)
    })
  }

  #sync(file: DiskFile, batches: WrittenBatch[], done: DoneVoid): void {
    const covered = batches.filter(({ state }) => state === 'written')
    file.sync((error) => {
      if (error === undefined) for (const batch of covered) batch.state = 'durable'
      done(error)
    })
  }

  #rename(from: string, to: string | null): void {
    for (const [path, batches] of [...this.#files]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue
      this.#files.delete(path)
      this.#paths.get(folderOf(path))?.delete(path)
      if (to !== null) this.#keep(to + path.slice(from.length), batches)
    }
  }

  #keep(path: string, batches: WrittenBatch[]): void {
    this.#files.set(path, batches)
    const paths = this.#paths.get(folderOf(path)) ?? new Set<string>()
    this.#paths.set(folderOf(path), paths.add(path))
  }
}

function folderOf(path: string): string {
  return SEGMENT.exec(path)?.[1] ?? path
}

function cutTo(batches: WrittenBatch[], sizeBytes: number): void {
  while (batches.length > 0 && (batches.at(-1) as WrittenBatch).endPosition > sizeBytes) batches.pop()
}

function readVote(buffers: readonly Buffer[]): WrittenVote {
  const bytes = Buffer.concat(buffers)
  return { counter: readInt64(bytes, 8), term: readInt64(bytes, 16), votedFor: readInt64(bytes, 24), state: 'writing' }
}

/** Whole batches are written, one behind the other, maybe in several slices. */
/** Both halves seen. */
function writevSynced(this: DiskFile, buffers: readonly Buffer[], position: number, done: DoneVoid): void {
  this.writev(buffers, position, (error) => (error === undefined ? this.sync(done) : done(error)))
}

function readWritten(buffers: readonly Buffer[], position: number): WrittenBatch[] {
  const bytes = buffers.length === 1 ? (buffers[0] as Buffer) : Buffer.concat(buffers)
  const batches: WrittenBatch[] = []
  for (let at = 0; bytes.length - at >= BATCH_HEADER_BYTES; ) {
    const sizeBytes = peekBatchSize(bytes, at) as number
    at += sizeBytes
    batches.push({ endPosition: position + at, endOffset: readBatchHeader(bytes, at - sizeBytes).lastOffset + 1, state: 'writing' })
  }
  return batches
}
