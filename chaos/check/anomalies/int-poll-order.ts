import type { Anomaly } from './anomaly.ts'
import type { Call, KeyRead } from './calls.ts'
import type { Facts } from './facts.ts'

/**
 * The same within one operation, whatever became of it: `int-poll-skip` and `int-nonmonotonic-poll` between neighbours of one key, but for
 * keys that were assigned anew meanwhile.
 */
export function findIntPollOrder(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  for (const call of facts.calls) {
    for (const read of call.reads) if (read.to - read.from > 1 && !call.rebalanced.includes(read.key)) found.push(...judgeRead(facts, call, read))
  }
  return found
}

function judgeRead(facts: Facts, { invokedAt }: Call, { key, from: first, to: end }: KeyRead): Anomaly[] {
  const found: Anomaly[] = []
  const log = facts.log(key)
  let from = facts.indexOfRead(log, first)
  for (let at = first + 1; at < end; at++) {
    const to = facts.indexOfRead(log, at)
    if (to - from !== 1) {
      const what = `key ${key}: one operation polled offset ${facts.reads.offsetAt(at - 1)}, then ${facts.reads.offsetAt(at)}`
      const sentence = to - from < 1 ? what : `${what}, and so not ${log.describeBetween(from, to)}`
      found.push({ name: to - from < 1 ? 'int-nonmonotonic-poll' : 'int-poll-skip', key, sentence, operations: [invokedAt] })
    }
    from = to
  }
  return found
}
