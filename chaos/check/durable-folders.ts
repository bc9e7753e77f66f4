import type { Disk } from '../../src/base/disk.ts'
import { DurableLogs, type PeekDisk } from './durable-logs.ts'
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

  endOffset(logName: string): number {
    return (this.#folders[this.folderOf(logName)] as DurableLogs).endOffset(logName)
  }

  lost(at: number, path: string): void {
    ;(this.#folders[at] as DurableLogs).lost(path)
  }

  wrap(at: number, disk: PeekDisk): Disk {
    const watched = (this.#folders[at] as DurableLogs).wrap(disk)
    return at === 0 ? this.#placed.wrap(watched) : watched
  }
}
