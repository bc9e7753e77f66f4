import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { fetchRecordsRequestCodec, fetchRecordsResponseCodec, produceRecordsRequestCodec, produceRecordsResponseCodec } from '../../src/wire/plain-codec.ts'
import { type Codec, decode, encode } from '../../src/wire/proto-message.ts'
import { MAX_CLIENT_ELEMENTS } from '../../src/wire/services.ts'
import { bytes, MAX } from './samples.ts'

const folder = fileURLToPath(new URL('../../proto', import.meta.url))
const root = new protobuf.Root()
root.resolvePath = (_origin, target) => `${folder}/${target}`
root.loadSync('oxbow/v1/broker.proto')

const empty = Buffer.alloc(0)
const headers = [
  { key: 'trace', value: Buffer.from('1') },
  { key: 'nothing', value: null },
  { key: 'ünïcode', value: empty },
]

interface Sample {
  readonly type: string
  readonly codec: Codec<never>
  readonly value: object
}

function sample<T extends object>(type: string, codec: Codec<T>, value: T): Sample {
  return { type, codec: codec as unknown as Codec<never>, value }
}

const samples: readonly Sample[] = [
  sample('ProduceRecordsRequest', produceRecordsRequestCodec, {
    topic: 'orders',
    partition: -1,
    acks: 0,
    timeoutMs: 5_000,
    records: [
      { key: null, value: null, headers: [], timestamp: null },
      { key: empty, value: empty, headers, timestamp: 0 },
      { key: bytes(4_096), value: bytes(4_097), headers: [], timestamp: 1_700_000_000_000 },
    ],
    idempotence: { producerId: MAX, producerEpoch: 3, baseSequence: 2_147_483_647 },
  }),
  sample('ProduceRecordsRequest', produceRecordsRequestCodec, { topic: '', partition: null, acks: null, timeoutMs: 0, records: [], idempotence: null }),
  sample('ProduceRecordsResponse', produceRecordsResponseCodec, { partition: 3, baseOffset: -1 }),
  sample('FetchRecordsRequest', fetchRecordsRequestCodec, {
    topic: 'orders',
    partition: 2,
    offset: -2,
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 70_000,
    maxRecords: 9,
  }),
  sample('FetchRecordsResponse', fetchRecordsResponseCodec, {
    records: [
      { offset: 2 ** 40, timestamp: -1, key: null, value: bytes(9_000), headers, leaderEpoch: -1 },
      { offset: 1, timestamp: 5, key: empty, value: null, headers: [], leaderEpoch: 7 },
    ],
    highWatermark: MAX,
    logStartOffset: 0,
    nextOffset: 2,
  }),
]

/** What protobufjs should see: null is absent, all else is there under its own name. */
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).flatMap(([key, field]) => (field === null ? [] : [[key, plain(field)]])))
}

describe('ProduceRecords and FetchRecords against broker.proto', () => {
  it.each(samples)('$type: ours reads back what ours wrote', ({ codec, value }) => {
    expect(decode(codec, encode(codec, value as never).toBuffer())).toEqual(value)
  })

  it.each(samples)('$type: protobufjs reads what ours wrote, and null is not empty', ({ type, codec, value }) => {
    const message = root.lookupType(`oxbow.v1.${type}`)
    const read = message.decode(encode(codec, value as never).toBuffer())
    // Names that are not set stay out, except what proto3 cannot tell from its default.
    const theirs = message.toObject(read, { longs: Number, bytes: String, defaults: false, arrays: true })
    const ours = message.toObject(message.fromObject(plain(value) as object), { longs: Number, bytes: String, defaults: false, arrays: true })
    expect(withoutDefaults(theirs)).toEqual(withoutDefaults(ours))
  })

  it.each(samples)('$type: ours reads what protobufjs wrote', ({ type, codec, value }) => {
    const message = root.lookupType(`oxbow.v1.${type}`)
    const theirs = message.encode(message.fromObject(plain(value) as object)).finish()
    expect(decode(codec, Buffer.from(theirs))).toEqual(value)
  })

  it('a program that sets nothing asks for a partition by key, acks of all, and null keys', () => {
    const message = root.lookupType('oxbow.v1.ProduceRecordsRequest')
    const theirs = Buffer.from(message.encode(message.fromObject({ topic: 't', records: [{}] })).finish())
    expect(decode(produceRecordsRequestCodec, theirs)).toEqual({
      topic: 't',
      partition: null,
      acks: null,
      timeoutMs: 0,
      records: [{ key: null, value: null, headers: [], timestamp: null }],
      idempotence: null,
    })
  })
})

/** proto3 sends no zero of a field that is not optional; records are left as they are. */
function withoutDefaults(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([key, field]) => key === 'records' || !(field === 0 || field === '')))
}

describe('bytes from outside', () => {
  const requests = samples.filter(({ type }) => type.endsWith('Request'))

  it.each(requests)('$type: one changed byte, or a cut, is read or refused with INVALID_REQUEST', ({ codec, value }) => {
    const whole = encode(codec, value as never).toBuffer()
    const random = new SeededRandom(3)
    let refused = 0
    for (let round = 0; round < 2_000; round++) {
      const changed = Buffer.from(whole.subarray(0, round % 2 === 0 ? whole.length : random.integer(whole.length + 1)))
      if (changed.length > 0) changed[random.integer(changed.length)] = random.integer(256)
      try {
        decode(codec, changed, MAX_CLIENT_ELEMENTS)
      } catch (error) {
        if (!(error instanceof BrokerError) || error.code !== 'INVALID_REQUEST') throw error
        refused += 1
      }
    }
    if (whole.length > 0) expect(refused).toBeGreaterThan(0)
  })

  it('millions of empty records are refused before they become objects', () => {
    const flood = Buffer.alloc(2 * (MAX_CLIENT_ELEMENTS + 1))
    for (let at = 0; at < flood.length; at += 2) flood[at] = 0x2a // records, length 0
    expect(() => decode(produceRecordsRequestCodec, flood, MAX_CLIENT_ELEMENTS)).toThrow('too many elements')
  })
})
