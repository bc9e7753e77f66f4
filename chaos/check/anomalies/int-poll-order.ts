import type { Anomaly } from './anomaly.ts'
import type { Facts } from './facts.ts'

/**
 * The same within one operation, whatever became of it: `int-poll-skip` and `int-nonmonotonic-poll` between neighbours of one key, but for
 * keys that were assigned anew meanwhile.
 */
export function findIntPollOrder(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  for (const call of facts.calls) {
    for (const [key, pairs] of call.reads) {
      if (pairs.length < 2 || call.rebalanced.includes(key)) continue
      const log = facts.log(key)
      let fromOffset = -1
      let from = -1
      for (const [offset, value] of pairs) {
        const to = log.indexOf(offset, value) as number
        if (from !== -1 && to - from !== 1) {
          const what = `key ${key}: one operation polled offset ${fromOffset}, then ${offset}`
          const sentence = to - from < 1 ? what : `${what}, and so not ${log.describeBetween(from, to)}`
          found.push({ name: to - from < 1 ? 'int-nonmonotonic-poll' : 'int-poll-skip', key, sentence, operations: [call.invokedAt] })
        }
        fromOffset = offset
        from = to
      }
    }
  }
  return found
}
