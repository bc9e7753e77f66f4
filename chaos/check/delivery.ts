import type { History, HistoryEvent, Send } from '../history.ts'
import { partitionKey } from './observed.ts'
import { demand, Violation } from './violation.ts'

/** A record as the last read of a run found it. */
export interface ReadRecord {
  readonly topicId: string
  readonly partition: number
  readonly offset: number
  readonly value: string
}

/** The greatest log start that a leader of the partition ever decided: what lies below may be gone. */
export type StartOffsetOf = (topicId: string, partition: number) => number

/** Whether records of the partition may be gone, acknowledged or not, by an unclean election. */
export type HasGivenUp = (topicId: string, partition: number) => boolean

/**
 * At the end of a run, everything read back from the start: every acknowledged record once, at its offset, unchanged, unless a leader let it go;
 * nothing that was not sent or was definitely refused; nothing twice; each producer's records in the order of its sends, in each partition; and
 * what consumers saw on the way is what lies there, or lay there before it went, without a gap (Jepsen: lost-write, unseen, duplicate, G1a,
 * inconsistent-offsets, poll-skip).
 */
export function checkDelivery(
  history: History,
  records: readonly ReadRecord[],
  startOffset: StartOffsetOf = () => 0,
  hasGivenUp: HasGivenUp = () => false,
): void {
  const sends = new ByPartition(() => new Map<string, Send>())
  for (const send of history.sends.values()) sends.of(send).set(send.value, send)
  const found = new Map<number, ReadRecord>()
  /** By producer. */
  const lastSendIds = new ByPartition(() => new Map<string, number>())
  const lastOffset = new Map<string, number>()
  for (const record of records) {
    const key = partitionKey(record.topicId, record.partition)
    const send = sends.of(record).get(record.value)
    demand(record.offset > (lastOffset.get(key) ?? -1), 'order', () => `${key}: offset ${record.offset} was read after ${lastOffset.get(key)}`)
    lastOffset.set(key, record.offset)
    if (send === undefined) throw new Violation('delivery', `${key} offset ${record.offset} holds "${record.value.slice(0, 60)}", which was never sent there`)
    const before = found.get(send.sendId)
    demand(before === undefined, 'delivery', () => `${key}: send ${send.sendId} is there twice, at ${before?.offset} and ${record.offset}`)
    demand(send.outcome !== 'fail', 'delivery', () => `${key} offset ${record.offset}: send ${send.sendId} was refused for sure, and is there`)
    found.set(send.sendId, record)
    const lastSendId = lastSendIds.of(record)
    demand(
      send.sendId > (lastSendId.get(send.producer) ?? -1),
      'order',
      () => `${key} offset ${record.offset}: send ${send.sendId} of ${send.producer} lies behind send ${lastSendId.get(send.producer)}`,
    )
    lastSendId.set(send.producer, send.sendId)
  }
  for (const send of history.sends.values()) {
    const record = found.get(send.sendId)
    // Of what was given up, an attempt of before that was never acknowledged may be left, elsewhere.
    if (send.outcome !== 'ok' || hasGivenUp(send.topicId, send.partition)) continue
    if (record !== undefined || send.offset >= startOffset(send.topicId, send.partition)) checkAcknowledgedSend(send, record)
  }
  const reads = history.events.filter((event) => event.type === 'read' && !hasGivenUp(event.topicId, event.partition))
  checkReads(reads, records, startOffset)
}

/** Something for each partition. */
class ByPartition<T> {
  readonly #make: () => T
  readonly #topics = new Map<string, T[]>()

  constructor(make: () => T) {
    this.#make = make
  }

  of({ topicId, partition }: { readonly topicId: string; readonly partition: number }): T {
    let partitions = this.#topics.get(topicId)
    if (partitions === undefined) this.#topics.set(topicId, (partitions = []))
    return (partitions[partition] ??= this.#make())
  }
}

function checkAcknowledgedSend(send: Send, record: ReadRecord | undefined): void {
  const key = partitionKey(send.topicId, send.partition)
  demand(record !== undefined, 'delivery', () => `${key}: send ${send.sendId} of ${send.producer} was acknowledged at offset ${send.offset} and is not there`)
  demand(
    record?.offset === send.offset,
    'delivery',
    () => `${key}: send ${send.sendId} was acknowledged at offset ${send.offset} and lies at ${record?.offset}`,
  )
}

interface Seen {
  readonly values: Map<number, string>
  /** What lies at each offset came from there alone. */
  readonly offsets: Map<string, number>
}

/** What consumers read while the faults went on: equal to the end state and to what other consumers read, each from where it stopped. */
function checkReads(events: readonly HistoryEvent[], records: readonly ReadRecord[], startOffset: StartOffsetOf): void {
  const seen = new ByPartition<Seen>(() => ({ values: new Map(), offsets: new Map() }))
  for (const record of records) noteSeen(seen.of(record), record)
  for (const event of events) if (event.type === 'read') checkRead(seen.of(event), event, startOffset(event.topicId, event.partition))
  const offsets = new ByPartition<{ sorted?: readonly number[] }>(() => ({}))
  const positions = new ByPartition(() => new Map<string, number>())
  for (const event of events) {
    if (event.type !== 'read') continue
    const position = positions.of(event)
    const from = position.get(event.consumer) ?? -1
    const kept = Math.max(from, startOffset(event.topicId, event.partition) - 1)
    const held = offsets.of(event)
    const known = (held.sorted ??= [...seen.of(event).values.keys()].sort((left, right) => left - right))
    const expected = known[firstAbove(known, from)]
    // It may go on behind what went, not behind what is kept. When it went is not known here: among that, gaps say nothing. Nor does it when it goes back there:
    // whoever was told that its place is gone begins at the start of the leader that it asks then, and one that came after may have let go of less.
    const wasGone = from + 1 < startOffset(event.topicId, event.partition)
    const isNext = expected === event.offset || ((event.offset > from || wasGone) && (known[firstAbove(known, kept)] ?? event.offset) >= event.offset)
    demand(
      isNext,
      'order',
      () => `${partitionKey(event.topicId, event.partition)}: ${event.consumer} read offset ${event.offset} after ${from}, ${expected} comes next`,
    )
    position.set(event.consumer, event.offset)
  }
}

/** What went after it was read can be compared with what others read of it. */
function checkRead(seen: Seen, read: ReadRecord & { readonly consumer: string }, startOffset: number): void {
  const where = (): string => partitionKey(read.topicId, read.partition)
  const value = seen.values.get(read.offset) ?? (read.offset < startOffset ? read.value : undefined)
  demand(
    value === read.value,
    'delivery',
    () => `${where()} offset ${read.offset}: ${read.consumer} read "${read.value.slice(0, 60)}", in the end it is "${value?.slice(0, 60)}"`,
  )
  const offset = seen.offsets.get(read.value) ?? read.offset
  demand(offset === read.offset, 'delivery', () => `${where()}: "${read.value.slice(0, 60)}" was read at ${offset} and at ${read.offset}`)
  noteSeen(seen, read)
}

function noteSeen({ values, offsets }: Seen, { offset, value }: ReadRecord): void {
  values.set(offset, value)
  offsets.set(value, offset)
}

/** Index of the first that is above `offset`, of a sorted list. */
function firstAbove(offsets: readonly number[], offset: number): number {
  let low = 0
  let high = offsets.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((offsets[middle] as number) <= offset) low = middle + 1
    else high = middle
  }
  return low
}
