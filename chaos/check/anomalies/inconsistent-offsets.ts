import type { Anomaly } from './anomaly.ts'
import type { Facts } from './facts.ts'

/** An offset of a key at which two values or more were seen: two copies of the log have parted. */
export function findInconsistentOffsets(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  for (const log of facts.logs) {
    for (let index = 0; index < log.offsets.length; index++) {
      const values = log.valuesAt(index)
      if (values.length < 2) continue
      const operations = values.flatMap((value) => log.writerOf(value)?.invokedAt ?? log.readersOf(value).map(({ invokedAt }) => invokedAt))
      found.push({
        name: 'inconsistent-offsets',
        key: log.key,
        sentence: `key ${log.key}: offset ${log.offsets.at(index)} holds the values ${values.join(', ')}`,
        operations,
      })
    }
  }
  return found
}
