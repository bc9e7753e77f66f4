import type { History, Send } from '../history.ts'
import { partitionKey } from './observed.ts'
import { demand, Violation } from './violation.ts'

/** A record as the last read of a run found it. */
export interface ReadRecord {
  readonly topicId: string
  readonly partition: number
  readonly offset: number
  readonly value: string
}

/**
 * At the end of a run, everything read back from the start: every acknowledged record once, at its offset, unchanged; nothing that was
 * not sent or was definitely refused; nothing twice; each producer's records in the order of its sends, in each partition; and what
 * consumers saw on the way is what lies there, without a gap (Jepsen: lost-write, unseen, duplicate, G1a, inconsistent-offsets, poll-skip).
 */
export function checkDelivery(history: History, records: readonly ReadRecord[]): void {
  const sendsByValue = new Map<string, Send>()
  for (const send of history.sends.values()) sendsByValue.set(`${partitionKey(send.topicId, send.partition)} ${send.value}`, send)
  const found = new Map<number, ReadRecord>()
  const lastSendId = new Map<string, number>()
  const lastOffset = new Map<string, number>()
  for (const record of records) {
    const key = partitionKey(record.topicId, record.partition)
    const send = sendsByValue.get(`${key} ${record.value}`)
    demand(record.offset > (lastOffset.get(key) ?? -1), 'order', () => `${key}: offset ${record.offset} was read after ${lastOffset.get(key)}`)
    lastOffset.set(key, record.offset)
    if (send === undefined) throw new Violation('delivery', `${key} offset ${record.offset} holds "${record.value.slice(0, 60)}", which was never sent there`)
    const before = found.get(send.sendId)
    demand(before === undefined, 'delivery', () => `${key}: send ${send.sendId} is there twice, at ${before?.offset} and ${record.offset}`)
    demand(send.outcome !== 'fail', 'delivery', () => `${key} offset ${record.offset}: send ${send.sendId} was refused for sure, and is there`)
    found.set(send.sendId, record)
    const stream = `${send.producer} ${key}`
    demand(
      send.sendId > (lastSendId.get(stream) ?? -1),
      'order',
      () => `${key} offset ${record.offset}: send ${send.sendId} of ${send.producer} lies behind send ${lastSendId.get(stream)}`,
    )
    lastSendId.set(stream, send.sendId)
  }
  for (const send of history.sends.values()) if (send.outcome === 'ok') checkAcknowledgedSend(send, found.get(send.sendId))
  checkReads(history, records)
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

/** What consumers read while the faults went on: equal to the end state, each from where it stopped. */
function checkReads(history: History, records: readonly ReadRecord[]): void {
  const byPartition = new Map<string, { readonly values: Map<number, string>; readonly next: Map<number, number> }>()
  const lastOffset = new Map<string, number>()
  for (const record of records) {
    const key = partitionKey(record.topicId, record.partition)
    const state = byPartition.get(key) ?? { values: new Map<number, string>(), next: new Map<number, number>() }
    byPartition.set(key, state)
    state.values.set(record.offset, record.value)
    state.next.set(lastOffset.get(key) ?? -1, record.offset)
    lastOffset.set(key, record.offset)
  }
  const position = new Map<string, number>()
  for (const event of history.events) {
    if (event.type !== 'read') continue
    const key = partitionKey(event.topicId, event.partition)
    const state = byPartition.get(key)
    const value = state?.values.get(event.offset)
    demand(
      value === event.value,
      'delivery',
      () => `${key} offset ${event.offset}: ${event.consumer} read "${event.value.slice(0, 60)}", in the end it is "${value?.slice(0, 60)}"`,
    )
    const stream = `${event.consumer} ${key}`
    const from = position.get(stream) ?? -1
    const expected = state?.next.get(from)
    demand(expected === event.offset, 'order', () => `${key}: ${event.consumer} read offset ${event.offset} after ${from}, ${expected} comes next`)
    position.set(stream, event.offset)
  }
}
