import type { Value } from '../../operations/operation.ts'
import type { Anomaly } from './anomaly.ts'
import type { KeyRead } from './calls.ts'
import type { Facts } from './facts.ts'

/** An operation polled what it sent itself: it was not committed then. */
export function findPrecommittedReads(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  for (const call of facts.calls) {
    if (call.sends.length === 0 || call.reads.length === 0) continue
    for (const { key, value } of call.sends) {
      if (!call.reads.some((read) => read.key === key && holds(facts, read, value))) continue
      const sentence = `key ${key}: an operation polled value ${value}, which it sent itself`
      found.push({ name: 'precommitted-read', key, sentence, operations: [call.invokedAt] })
    }
  }
  return found
}

function holds({ reads }: Facts, { from, to }: KeyRead, value: Value): boolean {
  for (let at = from; at < to; at++) if (reads.valueAt(at) === value) return true
  return false
}
