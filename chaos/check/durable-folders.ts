import type { Disk } from '../../src/base/disk.ts'
import { DurableLogs, type PeekDisk } from './durable-logs.ts'

/** What all disks of one machine surely hold. A log is that of the folder in which a process opened it last: copies elsewhere are not used. */
export class DurableFolders {
  readonly #folders: readonly DurableLogs[]
  readonly #openedIn = new Map<string, number>()

  constructor(count: number) {
    this.#folders = Array.from({ length: count }, (_, at) => new DurableLogs((logName) => this.#openedIn.set(logName, at)))
  }

  /** Of the first folder: there are no other votes. */
  get vote(): DurableLogs['vote'] {
    return (this.#folders[0] as DurableLogs).vote
  }

  /** Whether a power loss now could take something: the moment that a fault waits for. */
  get hasUnsynced(): boolean {
    return this.#folders.some((folder) => folder.hasUnsynced)
  }

  /** In which folder a log was opened last. */
  folderOf(logName: string): number {
    return this.#openedIn.get(logName) ?? 0
  }

  endOffset(logName: string): number {
    return (this.#folders[this.folderOf(logName)] as DurableLogs).endOffset(logName)
  }

  lost(at: number, path: string): void {
    ;(this.#folders[at] as DurableLogs).lost(path)
  }

  wrap(at: number, disk: PeekDisk): Disk {
    return (this.#folders[at] as DurableLogs).wrap(disk)
  }
}
