import type { Key } from '../../operations/operation.ts'
import type { Anomaly } from './anomaly.ts'
import type { Call } from './calls.ts'
import type { Facts } from './facts.ts'
import type { KeyLog } from './key-log.ts'

/**
 * What one process polls of one key, from poll to poll: `poll-skip` when the next begins further than one index behind the end of the last,
 * `nonmonotonic-poll` when it begins at it or before. An assignment (ok or unknown) forgets the keys that it drops, and all of them when it
 * seeks to the beginning. Only ok polls move on what is compared with.
 */
export function findPollOrder(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  const lastReads = new Map<number, Map<Key, Call>>()
  for (const call of facts.calls) {
    const last = lastReads.get(call.process) ?? new Map<Key, Call>()
    lastReads.set(call.process, last)
    if (call.f === 'assign' || call.f === 'subscribe') {
      if (call.outcome !== 'fail') forget(last, call)
      continue
    }
    for (const [key, pairs] of call.reads) {
      if (pairs.length === 0) continue
      const before = last.get(key)
      const anomaly = before === undefined ? undefined : judgePair(facts.log(key), before, call)
      if (anomaly !== undefined) found.push(anomaly)
      if (call.outcome === 'ok') last.set(key, call)
    }
  }
  return found
}

function forget(last: Map<Key, Call>, assign: Call): void {
  for (const key of last.keys()) if (assign.seeksToBeginning || !assign.keys.includes(key)) last.delete(key)
}

function judgePair(log: KeyLog, before: Call, call: Call): Anomaly | undefined {
  const last = before.reads.get(log.key)?.at(-1)
  const first = call.reads.get(log.key)?.[0]
  if (last === undefined || first === undefined) return undefined
  const [fromOffset, fromValue] = last
  const [toOffset, toValue] = first
  const from = log.indexOf(fromOffset, fromValue) as number
  const to = log.indexOf(toOffset, toValue) as number
  if (to - from === 1) return undefined
  const what = `key ${log.key}: process ${call.process} polled offset ${fromOffset}, then ${toOffset}`
  const sentence = to - from < 1 ? what : `${what}, and so never ${log.describeBetween(from, to)}`
  return { name: to - from < 1 ? 'nonmonotonic-poll' : 'poll-skip', key: log.key, sentence, operations: [before.invokedAt, call.invokedAt] }
}
