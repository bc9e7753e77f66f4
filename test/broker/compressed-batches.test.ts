import { expect, it } from 'vitest'
import { PendingProduce, ProduceBudget } from '../../src/broker/produce.ts'
import { BATCH_HEADER_BYTES, readBatchHeader, sealBatch, writeBatchHeader } from '../../src/record/batch.ts'
import { encodeBatch } from '../../src/record/records.ts'
import type { ProducedPartition } from '../../src/wire/api.ts'
import { topicId } from '../metadata/fixtures.ts'
import { BrokerBench } from './harness.ts'

const NOISE = Buffer.from('neither a frame nor records of any codec')

/** A sealed batch that says it has `count` records of this codec, and has `section`. */
function batchOf(codec: number, section: Buffer, count: number): Buffer {
  const plain = encodeBatch([{ timestamp: 1_000, key: null, value: null }])
  const batch = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), section])
  const header = readBatchHeader(plain, 0)
  writeBatchHeader(batch, 0, { ...header, sizeBytes: batch.length, attributes: codec, recordCount: count, lastOffset: count - 1 })
  sealBatch(batch)
  return batch
}

class Node {
  readonly bench = new BrokerBench()

  constructor() {
    this.bench.begin()
    this.bench.alone(1, 'orders')
  }

  produce(batch: Buffer): ProducedPartition | undefined {
    const { bench } = this
    const answers: ProducedPartition[] = []
    const context = {
      clock: bench.clock,
      budget: new ProduceBudget(1e6),
      find: (id: string, number: number) => bench.partitions.find(id, number),
      isDiskLow: () => false,
      knowsTopic: () => true,
    }
    const partitions = [{ topicId: topicId(1), partition: 0, leaderEpoch: -1, batch }]
    const request = { requestId: 1, acks: -1, timeoutMs: 500, partitions }
    new PendingProduce(
      context,
      request,
      (response) => answers.push(...response.partitions),
      () => undefined,
    ).start()
    bench.run(50)
    return answers[0]
  }
}

it('a codec that does not exist is INVALID_RECORD', () => {
  for (const codec of [5, 6, 7]) expect(new Node().produce(batchOf(codec, NOISE, 1))?.error?.code).toBe('INVALID_RECORD')
})

it('compressed records are nobody’s business here: they take their offsets and are kept byte for byte, whatever they hold', () => {
  const node = new Node()
  for (const codec of [1, 2, 3, 4]) expect(node.produce(batchOf(codec, NOISE, 1_000))).toMatchObject({ baseOffset: (codec - 1) * 1_000, error: null })
  expect(node.bench.replica(1).core.syncedEndOffset).toBe(4_000)
})

it('a count of records that no reader would decompress is INVALID_RECORD: a few bytes do not use up billions of offsets', () => {
  expect(new Node().produce(batchOf(1, NOISE, 9_000_000))?.error).toBeNull()
  expect(new Node().produce(batchOf(1, NOISE, 10_000_000))?.error?.code).toBe('INVALID_RECORD')
  expect(new Node().produce(batchOf(0, NOISE, 1_000))?.error?.code).toBe('INVALID_RECORD')
})
