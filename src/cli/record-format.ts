import type { ConsumedRecord } from '../client/consumer.ts'
import { parseFormat } from './format-text.ts'

/** What `consume --format` knows: kcat's letters, and rpk's where kcat has none. Lengths are in bytes; of null it is -1. */
export const outputTokens = {
  t: 'topic',
  p: 'partition',
  o: 'offset',
  k: 'key',
  K: 'its length',
  v: 'value',
  s: 'value',
  S: 'its length',
  V: 'its length',
  h: 'headers',
  H: 'their number',
  T: 'timestamp in ms',
  D: 'timestamp as ISO 8601',
  e: 'leader epoch',
  i: 'number of the record in this output, from 1',
} as const

type Token = keyof typeof outputTokens

/** Writes one record; bytes stay bytes. `number`: from 1. */
export type RecordFormatter = (record: ConsumedRecord, number: number, write: (part: string | Buffer) => void) => void

const NOTHING = ''

function fieldOf(record: ConsumedRecord, number: number, token: Token): string | Buffer {
  switch (token) {
    case 't':
      return record.topic
    case 'p':
      return String(record.partition)
    case 'o':
      return String(record.offset)
    case 'k':
      return record.key ?? NOTHING
    case 'K':
      return String(record.key?.length ?? -1)
    case 'v':
    case 's':
      return record.value ?? NOTHING
    case 'V':
    case 'S':
      return String(record.value?.length ?? -1)
    case 'h':
      return record.headers.map(({ key, value }) => `${key}=${value ?? 'NULL'}`).join(',')
    case 'H':
      return String(record.headers.length)
    case 'T':
      return String(record.timestamp)
    case 'D':
      return isoOf(record.timestamp)
    case 'e':
      return String(record.leaderEpoch)
    case 'i':
      return String(number)
  }
}

/** A timestamp is whatever its producer said: not every one is a date. */
function isoOf(timestampMs: number): string {
  const date = new Date(timestampMs)
  return Number.isNaN(date.getTime()) ? String(timestampMs) : date.toISOString()
}

/** Nothing is added: a format that wants lines ends in `\n`. Throws UsageError. */
export function compileOutputFormat(text: string): RecordFormatter {
  const parts = parseFormat(text, outputTokens)
  return (record, number, write) => {
    for (const part of parts) write(part.type === 'text' ? part.bytes : fieldOf(record, number, part.token as Token))
  }
}
