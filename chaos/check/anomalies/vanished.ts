import type { Anomaly } from './anomaly.ts'
import type { Facts } from './facts.ts'
import type { KeyLog } from './key-log.ts'
import type { LastReaders } from './last-readers.ts'

/**
 * What a client polled once, and who goes to the beginning does not find any more: it lay before the first thing that such a process polled, or behind
 * all that any of those polled who read everything in the end, until nothing came any more. Nothing of a history is deleted. What nobody ever polled is lost-write or unseen.
 */
export function findVanished(facts: Facts, lastReaders: LastReaders): Anomaly[] {
  const found: Anomaly[] = []
  for (const { key, index, call } of lastReaders.firstReads) {
    const log = facts.log(key)
    const before = readBetween(log, 0, index)
    if (before.length === 0) continue
    const what = `process ${call.process} went to the beginning and polled offset ${log.offsets.at(index)} first`
    found.push({ name: 'vanished', key, sentence: `key ${key}: ${what}; ${describe(log, before)}`, operations: [call.invokedAt, ...readersOf(log, before)] })
  }
  for (const log of facts.logs) {
    const end = lastReaders.endOf(log.key)
    const behind = end === undefined ? [] : readBetween(log, end + 1, log.offsets.length)
    if (end === undefined || behind.length === 0) continue
    const where = end === -1 ? 'that' : `offset ${log.offsets.at(end)}`
    const sentence = `key ${log.key}: nobody who went to the beginning in the end came further than ${where}; ${describe(log, behind)}`
    found.push({ name: 'vanished', key: log.key, sentence, operations: readersOf(log, behind) })
  }
  return found
}

/** Indexes, from the first inclusive to the last exclusive, of which an ok poll returned what lies there. */
function readBetween(log: KeyLog, from: number, to: number): number[] {
  const indexes: number[] = []
  for (let index = from; index < to; index++) {
    const value = log.valueAt(index)
    // A value that is there twice may have been polled at the other place.
    if (log.isRead(value) && log.firstIndexOf(value) === index) indexes.push(index)
  }
  return indexes
}

function readersOf(log: KeyLog, indexes: readonly number[]): number[] {
  return [...new Set(indexes.flatMap((index) => log.readersOf(log.valueAt(index)).map(({ invokedAt }) => invokedAt)))]
}

function describe(log: KeyLog, indexes: readonly number[]): string {
  const [first] = indexes as readonly [number, ...number[]]
  return `${indexes.length} that had been polled ${indexes.length === 1 ? 'was' : 'were'} not there any more, such as ${log.valueAt(first)} at ${log.offsets.at(first)}`
}
