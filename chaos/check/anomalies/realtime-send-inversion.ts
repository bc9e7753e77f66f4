import type { Key } from '../../operations/operation.ts'
import type { Anomaly } from './anomaly.ts'
import type { Call } from './calls.ts'
import type { Facts } from './facts.ts'

interface Highest {
  readonly index: number
  readonly call: Call
}

/** A send was acknowledged before another to the same key began, and the other lies before it. */
export function findRealtimeSendInversions(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  const completions = facts.calls
    .filter(({ sends, outcome }) => sends.length > 0 && outcome === 'ok')
    .sort((left, right) => left.completedAt - right.completedAt)
  const highest = new Map<Key, Highest>()
  let done = 0
  for (const call of facts.calls) {
    if (call.sends.length === 0 || call.outcome === 'fail') continue
    for (let next = completions[done]; next !== undefined && next.completedAt < call.invokedAt; next = completions[++done]) raise(highest, facts, next)
    for (const sent of call.sends) {
      const index = facts.indexOf(sent)
      const before = highest.get(sent.key)
      if (index === undefined || before === undefined || index > before.index) continue
      const offsets = facts.log(sent.key).offsets
      const sentence = `key ${sent.key}: offset ${offsets.at(before.index)} was acknowledged, then a send began that lies at offset ${offsets.at(index)}`
      found.push({ name: 'realtime-send-inversion', key: sent.key, sentence, operations: [before.call.invokedAt, call.invokedAt] })
    }
  }
  return found
}

function raise(highest: Map<Key, Highest>, facts: Facts, call: Call): void {
  for (const sent of call.sends) {
    const index = facts.indexOf(sent)
    if (index !== undefined && index > (highest.get(sent.key)?.index ?? -1)) highest.set(sent.key, { index, call })
  }
}
