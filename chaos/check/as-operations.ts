import type { History, HistoryEvent } from '../history.ts'
import type { Key, Operation } from '../operations/operation.ts'
import type { ReadRecord } from './delivery.ts'
import { partitionKey } from './observed.ts'

/** The processes of readers begin here: sends have lower numbers. */
const FIRST_READER = 2 ** 40
/** What nobody sent there becomes a number beyond all sends. */
const NEVER_SENT = 2 ** 40

/**
 * A simulated run in the schema that live ones are judged by: what was read in the end counts as one more consumer. A producer does not wait for
 * one send before it begins the next, so each send is a process of its own; each record that is read is a poll of its own.
 */
export function* asOperations(
  history: History,
  records: readonly ReadRecord[],
  isLeftOut: (topicId: string, partition: number) => boolean,
): Generator<Operation, void, undefined> {
  const numbers = new Numbers(history)
  let index = 0
  const noted = (one: Omit<Operation, 'index' | 'time'>, atMs: number): Operation => ({ index: index++, time: atMs * 1e6, ...one })
  for (const event of history.events) {
    if (event.type === 'admin') continue
    const place = event.type === 'send' || event.type === 'read' ? event : history.sends.get(event.sendId)
    if (place === undefined || isLeftOut(place.topicId, place.partition)) continue
    const key = numbers.keyOf(place)
    if (event.type === 'read') {
      for (const one of pollOf(numbers, event.consumer, event)) yield noted(one, event.atMs)
    } else yield noted(sendOf(event, key), event.atMs)
  }
  for (const record of records) {
    if (!isLeftOut(record.topicId, record.partition)) for (const one of pollOf(numbers, 'in the end', record)) yield noted(one, 0)
  }
}

type Noted = Omit<Operation, 'index' | 'time'>

function sendOf(event: Exclude<HistoryEvent, { readonly type: 'read' | 'admin' }>, key: Key): Noted {
  const { sendId } = event
  const call = { process: sendId, f: 'send' } as const
  if (event.type === 'ok') return { ...call, type: 'ok', value: [['send', key, [event.offset < 0 ? null : event.offset, sendId]]] }
  return { ...call, type: event.type === 'send' ? 'invoke' : event.type, value: [['send', key, sendId]] }
}

/** It began at any time before, which says less: a call that is over when it begins is over when it ends. */
function pollOf(numbers: Numbers, consumer: string, record: ReadRecord): readonly [Noted, Noted] {
  const call = { process: numbers.processOf(consumer), f: 'poll' } as const
  const polled = { [numbers.keyOf(record)]: [[record.offset, numbers.valueOf(record)] as const] }
  return [
    { ...call, type: 'invoke', value: [['poll']] },
    { ...call, type: 'ok', value: [['poll', polled]] },
  ]
}

/** Numbers of partitions, consumers and values. */
class Numbers {
  readonly #keys = new Map<string, Key>()
  readonly #consumers = new Map<string, number>()
  readonly #sendIds = new Map<string, number>()
  #neverSent = NEVER_SENT

  constructor(history: History) {
    for (const { sendId, topicId, partition, value } of history.sends.values()) this.#sendIds.set(`${partitionKey(topicId, partition)} ${value}`, sendId)
  }

  keyOf({ topicId, partition }: { readonly topicId: string; readonly partition: number }): Key {
    return numberIn(this.#keys, partitionKey(topicId, partition))
  }

  processOf(consumer: string): number {
    return FIRST_READER + numberIn(this.#consumers, consumer)
  }

  valueOf({ topicId, partition, value }: ReadRecord): number {
    const name = `${partitionKey(topicId, partition)} ${value}`
    const known = this.#sendIds.get(name) ?? this.#neverSent++
    this.#sendIds.set(name, known)
    return known
  }
}

function numberIn(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name) ?? numbers.size
  numbers.set(name, known)
  return known
}
