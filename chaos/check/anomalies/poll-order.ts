import type { Key } from '../../operations/operation.ts'
import type { Anomaly } from './anomaly.ts'
import type { Call } from './calls.ts'
import type { Facts } from './facts.ts'

/** Where in the table of what was read. */
interface LastRead {
  readonly call: Call
  readonly last: number
}

interface NextRead {
  readonly call: Call
  readonly key: Key
  readonly first: number
}

type LastReads = Map<Key, LastRead>

/**
 * What one process polls of one key, from poll to poll: `poll-skip` when the next begins further than one index behind the end of the last,
 * `nonmonotonic-poll` when it begins at it or before. An assignment (ok or unknown) forgets the keys that it drops, and all of them when it
 * seeks to the beginning. Only ok polls move on what is compared with.
 */
export function findPollOrder(facts: Facts): Anomaly[] {
  const found: Anomaly[] = []
  const lastReads = new Map<number, LastReads>()
  for (const call of facts.calls) {
    const last = lastReads.get(call.process) ?? new Map<Key, LastRead>()
    lastReads.set(call.process, last)
    if (call.f === 'assign' || call.f === 'subscribe') {
      if (call.outcome !== 'fail') forget(last, call)
      continue
    }
    for (const { key, from, to } of call.reads) {
      if (from === to) continue
      const before = last.get(key)
      const anomaly = before === undefined ? undefined : judgePair(facts, before, { call, key, first: from })
      if (anomaly !== undefined) found.push(anomaly)
      if (call.outcome === 'ok') last.set(key, { call, last: to - 1 })
    }
  }
  return found
}

function forget(last: LastReads, assign: Call): void {
  for (const key of last.keys()) if (assign.seeksToBeginning || !assign.keys.includes(key)) last.delete(key)
}

function judgePair(facts: Facts, before: LastRead, { call, key, first }: NextRead): Anomaly | undefined {
  const log = facts.log(key)
  const from = facts.indexOfRead(log, before.last)
  const to = facts.indexOfRead(log, first)
  if (to - from === 1) return undefined
  const what = `key ${key}: process ${call.process} polled offset ${facts.reads.offsetAt(before.last)}, then ${facts.reads.offsetAt(first)}`
  const sentence = to - from < 1 ? what : `${what}, and so never ${log.describeBetween(from, to)}`
  return { name: to - from < 1 ? 'nonmonotonic-poll' : 'poll-skip', key, process: call.process, sentence, operations: [before.call.invokedAt, call.invokedAt] }
}
