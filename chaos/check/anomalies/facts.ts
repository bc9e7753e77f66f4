import type { Key, Operation } from '../../operations/operation.ts'
import { type Call, Calls, type ReadTable, type Sent } from './calls.ts'
import { KeyLog } from './key-log.ts'

/** What all checkers ask of a history, computed once. */
export class Facts {
  readonly calls: readonly Call[]
  readonly reads: ReadTable
  readonly #logs = new Map<Key, KeyLog>()

  constructor(calls: Calls) {
    this.calls = calls.all
    this.reads = calls.reads
    for (const call of this.calls) {
      for (const { key, value } of call.sends) this.log(key).addWriter(value, call)
      for (const { key, from, to } of call.reads) {
        const log = this.log(key)
        for (let at = from; at < to; at++) {
          const value = this.reads.valueAt(at)
          log.addVersion(this.reads.offsetAt(at), value)
          // What lies on the disk of a node was not answered to anybody.
          if (call.outcome === 'ok' && call.node === undefined) log.addReader(value, call)
        }
      }
    }
    for (const call of this.calls) {
      if (call.sends.length === 0 || !this.mustHaveCommitted(call)) continue
      for (const { key, value, offset } of call.sends) if (offset !== null) this.log(key).addVersion(offset, value)
    }
    for (const log of this.#logs.values()) log.order()
  }

  static of(history: Iterable<Operation>): Facts {
    return new Facts(Calls.of(history))
  }

  get logs(): IterableIterator<KeyLog> {
    return this.#logs.values()
  }

  /** Of any key that the history names. */
  log(key: Key): KeyLog {
    const known = this.#logs.get(key)
    if (known !== undefined) return known
    const log = new KeyLog(key, this.calls)
    this.#logs.set(key, log)
    return log
  }

  /** Ok; or unknown, and an ok poll read something of what it sent. */
  mustHaveCommitted(call: Call): boolean {
    return call.outcome === 'ok' || (call.outcome === 'info' && call.sends.some(({ key, value }) => this.log(key).isRead(value)))
  }

  /** Undefined where no one knows its offset. */
  indexOf({ key, value, offset }: Sent): number | undefined {
    return this.log(key).indexOf(offset, value)
  }

  /** Of one thing that was polled: it was seen there, so that its index is known. */
  indexOfRead(log: KeyLog, at: number): number {
    return log.indexOf(this.reads.offsetAt(at), this.reads.valueAt(at)) as number
  }
}
