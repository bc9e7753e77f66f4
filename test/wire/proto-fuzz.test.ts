import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { type Random, SeededRandom } from '../../src/base/random.ts'
import { createTopicRequestCodec, deleteTopicRequestCodec } from '../../src/wire/admin-codec.ts'
import { decodeErrorDetail } from '../../src/wire/error-codec.ts'
import { decodeFetchRequest, decodeFetchResponse } from '../../src/wire/fetch-codec.ts'
import { listOffsetsRequestCodec, metadataRequestCodec } from '../../src/wire/metadata-codec.ts'
import {
  decodeFetchAnswerFrame,
  decodeFetchFrame,
  decodeHello,
  decodePeerFrame,
  encodeFetchAnswerFrame,
  encodeFetchFrame,
  encodePeerFrame,
} from '../../src/wire/peer-codec.ts'
import { decodeProduceReplies, decodeProduceRequest, encodeProduceRequest } from '../../src/wire/produce-codec.ts'
import { decode } from '../../src/wire/proto-message.ts'
import { ProtoReader } from '../../src/wire/proto-reader.ts'
import { ProtoWriter } from '../../src/wire/proto-writer.ts'
import { decodeDecision, encodeDecision } from '../../src/wire/records-codec.ts'
import { MAX_CLIENT_ELEMENTS, MAX_PEER_ELEMENTS } from '../../src/wire/services.ts'
import { bytes, hello, idA, MAX, peerMessages, records } from './samples.ts'

const decoders: Readonly<Record<string, (given: Buffer) => unknown>> = {
  produce: (given) => decodeProduceRequest(given, MAX_CLIENT_ELEMENTS),
  produceReplies: decodeProduceReplies,
  fetch: (given) => decodeFetchRequest(given, MAX_CLIENT_ELEMENTS),
  fetchResponse: decodeFetchResponse,
  peerFrame: decodePeerFrame,
  fetchFrame: decodeFetchFrame,
  fetchAnswerFrame: decodeFetchAnswerFrame,
  decision: decodeDecision,
  hello: decodeHello,
  errorDetail: decodeErrorDetail,
  createTopic: (given) => decode(createTopicRequestCodec, given),
  deleteTopic: (given) => decode(deleteTopicRequestCodec, given),
  metadata: (given) => decode(metadataRequestCodec, given),
  listOffsets: (given) => decode(listOffsetsRequestCodec, given),
}

/** The outcome of bytes that may be anything: a value, or BrokerError INVALID_REQUEST. Whatever else is thrown fails the test. */
function outcome(read: (given: Buffer) => unknown, given: Buffer): 'read' | 'refused' {
  try {
    read(given)
    return 'read'
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'INVALID_REQUEST') throw error
    return 'refused'
  }
}

function randomBytes(random: Random, size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => random.integer(256)))
}

const frame = encodePeerFrame({ hello: null, messages: peerMessages }).toBuffer()
const decision = encodeDecision(records)
const produce = encodeProduceRequest({
  requestId: 1,
  acks: -1,
  timeoutMs: 5,
  partitions: [{ topicId: idA, partition: 1, leaderEpoch: 2, batch: bytes(80) }],
}).toBuffer()

describe('bytes from outside', () => {
  it.each(Object.keys(decoders))('%s: random bytes are read or refused with INVALID_REQUEST', (name) => {
    const random = new SeededRandom(1).fork(name)
    let refused = 0
    for (let round = 0; round < 2_000; round++) {
      if (outcome(decoders[name]!, randomBytes(random, random.integer(64))) === 'refused') refused += 1
    }
    expect(refused).toBeGreaterThan(200)
  })

  it('one changed byte in a real message is read or refused', () => {
    const random = new SeededRandom(2)
    for (const [read, message] of [
      [decodePeerFrame, frame.subarray(0, 900)],
      [decodeDecision, decision],
      [decodeProduceRequest, produce],
    ] as const) {
      for (let round = 0; round < 3_000; round++) {
        const changed = Buffer.from(message)
        changed[random.integer(changed.length)] = random.integer(256)
        outcome(read, changed)
      }
    }
  })

  it('every cut of a real message is read or refused', () => {
    for (let size = 0; size < decision.length; size++) outcome(decodeDecision, decision.subarray(0, size))
    for (let size = 0; size < produce.length; size++) outcome(decodeProduceRequest, produce.subarray(0, size))
  })
})

function numberMessage(write: (writer: ProtoWriter) => void): Buffer {
  const writer = new ProtoWriter()
  write(writer)
  return writer.finish().toBuffer()
}

