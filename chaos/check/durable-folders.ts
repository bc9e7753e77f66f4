import type { Disk } from '../../src/base/disk.ts'
import { DurableLogs, type PeekDisk } from './durable-logs.ts'
import { DurableSnapshots } from './durable-snapshots.ts'
import { PlacedLogs } from './placed-logs.ts'

/** A data folder of a simulated node, as its operator knows it. */
export function pathOf(at: number): string {
  return `disk ${at}`
}

/**
 * What all disks of one machine surely hold. A log is that of the folder on which its node says that it stands; where it says nothing, of the one in which a
 * process opened it last. Copies elsewhere are not used.
 */
export class DurableFolders {
  readonly #folders: readonly DurableLogs[]
  readonly #openedIn = new Map<string, number>()
  readonly #placed = new PlacedLogs()
  readonly #snapshots = new DurableSnapshots()
  readonly #paths: string[]

  constructor(count: number) {
    this.#folders = Array.from({ length: count }, (_, at) => new DurableLogs((logName) => this.#openedIn.set(logName, at)))
    this.#paths = this.#folders.map((_, at) => pathOf(at))
  }

  /** Of the first folder: there are no other votes. */
  get vote(): DurableLogs['vote'] {
    return (this.#folders[0] as DurableLogs).vote
  }

  /** Whether a power loss now could take something: the moment that a fault waits for. */
  get hasUnsynced(): boolean {
    return this.#folders.some((folder) => folder.hasUnsynced)
  }

  /** On which folder a log stands. */
  folderOf(logName: string): number {
    const path = this.#placed.pathOf(logName)
    const placedIn = path === undefined ? -1 : this.#paths.indexOf(path)
    return placedIn === -1 ? (this.#openedIn.get(logName) ?? 0) : placedIn
  }

  /** Exclusive: below it everything is durable, in the log or in a snapshot of it: one log takes another's place behind it (rules R4.5). */
  endOffset(logName: string): number {
    const log = this.#folders[this.folderOf(logName)] as DurableLogs
    return Math.max(log.endOffset(logName), this.#snapshots.endOffset(logName))
  }

  lost(at: number, path: string): void {
    ;(this.#folders[at] as DurableLogs).lost(path)
    if (at === 0) this.#snapshots.lost(path)
  }

  wrap(at: number, disk: PeekDisk): Disk {
    const folder = this.#folders[at] as DurableLogs
    return at === 0 ? this.#placed.wrap(folder.wrap(this.#snapshots.wrap(disk))) : folder.wrap(disk)
  }
}
