import type { Key } from '../../operations/operation.ts'
import type { Anomaly } from './anomaly.ts'
import type { Call } from './calls.ts'
import type { Facts } from './facts.ts'

interface LastSend {
  readonly call: Call
  readonly index: number | undefined
}

/** `nonmonotonic-send`: what a process sends to a key later (ok or unknown) begins at or before the end of what it sent there last. */
export function findSendOrder(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  const lastSends = new Map<number, Map<Key, LastSend>>()
  for (const call of facts.calls) {
    if (call.sends.length === 0 || call.outcome === 'fail') continue
    const last = lastSends.get(call.process) ?? new Map<Key, LastSend>()
    lastSends.set(call.process, last)
    const seen = new Set<Key>()
    for (const sent of call.sends) {
      const index = facts.indexOf(sent)
      const before = last.get(sent.key)
      if (!seen.has(sent.key) && before?.index !== undefined && index !== undefined && index <= before.index) {
        const offsets = facts.log(sent.key).offsets
        const sentence = `key ${sent.key}: process ${call.process} sent to offset ${offsets.at(before.index)}, then to offset ${offsets.at(index)}`
        found.push({ name: 'nonmonotonic-send', key: sent.key, sentence, operations: [before.call.invokedAt, call.invokedAt] })
      }
      seen.add(sent.key)
      last.set(sent.key, { call, index })
    }
  }
  return found
}
