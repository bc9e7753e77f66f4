import type { Clock } from '../base/clock.ts'
import { crc32c } from '../base/crc32c.ts'
import type { Disk } from '../base/disk.ts'
import type { DoneVoid } from '../base/done.ts'
import type { Uuid } from '../base/ids.ts'
import { call, callVoid, runTask, type Task } from '../base/task.ts'
import { replaceFile } from '../log/replace-file.ts'

const PATH = 'placements'
const VERSION = 1

/** Where the log of one partition stands. */
export interface Placement {
  readonly topicId: Uuid
  readonly directoryId: Uuid
  /** A folder with a copy of it that nobody needs: of a move to there that has not ended, or from there that has (folder-move.ts). */
  readonly copyIn?: Uuid
  /** A move to there that a restart does not end. */
  readonly moveTo?: MoveTo
}

export interface MoveTo {
  readonly directoryId: Uuid
  /** null: no limit. */
  readonly bytesPerSecond: number | null
}

interface Content {
  /** By path as configured: which folder lay there last. */
  readonly folders: Readonly<Record<string, Uuid>>
  /** By the log's name. */
  readonly placed: Readonly<Record<string, Placement>>
}

function encode(content: Content): Buffer {
  const text = `${JSON.stringify({ version: VERSION, ...content })}\n`
  return Buffer.from(`${text}crc=${crc32c(Buffer.from(text))}\n`)
}

/** Undefined: it cannot be read. */
function decode(bytes: Buffer): Content | undefined {
  const text = bytes.toString()
  const end = text.indexOf('\n') + 1
  if (text.slice(end) !== `crc=${crc32c(Buffer.from(text.slice(0, end)))}\n`) return undefined
  const content = JSON.parse(text.slice(0, end)) as Content & { readonly version: number }
  return content.version === VERSION ? content : undefined
}

/**
 * Which folder each partition of a node stands on: a file in the first folder, synced before a log is made. It alone says which of two copies
 * of a partition is the one that last served, and what was lost with a folder (rules R5.3). A node that never had a second folder has no such file,
 * and everything of it stands in the first.
 */
export class Placements {
  readonly #disk: Disk
  readonly #clock: Pick<Clock, 'defer'>
  readonly #folders: Map<string, Uuid>
  readonly #placed: Map<string, Placement>
  #waiting: DoneVoid[] = []
  #isWriting = false

  /** For `openPlacements`. */
  constructor(disk: Disk, clock: Pick<Clock, 'defer'>, content: Content | undefined) {
    this.#disk = disk
    this.#clock = clock
    this.#folders = new Map(Object.entries(content?.folders ?? {}))
    this.#placed = new Map(Object.entries(content?.placed ?? {}))
  }

  get(name: string): Placement | undefined {
    return this.#placed.get(name)
  }

  entries(): IterableIterator<[string, Placement]> {
    return this.#placed.entries()
  }

  folderAt(path: string): Uuid | undefined {
    return this.#folders.get(path)
  }

  /** Takes effect at once, and with `save` on the disk. */
  setFolder(path: string, directoryId: Uuid): void {
    this.#folders.set(path, directoryId)
  }

  set(name: string, placement: Placement): void {
    this.#placed.set(name, placement)
  }

  /** On the disk with the next `save`: what an entry says of a log that is deleted does no harm. */
  forget(name: string): void {
    this.#placed.delete(name)
  }

  /** `done`: what was set before is durable. Calls of one turn, and those during a write, share one write. */
  save(done: DoneVoid): void {
    this.#waiting.push(done)
    if (this.#isWriting) return
    this.#isWriting = true
    this.#clock.defer(() => this.#write())
  }

  #write(): void {
    const waiting = this.#waiting
    this.#waiting = []
    const content = { folders: Object.fromEntries(this.#folders), placed: Object.fromEntries(this.#placed) }
    runTask(replaceFile(this.#disk, PATH, encode(content)), (error) => {
      for (const done of waiting) done(error)
      if (this.#waiting.length > 0) this.#write()
      else this.#isWriting = false
    })
  }
}

/** Undefined: there is none, and none is asked for. One that cannot be read counts as empty: then nothing outside of the first folder is trusted. */
export function* openPlacements(options: {
  readonly disk: Disk
  readonly clock: Pick<Clock, 'defer'>
  readonly create: boolean
}): Task<Placements | undefined> {
  const { disk, clock, create } = options
  const bytes = yield* call<Buffer | undefined>((done) => disk.readFile(PATH, done))
  if (bytes === undefined && !create) return undefined
  return new Placements(disk, clock, bytes === undefined ? undefined : decode(bytes))
}

export function* savePlacements(placements: Placements): Task<void> {
  yield* callVoid((done) => placements.save(done))
}
