import type { Anomaly } from './anomaly.ts'
import type { Facts } from './facts.ts'

/** An operation polled what it sent itself: it was not committed then. */
export function findPrecommittedReads(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  for (const call of facts.calls) {
    if (call.sends.length === 0 || call.reads.size === 0) continue
    for (const { key, value } of call.sends) {
      if (!call.reads.get(key)?.some(([, polled]) => polled === value)) continue
      const sentence = `key ${key}: an operation polled value ${value}, which it sent itself`
      found.push({ name: 'precommitted-read', key, sentence, operations: [call.invokedAt] })
    }
  }
  return found
}
