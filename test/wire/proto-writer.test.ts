import { describe, expect, it } from 'vitest'
import { decodeFetchResponse, encodeFetchResponse } from '../../src/wire/fetch-codec.ts'
import { GatheredMessage } from '../../src/wire/gathered.ts'
import { decodeProduceRequest, encodeProduceRequest } from '../../src/wire/produce-codec.ts'
import { ProtoReader } from '../../src/wire/proto-reader.ts'
import { ProtoWriter } from '../../src/wire/proto-writer.ts'
import { bytes, idA, idB } from './samples.ts'

describe('ProtoWriter', () => {
  it('borrows batches: what is changed before the copy is what leaves', () => {
    const batch = bytes(5_000)
    const message = encodeProduceRequest({ requestId: 1, acks: 1, timeoutMs: 1, partitions: [{ topicId: idA, partition: 0, leaderEpoch: -1, batch }] })
    batch.fill(0xab)
    expect(decodeProduceRequest(message.toBuffer()).partitions[0]?.batch).toEqual(Buffer.alloc(5_000, 0xab))
  })

  it('joins the slices of a partition into one field, whatever their number and size', () => {
    const slices = [bytes(1), bytes(0), bytes(300), bytes(20_000)]
    const partitions = [idA, idB].map((topicId, partition) => ({ topicId, partition, highWatermark: 9, logStartOffset: 0, error: null, batches: slices }))
    const read = decodeFetchResponse(encodeFetchResponse({ requestId: 7, partitions }).toBuffer())
    for (const partition of read.partitions) expect(partition.batches).toEqual([Buffer.concat(slices)])
    expect(read.partitions.map(({ topicId }) => topicId)).toEqual([idA, idB])
  })

  it.each([Infinity, Number.NaN, 2 ** 53])('takes no %d: a varint would not end, or say something else', (value) => {
    expect(() => new ProtoWriter().int(value)).toThrow(/a varint ends/)
  })

  it('received batches are views of the message, not copies', () => {
    const message = encodeProduceRequest({
      requestId: 1,
      acks: 1,
      timeoutMs: 1,
      partitions: [{ topicId: idA, partition: 0, leaderEpoch: -1, batch: bytes(500) }],
    }).toBuffer()
    const batch = decodeProduceRequest(message).partitions[0]?.batch as Buffer
    message.fill(0x55)
    expect(batch).toEqual(Buffer.alloc(500, 0x55))
  })

  it('nests to any size: lengths of one, two, three bytes, with and without borrowed parts', () => {
    for (const size of [0, 1, 100, 127, 128, 400, 16_383, 16_384, 70_000]) {
      for (const borrowed of [false, true]) {
        const writer = new ProtoWriter()
        const outer = writer.begin()
        const inner = writer.begin()
        writer.string('x'.repeat(size))
        if (borrowed) writer.borrow([Buffer.from('end')])
        writer.end(inner)
        writer.int(7)
        writer.end(outer)
        const reader = new ProtoReader(writer.finish().toBuffer())
        const read = reader.nested((level) => {
          const text = level.nested((deepest) => ({ text: deepest.string(), tail: borrowed ? deepest.bytes().toString() : '', more: deepest.more }))
          return { ...text, after: level.int64(), outerMore: level.more }
        })
        expect(read).toEqual({ text: 'x'.repeat(size), tail: borrowed ? 'end' : '', more: false, after: 7, outerMore: false })
      }
    }
  })
})

describe('GatheredMessage', () => {
  it('has the length of its parts and copies them in order to any place', () => {
    const message = new GatheredMessage([Buffer.from('ab'), Buffer.from('c')])
    const target = Buffer.alloc(6, '.')
    expect([message.length, message.byteLength, message.copy(target, 2)]).toEqual([3, 3, 3])
    expect(target.toString()).toBe('..abc.')
  })
})
