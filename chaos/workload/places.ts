import type { Key, Value } from '../operations/operation.ts'

/** Two keys a topic. */
export const PARTITIONS_PER_TOPIC = 2

export interface Place {
  readonly topic: string
  readonly partition: number
}

/** Where the records of a key are. */
export interface Places {
  placeOf(key: Key): Place
  keyOf(place: Place): Key
}

/** Those of jepsen.tests.kafka, with something before the names of topics: `t` + floor(key / 2), partition key mod 2. */
export function numberedPlaces(topicPrefix = ''): Places {
  const prefix = `${topicPrefix}t`
  return {
    placeOf: (key) => ({ topic: `${prefix}${Math.floor(key / PARTITIONS_PER_TOPIC)}`, partition: key % PARTITIONS_PER_TOPIC }),
    keyOf: ({ topic, partition }) => Number(topic.slice(prefix.length)) * PARTITIONS_PER_TOPIC + partition,
  }
}

/** What a record holds: key and value, so that one that is found elsewhere is known for what it is. */
export function recordOf(key: Key, value: Value): string {
  return `${key}/${value}`
}

/** What cannot have been sent to this key becomes a number beyond all that are. */
const NEVER_SENT = 2 ** 40

export function valueIn(key: Key, record: Buffer | null): Value {
  const text = record === null ? '' : record.toString('latin1')
  const [, ofKey, value] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  return Number(ofKey) === key && Number(value) < NEVER_SENT ? Number(value) : NEVER_SENT + checksum(text)
}

function checksum(text: string): number {
  let sum = 0
  for (let at = 0; at < text.length; at++) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) >>> 0
  return sum
}
