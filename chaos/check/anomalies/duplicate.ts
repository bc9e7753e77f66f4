import type { Anomaly } from './anomaly.ts'
import type { Facts } from './facts.ts'

/** A value at more than one offset of its key: values are sent once, and retries of the client must not be seen. */
export function findDuplicates(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  for (const log of facts.logs) {
    for (const value of log.values()) {
      const writer = log.writerOf(value)
      const first = log.firstIndexOf(value)
      const last = log.lastIndexOf(value)
      if (first === undefined || last === undefined || first === last) continue
      const sentence = `key ${log.key}: value ${value} is at offset ${log.offsets.at(first)} and at offset ${log.offsets.at(last)}`
      const operations = writer === undefined ? log.readersOf(value).map(({ invokedAt }) => invokedAt) : [writer.invokedAt]
      found.push({ name: 'duplicate', key: log.key, sentence, operations })
    }
  }
  return found
}
