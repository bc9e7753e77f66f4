import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeInt64 } from '../../src/base/bytes.ts'
import { codeOf } from '../../src/base/errors.ts'
import { BATCH_HEADER_BYTES, hasValidCrc, readBatchHeader, sealBatch } from '../../src/record/batch.ts'
import { BatchBuilder, decodeRecords, encodeBatch, LOG_APPEND_TIME_FLAG, NO_PRODUCER, recordSizeBound } from '../../src/record/records.ts'

/** One record with a header, as Sarama's tests hold it (record_test.go, "uncompressed record"); its CRC is by another implementation. */
const SARAMA_BATCH =
  '0000000000000000000000460000000002547961fd000000000000000001588dcd5938000000000000000000000000000000000000000000000000000128' +
  '000a00080102030406050607020608090a040b0c'
/** Written by a Kafka broker: gzip, log append time (kafkajs, v0_recordbatch.json). */
const BROKER_GZIP_BATCH =
  '0000000000000000000000710000000002e4c324a500090000000000000173edf5ffa700000173edf5ffc9ffffffffffffffff00000000000000000001' +
  '1f8b08000000000000130b636060e0ca4eadd43570284bcc294dd535d035323032d035b0d03534093134b73234b632b0d033b3308a620000b5e3f1a72c000000'
const SARAMA_TIMESTAMP = 0x01588dcd5938

const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)))
const recordInput = fc.record({
  timestamp: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  key: bytesOrNull,
  value: bytesOrNull,
  headers: fc.array(fc.record({ key: fc.string({ unit: 'binary', maxLength: 20 }), value: bytesOrNull }), { maxLength: 4 }),
})

function codeOfThrown(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return codeOf(error)
  }
  return 'nothing was thrown'
}

/** A batch whose only record's bytes are `record`, CRC right: what a hostile producer can get into a log. */
function hostile(record: readonly number[], recordCount = 1): Buffer {
  const batch = Buffer.concat([encodeBatch([{ timestamp: 0, key: null, value: null }]).subarray(0, BATCH_HEADER_BYTES), Buffer.from(record)])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(recordCount, 57)
  sealBatch(batch)
  return batch
}

describe('known batches', () => {
  it('reads an uncompressed batch of another implementation', () => {
    const batch = Buffer.from(SARAMA_BATCH, 'hex')
    expect(hasValidCrc(batch)).toBe(true)
    expect(decodeRecords(batch)).toEqual([
      {
        offset: 0,
        timestamp: SARAMA_TIMESTAMP + 5,
        key: Buffer.from([1, 2, 3, 4]),
        value: Buffer.from([5, 6, 7]),
        headers: [{ key: '\b\t\n', value: Buffer.from([11, 12]) }],
      },
    ])
  })

  it('writes the same bytes for the same record', () => {
    const known = Buffer.from(SARAMA_BATCH, 'hex')
    const builder = new BatchBuilder()
    const header = { key: '\b\t\n', value: Buffer.from([11, 12]) }
    builder.append({ timestamp: SARAMA_TIMESTAMP, key: Buffer.from([1, 2, 3, 4]), value: Buffer.from([5, 6, 7]), headers: [header] })
    const written = builder.seal({ producerId: 0, producerEpoch: 0, baseSequence: 0 })
    // Sarama's record is 5 ms after its batch and its max timestamp is not set: only these fields, the epoch and so the CRC may differ.
    known.writeInt32BE(-1, 12)
    known.copy(known, 35, 27, 35)
    known[63] = 0
    sealBatch(known)
    expect(written.toString('hex')).toBe(known.toString('hex'))
  })

  it('checks the CRC of a batch written by a Kafka broker, and says why it cannot read it', () => {
    const batch = Buffer.from(BROKER_GZIP_BATCH, 'hex')
    expect(hasValidCrc(batch)).toBe(true)
    expect(() => decodeRecords(batch)).toThrow(/UNSUPPORTED_COMPRESSION_TYPE: .*gzip/)
  })
})

