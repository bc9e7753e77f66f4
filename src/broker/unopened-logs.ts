import type { Clock } from '../base/clock.ts'
import type { PartitionRef } from '../controller/commands.ts'

export interface UnopenedLog {
  /** Null: not known yet of which partition it is. */
  ref: PartitionRef | null
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

  add(name: string, ref: PartitionRef | null, reason: string): void {
    this.#logs.set(name, { ref, reason, sinceMs: this.#clock.wallMs() })
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
