import type { Anomaly } from './anomaly.ts'
import type { Call } from './calls.ts'
import type { Facts } from './facts.ts'
import type { KeyLog } from './key-log.ts'

interface Unexpected {
  readonly log: KeyLog
  readonly offset: number
  readonly value: number
  readonly pollers: Call[]
}

/** A poll, whatever became of it, returned what nobody sent to that key: it was made up, changed, or belongs elsewhere. */
export function findUnexpectedReads(facts: Facts): Anomaly[] {
  const found = new Map<string, Unexpected>()
  for (const call of facts.calls) {
    for (const { key, from, to } of call.reads) {
      const log = facts.log(key)
      for (let at = from; at < to; at++) {
        const value = facts.reads.valueAt(at)
        if (log.writerOf(value) !== undefined) continue
        const name = `${key} ${value}`
        const known = found.get(name) ?? { log, offset: facts.reads.offsetAt(at), value, pollers: [] }
        found.set(name, known)
        if (known.pollers.at(-1) !== call) known.pollers.push(call)
      }
    }
  }
  return [...found.values()].map(({ log: { key }, offset, value, pollers }) => {
    const sentence = `key ${key}: value ${value} was polled at offset ${offset}, and nobody sent it`
    return { name: 'unexpected-read', key, sentence, operations: pollers.map(({ invokedAt }) => invokedAt) }
  })
}