describe('round trips', () => {
  it('gives back what was appended, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(recordInput, { minLength: 1, maxLength: 30 }), fc.integer({ min: 61, max: 5000 }), (records, capacity) => {
        const builder = new BatchBuilder(capacity)
        let bound = BATCH_HEADER_BYTES
        for (const record of records) {
          builder.append(record)
          bound += recordSizeBound(record)
        }
        const batch = builder.seal({ producerId: 7, producerEpoch: 1, baseSequence: 11 })
        expect(batch.length).toBe(builder.sizeBytes)
        expect(batch.length).toBeLessThanOrEqual(bound)
        expect(hasValidCrc(batch)).toBe(true)
        const header = readBatchHeader(batch, 0)
        expect(header).toMatchObject({
          baseOffset: 0,
          lastOffset: records.length - 1,
          sizeBytes: batch.length,
          producerId: 7,
          producerEpoch: 1,
          baseSequence: 11,
        })
        expect(header.maxTimestamp).toBe(Math.max(...records.map((record) => record.timestamp)))
        const decoded = decodeRecords(batch)
        expect(decoded).toEqual(
          records.map(({ timestamp, key, value, headers }, index) => ({
            offset: index,
            timestamp,
            key,
            value,
            headers: headers.map((header) => ({ key: Buffer.from(header.key).toString(), value: header.value })),
          })),
        )
      }),
    )
  })

  it('seals again for another producer without touching the records', () => {
    const builder = new BatchBuilder()
    builder.append({ timestamp: 5, key: null, value: Buffer.from('v') })
    const first = Buffer.from(builder.seal({ producerId: 1, producerEpoch: 0, baseSequence: 9 }))
    const second = builder.seal({ producerId: 2, producerEpoch: 0, baseSequence: 0 })
    expect(hasValidCrc(second)).toBe(true)
    expect(readBatchHeader(second, 0)).toMatchObject({ producerId: 2, baseSequence: 0 })
    expect(second.subarray(BATCH_HEADER_BYTES)).toEqual(first.subarray(BATCH_HEADER_BYTES))
  })

  it('shows the append time of the leader where the batch says so', () => {
    const batch = encodeBatch(
      [1, 2, 3].map((timestamp) => ({ timestamp, key: null, value: null })),
      { ...NO_PRODUCER, attributes: LOG_APPEND_TIME_FLAG },
    )
    expect(decodeRecords(batch).map((record) => record.timestamp)).toEqual([3, 3, 3])
  })
})

describe('hostile records are CORRUPT_MESSAGE', () => {
  const cases: readonly (readonly [string, readonly number[], number?])[] = [
    ['a varint that never ends', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['a varint beyond 32 bits', [0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0]],
    ['a timestamp delta beyond 2^53', [24, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 1, 1, 0]],
    ['a record longer than its batch', [40, 0, 0, 0, 1, 1, 0]],
    ['a record shorter than it says', [14, 0, 0, 0, 1, 1, 0, 0]],
    ['a negative record length', [11, 0, 0, 0, 1, 1, 0]],
    ['a key length beyond the batch', [12, 0, 0, 0, 100, 1, 0]],
    ['a key length of -2', [12, 0, 0, 0, 3, 1, 0]],
    ['a header count of -1', [12, 0, 0, 0, 1, 1, 1]],
    ['more headers than bytes', [12, 0, 0, 0, 1, 1, 100]],
    ['a header without a key', [16, 0, 0, 0, 1, 1, 2, 1, 1]],
    ["an offset beyond the header's", [12, 0, 0, 2, 1, 1, 0]],
    ['an offset before the batch', [12, 0, 0, 1, 1, 1, 0]],
    ['bytes behind the last record', [12, 0, 0, 0, 1, 1, 0, 0]],
    ['more records than bytes', [12, 0, 0, 0, 1, 1, 0], 1_000_000],
    ['fewer records than bytes', [12, 0, 0, 0, 1, 1, 0], 0],
  ]
  for (const [name, record, count] of cases) {
    it(name, () => expect(codeOfThrown(() => decodeRecords(hostile(record, count)))).toBe('CORRUPT_MESSAGE'))
  }

  it('a base offset from which the end can no longer be told exactly', () => {
    const batch = encodeBatch([{ timestamp: 0, key: null, value: null }])
    writeInt64(batch, Number.MAX_SAFE_INTEGER, 0)
    expect(codeOfThrown(() => readBatchHeader(batch, 0))).toBe('CORRUPT_MESSAGE')
    writeInt64(batch, Number.MAX_SAFE_INTEGER - 1, 0)
    expect(readBatchHeader(batch, 0).lastOffset + 1).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('no bytes at all end in anything but a BrokerError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 0, max: 8 }), (bytes, count) => {
        const code = codeOfThrown(() => decodeRecords(hostile([...bytes], count)))
        expect(['CORRUPT_MESSAGE', 'nothing was thrown']).toContain(code)
      }),
    )
  })
})
