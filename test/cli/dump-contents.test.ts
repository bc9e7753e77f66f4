import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compress, loadCodec } from '../../src/compression/codecs.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import { stampBatch } from '../../src/record/batch.ts'
import { BatchBuilder, compressionTypes, encodeBatch, NO_PRODUCER, type RecordInput } from '../../src/record/records.ts'
import { encodeEntry } from '../../src/runtime/decision-entry.ts'
import { records as everyRecord } from '../wire/samples.ts'
import { oxbow } from './harness.ts'

const SEGMENT = '00000000000000000000.log'
const record = (at: number): RecordInput => ({ timestamp: 1000 + at, key: Buffer.from(`key ${at}`), value: Buffer.from('value '.repeat(50)) })

function compressed(records: readonly RecordInput[], codec: number, squeeze = (bytes: Buffer): Buffer => compress(codec, bytes)): Buffer {
  const builder = new BatchBuilder()
  for (const one of records) builder.append(one)
  builder.compress(codec, squeeze)
  return builder.seal(NO_PRODUCER)
}

function load(codec: number): Promise<void> {
  return new Promise((resolve, reject) => loadCodec(codec, (error) => (error === undefined ? resolve() : reject(error))))
}

describe('dump-log --records', () => {
  let root = ''
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'oxbow-test-'))
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  /** A log of these batches, one behind the other. */
  function logOf(name: string, batches: readonly Buffer[]): string {
    const folder = join(root, name)
    mkdirSync(folder, { recursive: true })
    let baseOffset = 0
    for (const bytes of batches) {
      stampBatch(bytes, 0, { baseOffset, leaderEpoch: 4 })
      baseOffset += bytes.readInt32BE(57)
    }
    writeFileSync(join(folder, SEGMENT), Buffer.concat(batches))
    return folder
  }

  async function contentsOf(folder: string, ...args: readonly string[]): Promise<unknown[]> {
    const run = await oxbow(['dump-log', folder, '--records', '-o', 'json', ...args])
    const lines = run.stdout.trim().split('\n').slice(0, -1)
    return lines.map((line) => {
      const { codec, records, recordsReason } = JSON.parse(line)
      return { codec, records: recordsReason ?? records }
    })
  }

  it('reads what every codec made, as it reads what none did', async () => {
    const pairs = [0, 2, 4, 6, 8].map((at) => [record(at), record(at + 1)])
    for (const codec of [1, 2, 3, 4]) await load(codec)
    const batches = pairs.map((pair, codec) => (codec === 0 ? encodeBatch(pair) : compressed(pair, codec)))
    const folder = logOf('orders-0', batches)
    const expected = compressionTypes.map((codec, at) => ({
      codec,
      records: [2 * at, 2 * at + 1].map((offset) => ({
        offset,
        timestamp: 1000 + offset,
        key: `key ${offset}`,
        value: 'value '.repeat(50),
        headers: {},
      })),
    }))
    expect(await contentsOf(folder)).toEqual(expected)
    const table = await oxbow(['dump-log', folder, '--records', '--from', '9'])
    expect(table.code).toBe(0)
    expect(table.stdout.split('\n').filter((line) => line.startsWith('  offset:'))).toEqual([
      `  offset: 9 timestamp: 1009 key: "key 9" value: "${'value '.repeat(50)}"`,
    ])
  })

  it('says what cannot be decompressed, and goes on', async () => {
    const broken = compressed([record(0)], 1, () => Buffer.alloc(5, 0xff))
    const unknown = encodeBatch([record(1)], { ...NO_PRODUCER, attributes: 7 })
    expect(await contentsOf(logOf('orders-1', [broken, unknown, encodeBatch([record(2)])]))).toMatchObject([
      { codec: 'gzip', records: expect.stringMatching(/gzip/) },
      { codec: 'unknown (7)', records: 'compressed with unknown (7), which does not load here' },
      { codec: 'none', records: [{ offset: 2, key: 'key 2' }] },
    ])
  })

  it('of the metadata log shows each decision, its records by name and field', async () => {
    const decisions: MetadataRecord[][] = [[{ type: 'leaderChange', leaderId: 3 }], [...everyRecord], []]
    const folder = logOf('metadata', [
      ...decisions.map((decision) => encodeEntry(decision, 17_000)),
      encodeBatch([{ timestamp: 17_000, key: null, value: Buffer.from([0xff]) }]),
    ])
    expect(await contentsOf(folder)).toEqual([
      ...decisions.map((decision, offset) => ({ codec: 'none', records: [{ offset, timestamp: 17_000, decision }] })),
      { codec: 'none', records: expect.stringMatching(/malformed/) },
    ])
    const table = await oxbow(['dump-log', join(folder, SEGMENT), '--records', '--to', '2'])
    expect(table.code).toBe(0)
    expect(table.stdout).toContain('  offset: 0 timestamp: 17000 decision:\n    leaderChange leaderId: 3\n')
    expect(table.stdout).toContain('\n    topic topicId: 00112233445566778899aabbccddeeff name: orders\n')
    expect(table.stdout).toMatch(
      /\n {4}partition topicId: \w+ partition: 0 replicas: \[1,2,300\] isr: \[\{"nodeId":1,"brokerEpoch":12\},.* unclean: true reassignment: \{"from":\[1,2,3\],.*\}\n/,
    )
    expect(table.stdout.match(/^ {4}\w+ \w+: /gm)).toHaveLength(1 + everyRecord.length)
  })
})
