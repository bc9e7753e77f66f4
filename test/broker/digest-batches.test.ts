import { describe, expect, it } from 'vitest'
import type { DoneVoid } from '../../src/base/done.ts'
import { crc32c } from '../../src/base/crc32c.ts'
import { BrokerError } from '../../src/base/errors.ts'
import { runTask } from '../../src/base/task.ts'
import { digestBatches } from '../../src/broker/digest-batches.ts'
import { leaveIsr } from '../../src/broker/leave-isr.ts'
import { BATCH_HEADER_BYTES } from '../../src/record/batch.ts'
import type { BatchDigests, DigestBatchesRequest } from '../../src/wire/api.ts'
import { topicId } from '../metadata/fixtures.ts'
import { BrokerBench, records } from './harness.ts'

const FIRST = 'partitions/orders-0/00000000000000000000.log'
const BATCH_BYTES = records(2, 1000).length

function produce(bench: BrokerBench): void {
  const bytes = records(2, 1000)
  const header = { baseOffset: 0, lastOffset: 1, sizeBytes: bytes.length, leaderEpoch: -1, attributes: 0, baseTimestamp: 0, maxTimestamp: 0, recordCount: 2 }
  const input = { acks: -1, nowMs: 0, currentLeaderEpoch: -1, header: { ...header, producerId: -1, producerEpoch: -1, baseSequence: -1 }, bytes } as const
  bench.replica(1).produce(input, () => undefined)
}

/** A partition on node 1 alone, with so many batches of two records. */
function bench(batches: number): BrokerBench {
  const made = new BrokerBench()
  made.begin()
  made.alone(1, 'orders')
  for (let left = batches; left > 0; left--) produce(made)
  made.run(200)
  return made
}

function digests(of: BrokerBench & { isNeeded?: boolean }, request: Partial<DigestBatchesRequest> = {}): BatchDigests {
  const context = {
    find: (id: string, number: number) => of.partitions.find(id, number),
    knowsTopic: (id: string) => of.image.topics.has(id),
    folderOf: () => 'data/1',
    readFailed: (replica: Parameters<typeof of.partitions.readFailed>[0], error: Error) => of.partitions.readFailed(replica, error),
    leave: (_: unknown, done: DoneVoid) =>
      of.clock.defer(() => done(of.isNeeded === true ? new BrokerError('NOT_ENOUGH_REPLICAS', 'without broker 1 0 would be in sync of the 1') : undefined)),
  }
  const whole = { topicId: topicId(1), partition: 0, startOffset: 0, endOffset: Number.MAX_SAFE_INTEGER, maxBytes: 1024 * 1024, ...request }
  return of.clock.wait<BatchDigests>((done) => runTask(digestBatches(context, whole), done))
}

