import type { Key, Value } from '../../operations/operation.ts'
import type { Anomaly } from './anomaly.ts'
import type { Facts } from './facts.ts'

/** G1a: an ok poll returned what a send wrote that definitely did not happen; that of a node's own copy, when all is quiet, counts too. */
export function findAbortedReads(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  const onDisk = failedOnDisk(facts)
  for (const log of facts.logs) {
    for (const value of log.values()) {
      const writer = log.writerOf(value)
      if (writer?.outcome !== 'fail' || !(log.isRead(value) || onDisk.get(log.key)?.has(value) === true)) continue
      const sentence = `key ${log.key}: value ${value} was ${log.isRead(value) ? 'polled' : 'found on the disk of a node'}, and its send had failed for sure`
      found.push({ name: 'G1a', key: log.key, sentence, operations: [writer.invokedAt, ...log.readersOf(value).map(({ invokedAt }) => invokedAt)] })
    }
  }
  return found
}

function failedOnDisk(facts: Facts): ReadonlyMap<Key, ReadonlySet<Value>> {
  const byKey = new Map<Key, Set<Value>>()
  for (const { node, outcome, reads } of facts.calls) {
    if (node === undefined || outcome !== 'ok') continue
    for (const { key, from, to } of reads) {
      const values = byKey.get(key) ?? new Set<Value>()
      byKey.set(key, values)
      const log = facts.log(key)
      for (let at = from; at < to; at++) {
        const value = facts.reads.valueAt(at)
        if (log.writerOf(value)?.outcome === 'fail') values.add(value)
      }
    }
  }
  return byKey
}
