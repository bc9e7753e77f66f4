import type { Clock } from '../base/clock.ts'
import type { DoneVoid } from '../base/done.ts'
import type { Uuid } from '../base/ids.ts'
import type { PartitionRef } from '../controller/commands.ts'
import type { DataFolders } from './data-folders.ts'
import { parseLogName } from './log-name.ts'

export interface UnopenedLog {
  /** Null: not known yet of which partition it is. */
  ref: PartitionRef | null
  /** The topic that it was to be made for, and it holds nothing; null: it was there. */
  readonly madeFor: Uuid | null
  readonly reason: string
  /** Milliseconds since 1970. */
  readonly sinceMs: number
}

/** Logs that could not be opened or set aside: dead in this process, not tried again (rules R3.5). */
export class UnopenedLogs {
  readonly #clock: Pick<Clock, 'wallMs'>
  readonly #logs = new Map<string, UnopenedLog>()

  constructor(clock: Pick<Clock, 'wallMs'>) {
    this.#clock = clock
  }

  has(name: string): boolean {
    return this.#logs.has(name)
  }

  add(name: string, ref: PartitionRef | null, reason: string, madeFor: Uuid | null = null): void {
    this.#logs.set(name, { ref, madeFor, reason, sinceMs: this.#clock.wallMs() })
  }

  /** The replicas of that topic, or that one, are no more to be here: names of those that could not be made. The image may not have said yet which those are, their names do. */
  madeFor(topicId: Uuid, partition?: number): string[] {
    const names = [...this.#logs].filter(([, { madeFor }]) => madeFor === topicId).map(([name]) => name)
    return partition === undefined ? names : names.filter((name) => parseLogName(name)?.partition === partition)
  }

  /** Removes what there is of one that could not be made. `done`: its name is free, unless that failed. */
  remove(name: string, folders: DataFolders, done: DoneVoid): void {
    const { directory } = folders.of(name)
    directory.remove(name, (error) => {
      if (error === undefined) {
        this.#logs.delete(name)
        folders.forget(name)
      }
      done(error)
    })
  }

  /** The image says of which partition it is. */
  identify(name: string, ref: PartitionRef): void {
    const log = this.#logs.get(name)
    if (log !== undefined) log.ref = ref
  }

  /** Of which the partition is known. */
  refs(): PartitionRef[] {
    return [...this.#logs.values()].flatMap(({ ref }) => ref ?? [])
  }

  /** By name. */
  entries(): Iterable<readonly [string, UnopenedLog]> {
    return this.#logs
  }
}
