import type { Key } from '../../operations/operation.ts'
import type { Anomaly } from './anomaly.ts'
import type { Facts } from './facts.ts'
import type { KeyLog } from './key-log.ts'

/**
 * What must have been committed, and whose offset is known, or what the whole copy of another node holds, and what the polls of one node's own copy of
 * that key did not return. To be polled last, when all is quiet, and from the start; a key that was polled there and came back empty counts. Split as nats.jepsen does: before all
 * that the node holds (prefix), behind it (postfix), or between (middle). What is behind the end of a copy that could not be read
 * further (info) nobody knows.
 */
export function findLostOnNode(facts: Facts): Anomaly[] {
  const held = new Map<number, Map<Key, Copy>>()
  for (const { node, outcome, reads } of facts.calls) {
    if (node === undefined || outcome === 'fail') continue
    const keys = held.get(node) ?? new Map<Key, Copy>()
    held.set(node, keys)
    for (const { key, from, to } of reads) {
      const copy = keys.get(key) ?? { indexes: new Set<number>(), isWhole: true }
      keys.set(key, copy)
      if (outcome === 'info') copy.isWhole = false
      const log = facts.log(key)
      for (let at = from; at < to; at++) copy.indexes.add(facts.indexOfRead(log, at))
    }
  }
  const elsewhere = heldByWhole(held)
  return [...held].flatMap(([node, keys]) =>
    [...keys].flatMap(([key, copy]) => judgeCopy({ facts, log: facts.log(key), elsewhere: elsewhere.get(key) ?? new Set() }, node, copy) ?? []),
  )
}

/** What one node has of a key. */
interface Copy {
  readonly indexes: Set<number>
  isWhole: boolean
}

interface KeyFacts {
  readonly facts: Facts
  readonly log: KeyLog
  /** What any whole copy of it holds. */
  readonly elsewhere: ReadonlySet<number>
}

function heldByWhole(held: ReadonlyMap<number, ReadonlyMap<Key, Copy>>): ReadonlyMap<Key, ReadonlySet<number>> {
  const byKey = new Map<Key, Set<number>>()
  for (const [key, { indexes, isWhole }] of [...held.values()].flatMap((keys) => [...keys])) {
    if (!isWhole) continue
    const all = byKey.get(key) ?? new Set<number>()
    byKey.set(key, all)
    for (const index of indexes) all.add(index)
  }
  return byKey
}

function judgeCopy({ facts, log, elsewhere }: KeyFacts, node: number, { indexes, isWhole }: Copy): Anomaly | undefined {
  let first = Infinity
  let last = -1
  for (const index of indexes) {
    first = Math.min(first, index)
    last = Math.max(last, index)
  }
  const lost = { prefix: 0, middle: 0, postfix: 0 }
  const operations: number[] = []
  const end = isWhole ? log.offsets.length : last
  for (let index = 0; index < end; index++) {
    const writer = log.writerOf(log.valueAt(index))
    if (indexes.has(index) || writer === undefined || !(elsewhere.has(index) || facts.mustHaveCommitted(writer))) continue
    lost[index > last ? 'postfix' : index < first ? 'prefix' : 'middle']++
    operations.push(writer.invokedAt)
  }
  if (operations.length === 0) return undefined
  const sentence = `key ${log.key}: the copy of node ${node} lacks ${lost.prefix} before, ${lost.middle} between and ${lost.postfix} behind what it holds`
  return { name: 'lost-on-node', key: log.key, sentence, operations }
}