describe('the digests of a replica', () => {
  it('cover each batch whole, in pages, from the one that holds the offset on up to the end asked for', () => {
    const of = bench(5)
    const all = digests(of)
    expect(all).toMatchObject({ logStartOffset: 0, endOffset: 10, file: `data/1/${FIRST}`, position: 0, nextOffset: 10, fault: null })
    const stored = of.clock.wait<Buffer | undefined>((done) => of.world.disk.readFile(FIRST, done)) as Buffer
    expect(all.digests).toEqual(
      [0, 1, 2, 3, 4].map((at) => ({
        baseOffset: 2 * at,
        lastOffset: 2 * at + 1,
        leaderEpoch: 0,
        sizeBytes: BATCH_BYTES,
        checksum: crc32c(stored.subarray(at * BATCH_BYTES, (at + 1) * BATCH_BYTES)),
      })),
    )
    expect(digests(of, { startOffset: 3, maxBytes: 2 * BATCH_BYTES })).toMatchObject({ digests: all.digests.slice(1, 3), position: BATCH_BYTES, nextOffset: 6 })
    expect(digests(of, { startOffset: 6, endOffset: 8 })).toMatchObject({ digests: all.digests.slice(3, 4), nextOffset: 8 })
    expect(digests(of, { startOffset: 6, endOffset: 7 })).toMatchObject({ digests: all.digests.slice(3, 4), nextOffset: 8 })
    expect(digests(of, { startOffset: 10 })).toMatchObject({ digests: [], file: '', nextOffset: 10 })
    expect(digests(of, { startOffset: 0, endOffset: 0 })).toMatchObject({ digests: [], nextOffset: 0, endOffset: 10 })
  })

  it('are of what the disk has, whatever memory says: a leader epoch that no checksum covers is seen', () => {
    const of = bench(3)
    const before = digests(of)
    expect(of.replica(1).log.readCached(0, 1)).toHaveLength(1)
    expect(of.world.disk.flipByte(FIRST, BATCH_BYTES + 15)).toBe(true)
    const after = digests(of)
    expect(after.fault).toBeNull()
    expect(after.digests.map(({ checksum }, at) => checksum === before.digests[at]?.checksum)).toEqual([true, false, true])
    expect(of.replica(1).damaged).toBe(false)
  })

  it('end in front of a batch that is bad; that makes the replica damaged, and no more is said of it (R3.3)', () => {
    const of = bench(3)
    expect(of.world.disk.flipByte(FIRST, BATCH_BYTES + BATCH_HEADER_BYTES + 5)).toBe(true)
    const found = digests(of)
    expect(found).toMatchObject({
      nextOffset: 2,
      fault: expect.stringContaining(`at byte ${BATCH_BYTES}: the checksum of a batch is wrong; it serves nothing any more`),
    })
    expect(found.digests).toHaveLength(1)
    expect(of.replica(1)).toMatchObject({ damaged: true, dead: true })
    expect(() => digests(of)).toThrow('KAFKA_STORAGE_ERROR: the replica is offline on this node: a batch on disk failed its checksum')
  })

  it('leave a replica in service that is needed, though a batch of it is bad', () => {
    const of = Object.assign(bench(3), { isNeeded: true })
    of.world.disk.flipByte(FIRST, BATCH_BYTES + BATCH_HEADER_BYTES + 5)
    const found = digests(of)
    expect(found).toMatchObject({ nextOffset: 2, fault: expect.stringMatching(/checksum of a batch is wrong; it goes on serving, for without it fewer than/) })
    expect(of.replica(1)).toMatchObject({ damaged: false, dead: false })
    expect(digests(of).fault).toBe(found.fault)
    of.isNeeded = false
    expect(digests(of).fault).toMatch(/it serves nothing any more$/)
    expect(of.replica(1)).toMatchObject({ damaged: true, dead: true })
  })

  it('say it too where the first batch asked for is bad, or its header is no header', () => {
    const crc = bench(3)
    crc.world.disk.flipByte(FIRST, 100)
    expect(digests(crc)).toMatchObject({ digests: [], nextOffset: 0, fault: expect.stringContaining('at byte 0: the checksum of a batch is wrong') })
    const header = bench(3)
    header.world.disk.flipByte(FIRST, 16)
    expect(digests(header)).toMatchObject({ digests: [], nextOffset: 0, fault: expect.stringContaining('record format') })
    expect(header.replica(1).damaged).toBe(true)
  })

  it('leave out what is not committed, and begin at the log start', () => {
    const of = new BrokerBench()
    of.begin()
    of.apply(
      of.topicRecords(1, 'orders', {
        replicas: [1, 2],
        isr: [
          { nodeId: 1, brokerEpoch: 1 },
          { nodeId: 2, brokerEpoch: 2 },
        ],
      }),
    )
    produce(of)
    of.run(200)
    expect(of.replica(1).log.syncedEndOffset).toBe(2)
    expect(digests(of)).toMatchObject({ endOffset: 0, digests: [] })
    const trimmed = bench(3)
    trimmed.replica(1).step({ type: 'advanceStart', offset: 3 })
    trimmed.run(200)
    const rest = digests(trimmed)
    expect(rest).toMatchObject({ logStartOffset: 3, nextOffset: 6 })
    expect(rest.digests.map(({ baseOffset }) => baseOffset)).toEqual([2, 4])
  })

  it('go on from the new start when that moves while they are read', () => {
    const of = bench(3)
    let answer: BatchDigests | undefined
    const context = {
      find: () => of.replica(1),
      knowsTopic: () => true,
      folderOf: () => 'data/1',
      readFailed: () => {
        throw new Error('nothing is bad')
      },
      leave: () => undefined,
    }
    const request = { topicId: topicId(1), partition: 0, startOffset: 0, endOffset: 6, maxBytes: 1 }
    runTask(digestBatches(context, request), (error, value) => {
      if (error !== undefined) throw error
      answer = value
    })
    of.replica(1).log.advanceStart(4, () => undefined)
    of.run(200)
    expect(answer).toMatchObject({ logStartOffset: 4, digests: [{ baseOffset: 4 }], nextOffset: 6 })
  })

  it('are refused for what is not here', () => {
    const of = bench(1)
    expect(() => digests(of, { topicId: topicId(9) })).toThrow('UNKNOWN_TOPIC_ID')
    expect(() => digests(of, { partition: 7 })).toThrow('NOT_LEADER_OR_FOLLOWER')
  })
})

it('a replica that wants to leave asks for that, and its leader for nothing until it may or must stay, as far as all who ask were told', () => {
  const of = new BrokerBench()
  of.begin()
  of.apply(of.topicRecords(5, 'followed', { leader: 2 }))
  const replica = of.partitions.find(topicId(5), 0)!
  const fetches = (): number => of.streams[0]!.sent.length
  const before = fetches()
  const outcomes: (string | undefined)[] = []
  const leave = (): (typeof of.asked)[number] => {
    leaveIsr({ nodeId: 1, image: () => of.image, controllerClient: of.controllerClient }, replica, (error) => {
      outcomes.push(error?.message)
    })
    return of.asked.at(-1)!
  }
  const [first, second] = [leave(), leave()]
  expect(first.command).toEqual({ type: 'leaveIsr', nodeId: 1, brokerEpoch: 1, topicId: topicId(5), partition: 0 })
  of.streams[0]!.end()
  // An answer that does not come is waited for twice as long each time.
  const wait = (ticks: number): void => {
    for (let tick = 0; tick < ticks; tick++) of.partitions.tick()
    of.run(2_000)
  }
  wait(60)
  expect([fetches(), of.streams.length]).toEqual([before, 1])
  const refusal = { type: 'error', code: 'NOT_ENOUGH_REPLICAS', message: 'it is needed', definite: true } as const
  first.done(refusal)
  expect(outcomes).toEqual(['NOT_ENOUGH_REPLICAS: it is needed'])
  wait(100)
  expect([fetches(), of.streams.length]).toEqual([before, 1])
  second.done(refusal)
  wait(400)
  expect(of.streams.length).toBeGreaterThan(1)
})
