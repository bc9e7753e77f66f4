import type { Anomaly } from './anomaly.ts'
import type { Facts } from './facts.ts'

/** G1a: an ok poll returned what a send wrote that definitely did not happen. */
export function findAbortedReads(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  for (const log of facts.logs) {
    for (const value of log.values()) {
      const writer = log.writerOf(value)
      if (writer?.outcome !== 'fail' || !log.isRead(value)) continue
      const sentence = `key ${log.key}: value ${value} was polled, and its send had failed for sure`
      found.push({ name: 'G1a', key: log.key, sentence, operations: [writer.invokedAt, ...log.readersOf(value).map(({ invokedAt }) => invokedAt)] })
    }
  }
  return found
}