describe('hostile numbers and lengths', () => {
  it.each([0, 1, 127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 31, 2 ** 32, 2 ** 35, 2 ** 52 - 1, MAX, -1, -128, -(2 ** 31), -(2 ** 32), -MAX])(
    'int64 %d is exact both ways',
    (value) => {
      expect(new ProtoReader(numberMessage((writer) => writer.int(value))).int64()).toBe(value)
    },
  )

  it.each([0, -1, 1, -64, 64, 2 ** 31 - 1, -(2 ** 31), 2 ** 51, -(2 ** 51)])('sint64 %d is exact both ways', (value) => {
    expect(new ProtoReader(numberMessage((writer) => writer.sint(value))).sint64()).toBe(value)
  })

  it.each([
    ['2^53', Buffer.from('8080808080808010', 'hex')],
    ['2^63 − 1', Buffer.from('ffffffffffffffff7f', 'hex')],
    ['−2^63', Buffer.from('80808080808080808001', 'hex')],
    ['66 bits', Buffer.from('ffffffffffffffffff03', 'hex')],
    ['eleven bytes', Buffer.from('8080808080808080808001', 'hex')],
    ['an endless number', Buffer.alloc(64, 0xff)],
    ['a number that is cut', Buffer.from([0x80])],
  ])('%s is refused as int64', (_name, given) => {
    expect(() => new ProtoReader(given).int64()).toThrow(BrokerError)
  })

  it('a number that a caller could mistake for int32 is refused', () => {
    expect(() => new ProtoReader(numberMessage((writer) => writer.int(2 ** 31))).int32()).toThrow('out of range')
    expect(new ProtoReader(numberMessage((writer) => writer.int(-(2 ** 31)))).int32()).toBe(-(2 ** 31))
  })

  it.each([
    ['longer than the message', '0a7f00'],
    ['of 2^32', '0a808080801000'],
    ['negative', '0affffffffffffffffff01'],
  ])('a length %s is refused', (_name, hex) => {
    expect(() => decodeProduceReplies(Buffer.from(hex, 'hex'))).toThrow('malformed message')
  })

  it('a nested message cannot reach past what encloses it', () => {
    // responses{ partitions{ length 5, of which the enclosing message has 2 } }, then bytes that must not be read as its content.
    expect(() => decodeProduceReplies(Buffer.from('0a0412050801ffffff', 'hex'))).toThrow('malformed message')
  })

  it('fields and groups that are not known are passed over or refused, never misread', () => {
    const unknown = Buffer.from(`780179${'00'.repeat(8)}7a01017d00000000`, 'hex')
    expect(decodeProduceRequest(Buffer.concat([produce, unknown]))).toEqual(decodeProduceRequest(produce))
    expect(() => decodeProduceRequest(Buffer.concat([produce, Buffer.from('7b7c', 'hex')]))).toThrow('wire type 3')
  })

  it('16 MiB of empty elements are refused before they become objects', () => {
    const many = Buffer.alloc(1 << 20)
    for (let at = 0; at < many.length; at += 2) many[at] = 0x2a // partitions, length 0
    const before = process.memoryUsage().heapUsed
    expect(() => decodeFetchRequest(many, MAX_CLIENT_ELEMENTS)).toThrow('malformed message')
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 << 20)
    const strings = Buffer.alloc(2_000)
    for (let at = 0; at < strings.length; at += 2) strings[at] = 0x0a
    const request = Buffer.concat([Buffer.from('0ad00f', 'hex'), strings]) // topics { 1,000 empty names }
    expect(() => decode(metadataRequestCodec, request, 500)).toThrow('too many elements')
    expect(decode(metadataRequestCodec, request, 2_000).topics).toHaveLength(1_000)
  })

  it('a frame of a peer is bounded too, and of its first frame the Hello alone is read, once', () => {
    // messages { raft { message { append { entries, length 0, again and again } } } }
    const entries = Buffer.alloc(2 * (MAX_PEER_ELEMENTS + 1))
    for (let at = 0; at < entries.length; at += 2) entries[at] = 0x2a
    const nest = (tag: number, content: Buffer): Buffer => Buffer.concat([Buffer.from([tag]), numberMessage((writer) => writer.int(content.length)), content])
    const flood = nest(0x12, nest(0x0a, nest(0x0a, nest(0x1a, entries))))
    expect(() => decodePeerFrame(flood)).toThrow('too many elements')
    expect(decodeHello(flood)).toBeNull()
    const first = encodePeerFrame({ hello, messages: [] }).toBuffer()
    expect(decodeHello(Buffer.concat([first, flood]))).toEqual(hello)
    expect(() => decodeHello(Buffer.concat([first, first]))).toThrow('too many elements')
    expect(decodeHello(encodeFetchFrame({ hello, fetches: [] }).toBuffer())).toEqual(hello)
    expect(decodeHello(encodeFetchAnswerFrame({ hello, answers: [] }).toBuffer())).toEqual(hello)
  })

  it('an id must have 16 bytes, and must come', () => {
    expect(() => decode(deleteTopicRequestCodec, Buffer.from('0a0100', 'hex'))).toThrow('16 are expected')
    expect(() => decode(deleteTopicRequestCodec, Buffer.alloc(0))).toThrow('missing')
  })

  it('a metadata record of a newer kind is refused, not skipped', () => {
    expect(() => decodeDecision(Buffer.from('0a03fa0600', 'hex'))).toThrow('without a variant known here')
  })
})
