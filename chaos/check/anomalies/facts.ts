import type { Key, Operation } from '../../operations/operation.ts'
import { type Call, pairCalls, type Sent } from './calls.ts'
import { KeyLog } from './key-log.ts'

/** What all checkers ask of a history, computed once. */
export class Facts {
  readonly calls: readonly Call[]
  readonly #logs = new Map<Key, KeyLog>()

  constructor(history: readonly Operation[]) {
    this.calls = pairCalls(history)
    for (const call of this.calls) {
      for (const { key, value } of call.sends) this.log(key).addWriter(value, call)
      for (const [key, pairs] of call.reads) {
        const log = this.log(key)
        for (const [offset, value] of pairs) {
          log.addVersion(offset, value)
          if (call.outcome === 'ok') log.addReader(value, call)
        }
      }
    }
    for (const call of this.calls) {
      if (call.sends.length === 0 || !this.mustHaveCommitted(call)) continue
      for (const { key, value, offset } of call.sends) if (offset !== null) this.log(key).addVersion(offset, value)
    }
    for (const log of this.#logs.values()) log.order()
  }

  get logs(): IterableIterator<KeyLog> {
    return this.#logs.values()
  }

  /** Of any key that the history names. */
  log(key: Key): KeyLog {
    const known = this.#logs.get(key)
    if (known !== undefined) return known
    const log = new KeyLog(key)
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
}
