import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { DAMAGED_NOTE } from '../log/damaged-note.ts'
import { LOG_START_NOTE } from '../log/log-start.ts'
import { parseSegmentFileName } from '../log/segment.ts'
import { parseSnapshotFileName, type SnapshotName } from '../log/snapshot-files.ts'
import { METADATA_LOG } from '../log/surface.ts'
import { lockHolder } from './dev-nodes.ts'
import { UsageError } from './failure.ts'

/** One log to dump. `segments`: base offsets, in order; of a path that names one file, that one alone. */
export interface DumpTarget {
  readonly name: string
  readonly folder: string
  readonly segments: readonly number[]
  /** Of the metadata, in order; of a path that names one, that one alone. */
  readonly snapshots: readonly SnapshotName[]
  /** The whole folder was named: what is missing in it can be told. */
  readonly isWhole: boolean
}

export interface DumpTargets {
  readonly logs: readonly DumpTarget[]
  /** The process that holds the data folder; undefined: none does. */
  readonly holderPid: number | undefined
}

const LOG_NOTES: readonly string[] = [LOG_START_NOTE, DAMAGED_NOTE, 'partition.metadata']

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function segmentsOf(names: readonly string[]): number[] {
  return names.map(parseSegmentFileName).filter((base) => base !== undefined)
}

function snapshotsOf(names: readonly string[]): SnapshotName[] {
  return names.map(parseSnapshotFileName).filter((name) => name !== undefined)
}

async function logIn(root: string, name: string): Promise<DumpTarget> {
  const folder = join(root, name)
  const names = await namesIn(folder)
  return { name, folder, segments: segmentsOf(names), snapshots: snapshotsOf(names), isWhole: true }
}

/** What a path names: a data folder, the folder of one log, one segment file, or one snapshot of the metadata. */
export async function findTargets(path: string): Promise<DumpTargets> {
  const place = resolve(path)
  const found = await stat(place).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR')
      throw new UsageError(`there is nothing at ${path}`, 'name a data folder, the folder of a log, a segment file or a snapshot')
    throw error
  })
  if (!found.isDirectory()) {
    const [name, folder] = [basename(place), dirname(place)]
    const [segments, snapshots] = [segmentsOf([name]), snapshotsOf([name])]
    if (segments.length + snapshots.length === 0)
      throw new UsageError(
        `${path} is no segment file`,
        'one is named like 00000000000000000000.log, a snapshot like 00000000000000000000-0000000000.checkpoint',
      )
    return { logs: [{ name, folder, segments, snapshots, isWhole: false }], holderPid: await holderOf(folder) }
  }
  const names = await namesIn(place)
  if (segmentsOf(names).length + snapshotsOf(names).length > 0 || names.some((name) => LOG_NOTES.includes(name))) {
    return { logs: [{ ...(await logIn(dirname(place), basename(place))), name: basename(place) }], holderPid: await holderOf(place) }
  }
  const logs: DumpTarget[] = []
  if (names.includes(METADATA_LOG)) logs.push(await logIn(place, METADATA_LOG))
  for (const name of await namesIn(join(place, 'partitions'))) logs.push(await logIn(place, `partitions/${name}`))
  if (logs.length === 0) throw new UsageError(`${path} holds no log`, 'name the data folder of a node, the folder of a log, a segment file or a snapshot')
  return { logs, holderPid: await holderOf(place) }
}

/** The living process that the lock of the data folder names; a log lies one or two folders below it. */
async function holderOf(place: string): Promise<number | undefined> {
  for (const folder of [place, dirname(place), dirname(dirname(place))]) {
    const pid = await lockHolder(folder)
    if (pid !== null) return pid
  }
  return undefined
}

/** undefined: there is no such file. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** One file, for reading alone. */
export class ReadOnlyFile {
  readonly #file: FileHandle
  readonly sizeBytes: number

  private constructor(file: FileHandle, sizeBytes: number) {
    this.#file = file
    this.sizeBytes = sizeBytes
  }

  static async open(path: string): Promise<ReadOnlyFile> {
    const file = await open(path, 'r')
    return new ReadOnlyFile(file, (await file.stat()).size)
  }

  /** At most `length` bytes; fewer where the file ends. */
  async read(position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.sizeBytes - position)))
    let read = 0
    while (read < bytes.length) {
      const { bytesRead } = await this.#file.read(bytes, read, bytes.length - read, position + read)
      if (bytesRead === 0) break
      read += bytesRead
    }
    return bytes.subarray(0, read)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}
