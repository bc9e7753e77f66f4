import type { Anomaly } from './anomaly.ts'
import type { Facts } from './facts.ts'

/**
 * What must have been committed, lies before something that was read, and was never read. The bound is the greatest *first* index of what was
 * read, and a value counts only if its *last* index is within: so it is sound when values are at several offsets.
 */
export function findLostWrites(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  for (const log of facts.logs) {
    let bound = -1
    for (const value of log.values()) if (log.isRead(value)) bound = Math.max(bound, log.firstIndexOf(value) ?? -1)
    for (const value of log.values()) {
      const writer = log.writerOf(value)
      const last = log.lastIndexOf(value)
      if (writer === undefined || last === undefined || last > bound || log.isRead(value) || !facts.mustHaveCommitted(writer)) continue
      const sentence = `key ${log.key}: value ${value} was acknowledged at offset ${log.offsets.at(last)} and never polled; offset ${log.offsets.at(bound)} was`
      found.push({ name: 'lost-write', key: log.key, sentence, operations: [writer.invokedAt] })
    }
  }
  return found
}
