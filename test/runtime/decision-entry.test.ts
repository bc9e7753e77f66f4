import { describe, expect, it } from 'vitest'
import type { BrokerError } from '../../src/base/errors.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import { hasValidCrc, readBatchHeader, stampBatch } from '../../src/record/batch.ts'
import { encodeBatch } from '../../src/record/records.ts'
import { decodeEntry, encodeEntry } from '../../src/runtime/decision-entry.ts'

const TOPIC_ID = '000102030405060708090a0b0c0d0e0f'
const decision: readonly MetadataRecord[] = [
  { type: 'leaderChange', leaderId: 2 },
  { type: 'topic', topicId: TOPIC_ID, name: 'orders' },
  { type: 'topicConfig', topicId: TOPIC_ID, key: 'retention.ms', value: null },
]

describe('R3.1 an entry of the metadata log', () => {
  it('is one batch with one record that is the whole decision; its offset is the index, its leader epoch the term', () => {
    const batch = encodeEntry(decision, 1_700_000_000_000)
    stampBatch(batch, 0, { baseOffset: 42, leaderEpoch: 7 })
    expect(readBatchHeader(batch, 0)).toMatchObject({ baseOffset: 42, lastOffset: 42, leaderEpoch: 7, recordCount: 1, sizeBytes: batch.length })
    expect(hasValidCrc(batch)).toBe(true)
    expect(decodeEntry(batch)).toEqual(decision)
  })

  it('without a decision is none', () => {
    const empty = encodeBatch([{ timestamp: 0, key: null, value: null }])
    expect(() => decodeEntry(empty)).toThrow(expect.objectContaining({ code: 'CORRUPT_MESSAGE' } satisfies Partial<BrokerError>))
  })
})
