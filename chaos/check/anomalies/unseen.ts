import type { Value } from '../../operations/operation.ts'
import type { Anomaly } from './anomaly.ts'
import type { Facts } from './facts.ts'

const SHOWN = 10

/** Values of ok sends that no ok poll returned, at the end: lost, or stuck for ever. Needs a last phase in which all is polled. */
export function findUnseen(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  for (const log of facts.logs) {
    const values: Value[] = []
    const operations: number[] = []
    for (const value of log.values()) {
      const writer = log.writerOf(value)
      if (writer?.outcome !== 'ok' || log.isRead(value)) continue
      values.push(value)
      operations.push(writer.invokedAt)
    }
    if (values.length === 0) continue
    const shown = values.slice(0, SHOWN).join(', ') + (values.length > SHOWN ? ', …' : '')
    found.push({ name: 'unseen', key: log.key, sentence: `key ${log.key}: ${values.length} acknowledged and never polled: ${shown}`, operations })
  }
  return found
}
