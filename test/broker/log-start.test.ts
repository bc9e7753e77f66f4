import { describe, expect, it } from 'vitest'
import type { Disk } from '../../src/base/disk.ts'
import type { BrokerError } from '../../src/base/errors.ts'
import { PendingFetch } from '../../src/broker/consumer-fetch.ts'
import { PartitionRecords } from '../../src/broker/partition-records.ts'
import type { ProduceOutcome, Replica } from '../../src/broker/replica.ts'
import { Retention } from '../../src/broker/retention.ts'
import { compress } from '../../src/compression/codecs.ts'
import { BATCH_HEADER_BYTES, readBatchHeader, sealBatch, stampBatch, writeBatchHeader } from '../../src/record/batch.ts'
import { encodeBatch, NO_PRODUCER } from '../../src/record/records.ts'
import type { FetchAnswer } from '../../src/replication/effects.ts'
import type { FetchResponse } from '../../src/wire/api.ts'
import { partition, topicId } from '../metadata/fixtures.ts'
import { BrokerBench, FakeServerStream, fetchOf } from './harness.ts'

const GZIP = 1
const SMALL_SEGMENTS = { sizeBytes: 250, ageMs: Number.MAX_SAFE_INTEGER }

function batchOf(timestamps: readonly number[], producer = NO_PRODUCER): Buffer {
  return encodeBatch(
    timestamps.map((timestamp) => ({ timestamp, key: null, value: Buffer.alloc(20, 'v') })),
    producer,
  )
}

function compressed(batch: Buffer): Buffer {
  const section = compress(GZIP, batch.subarray(BATCH_HEADER_BYTES))
  const bytes = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), section])
  writeBatchHeader(bytes, 0, { ...readBatchHeader(batch, 0), sizeBytes: bytes.length, attributes: GZIP })
  sealBatch(bytes)
  return bytes
}

/** Node 1 and what its clients ask of partitions that it leads. */
class Node {
  readonly bench: BrokerBench
  readonly records: PartitionRecords

  constructor(bench = new BrokerBench()) {
    this.bench = bench
    this.records = new PartitionRecords({ clock: bench.clock, readFailed: (replica, error) => bench.partitions.readFailed(replica, error) })
    bench.begin()
  }

  produce(replica: Replica, batch: Buffer, nowMs = 0): ProduceOutcome | undefined {
    const outcomes: ProduceOutcome[] = []
    const input = { acks: -1, nowMs, currentLeaderEpoch: -1, header: readBatchHeader(batch, 0), bytes: batch } as const
    replica.produce(input, (outcome) => outcomes.push(outcome))
    this.bench.run(50)
    return outcomes[0]
  }

  delete(replica: Replica, beforeOffset: number, timeoutMs = 1_000): (number | BrokerError)[] {
    const answers: (number | BrokerError)[] = []
    this.records.deleteRecords(replica, { beforeOffset, timeoutMs }, (error, offset) => answers.push(error === undefined ? offset : (error as BrokerError)))
    this.bench.run(200)
    return answers
  }

  find(replica: Replica, timestampMs: number): { readonly offset: number; readonly timestamp: number } {
    return this.bench.clock.wait((done) => this.records.findTimestamp(replica, timestampMs, done))
  }

  fetch(replica: Replica, fetchOffset: number): FetchResponse['partitions'][number] {
    const { bench } = this
    const responses: FetchResponse[] = []
    const context = {
      clock: bench.clock,
      find: () => replica,
      knowsTopic: () => true,
      readFailed: (failed: Replica, error: Error) => bench.partitions.readFailed(failed, error),
    }
    const partitions = [{ topicId: replica.topicId, partition: 0, leaderEpoch: -1, fetchOffset, maxBytes: 1_000_000 }]
    const request = { requestId: 1, maxWaitMs: 0, minBytes: 1, maxBytes: 1_000_000, partitions }
    const pending = new PendingFetch(
      context,
      request,
      (response) => responses.push(response),
      () => undefined,
    )
    pending.start()
    bench.run(100)
    return responses[0]!.partitions[0]!
  }

  /** Another process finds what this one left. */
  restart(number: number): Replica {
    this.bench.restart()
    return this.bench.replica(number)
  }
}

describe('R6.9 retention', () => {
  it('lets go of whole segments, oldest first, while what remains is at least retention.bytes; a restart finds the same start', () => {
    const node = new Node()
    const replica = node.bench.alone(1, 'orders')
    replica.log.limitSegments(SMALL_SEGMENTS)
    for (let sent = 0; sent < 10; sent++) node.produce(replica, batchOf([sent]))
    expect(replica.core.logStartOffset).toBe(0)
    const sizeBytes = replica.log.sizeBytes
    retain(node, replica, { retentionMs: -1, retentionBytes: sizeBytes / 2 })
    const { logStartOffset } = replica.core
    expect(logStartOffset).toBeGreaterThan(2)
    expect(replica.log.startOffset).toBe(logStartOffset)
    expect(replica.log.sizeBytes).toBeGreaterThanOrEqual(sizeBytes / 2)
    expect(node.restart(1).core).toMatchObject({ logStartOffset, logEndOffset: 10, highWatermark: expect.toSatisfy((offset) => offset >= logStartOffset) })
  })

  it('lets go by time, judged by the wall clock of the leader, all but what is not committed', () => {
    const node = new Node()
    const replica = node.bench.alone(1, 'orders')
    replica.log.limitSegments(SMALL_SEGMENTS)
    const bornMs = node.bench.clock.wallMs()
    for (let sent = 0; sent < 4; sent++) node.produce(replica, batchOf([bornMs]), bornMs)
    for (let sent = 0; sent < 4; sent++) node.produce(replica, batchOf([bornMs + 1_000_000]), bornMs)
    const retentionMs = 60_000
    retain(node, replica, { retentionMs, retentionBytes: -1 })
    expect(replica.core.logStartOffset).toBe(0)
    node.bench.run(retentionMs)
    retain(node, replica, { retentionMs, retentionBytes: -1 })
    expect(replica.core.logStartOffset).toBeGreaterThan(0)
    expect(replica.core.logStartOffset).toBeLessThanOrEqual(4)
  })

  it('is the leader’s matter alone, and ends where the high watermark is', () => {
    const node = new Node()
    const { bench } = node
    bench.apply(bench.topicRecords(1, 'orders'))
    const replica = bench.replica(1)
    replica.log.limitSegments(SMALL_SEGMENTS)
    // Node 2 is in sync and has fetched nothing: nothing is committed.
    for (let sent = 0; sent < 8; sent++) node.produce(replica, batchOf([sent]))
    retain(node, replica, { retentionMs: 0, retentionBytes: 0 })
    expect(replica.core).toMatchObject({ logStartOffset: 0, highWatermark: 0 })
    bench.apply(bench.topicRecords(2, 'followed', { leader: 2 }))
    bench.replica(2).step({ type: 'advanceStart', offset: 5 })
    expect(bench.replica(2).core.logStartOffset).toBe(0)
  })
})

function retain(node: Node, replica: Replica, limits: { readonly retentionMs: number; readonly retentionBytes: number }): void {
  const configs = new Map([
    ['retention.ms', String(limits.retentionMs)],
    ['retention.bytes', String(limits.retentionBytes)],
  ])
  const config = { retentionCheckIntervalMs: 10 } as ConstructorParameters<typeof Retention>[0]['config']
  const retention = new Retention({ clock: node.bench.clock, config, configs: () => configs, replicas: () => [replica] })
  node.bench.run(400)
  retention.stop()
}

describe('R6.9 records are deleted', () => {
  it('up to any record, within a batch too; what is below is out of range, and stays gone after a restart', () => {
    const node = new Node()
    const replica = node.bench.alone(1, 'orders')
    for (const timestamps of [[1, 2], [3, 4, 5], [6]]) node.produce(replica, batchOf(timestamps))
    expect(node.delete(replica, 3)).toEqual([3])
    expect(node.fetch(replica, 2).error).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', message: expect.stringContaining('offsets 3 to 6') })
    expect(node.fetch(replica, 3)).toMatchObject({ error: null, logStartOffset: 3, highWatermark: 6 })
    const again = node.restart(1)
    expect(again.core.logStartOffset).toBe(3)
    expect(again.log.startOffset).toBe(3)
  })

  it('all of them; a second time changes nothing, and nothing can be deleted beyond the high watermark', () => {
    const node = new Node()
    const replica = node.bench.alone(1, 'orders')
    for (const timestamps of [[1, 2], [3]]) node.produce(replica, batchOf(timestamps))
    expect(node.delete(replica, -1)).toEqual([3])
    expect(node.delete(replica, 2)).toEqual([3])
    expect(node.delete(replica, 4)).toMatchObject([{ code: 'OFFSET_OUT_OF_RANGE', definite: true }])
    expect(node.produce(replica, batchOf([4]))).toMatchObject({ code: null, baseOffset: 3 })
  })

  it('is answered when the disks of all in-sync replicas have it, and not in time is indefinite', () => {
    const node = new Node()
    const { bench } = node
    bench.apply(bench.topicRecords(1, 'orders'))
    const replica = bench.replica(1)
    const stream = new FakeServerStream()
    bench.fetchServer.accept(2, stream)
    const follow = (fetchId: number, offset: number, logStartOffset: number): void => {
      const fetch = fetchOf({ fetchId, fetchOffset: offset, lastFetchedEpoch: offset === 0 ? -1 : 0, syncedEndOffset: offset, logStartOffset })
      stream.request({ fetches: [{ topicId: topicId(1), partition: 0, fetch }] })
      bench.run(20)
    }
    node.produce(replica, batchOf([1, 2]))
    follow(1, 2, 0)
    expect(replica.core.highWatermark).toBe(2)
    expect(node.delete(replica, 2, 100)).toMatchObject([{ code: 'REQUEST_TIMED_OUT', definite: false }])
    expect(replica.core.logStartOffset).toBe(2)
    // It learned of it with the answer that went out at once, and says what its disk has.
    expect(stream.sent.at(-1)!.answers[0]!.answer.logStartOffset).toBe(2)
    follow(2, 2, 1)
    expect(replica.core.lowWatermark).toBe(1)
    follow(3, 2, 2)
    expect(node.delete(replica, 2, 100)).toEqual([2])
  })

  it('R6.8: what producers wrote is known though the records and the checkpoints are gone', () => {
    const node = new Node()
    const replica = node.bench.alone(1, 'orders')
    const batch = batchOf([1, 2], { producerId: 7, producerEpoch: 0, baseSequence: 0 })
    expect(node.produce(replica, batch)).toMatchObject({ code: null, baseOffset: 0 })
    expect(node.delete(replica, -1)).toEqual([2])
    node.bench.checkpoints.loseAll()
    const again = node.restart(1)
    expect(again.core).toMatchObject({ logStartOffset: 2, logEndOffset: 2, lastEpoch: 0 })
    expect(again.core.producersBelow(2).map(({ producerId }) => producerId)).toEqual([7])
  })

  it('a follower that ends below the start is told where the first batch begins, and reads on there', () => {
    const node = new Node()
    const { bench } = node
    const replica = bench.alone(1, 'orders')
    for (const timestamps of [[1, 2], [3, 4, 5], [6]]) node.produce(replica, batchOf(timestamps))
    const state = bench.image.topics.get(topicId(1))!.partitions[0]!
    bench.apply([{ type: 'partition', state: { ...state, replicas: [1, 2], partitionEpoch: 1 } }])
    const stream = new FakeServerStream()
    bench.fetchServer.accept(2, stream)
    const ask = (fetchId: number, fetchOffset: number, lastFetchedEpoch: number): FetchAnswer['result'] | number => {
      const fetch = fetchOf({ fetchId, fetchOffset, lastFetchedEpoch, logStartOffset: fetchOffset, syncedEndOffset: fetchOffset })
      stream.request({ fetches: [{ topicId: topicId(1), partition: 0, fetch }] })
      bench.run(50)
      const { answer, batches } = stream.sent.at(-1)!.answers[0]!
      return answer.result.type === 'data' ? readBatchHeader(batches[0]!, 0).baseOffset : answer.result
    }
    expect(node.delete(replica, 4)).toEqual([4])
    expect(ask(1, 0, -1)).toEqual({ type: 'reset', offset: 2, epoch: 0, producers: [] })
    expect(ask(2, 2, 0)).toBe(2)
  })
})

describe('R6.9 a follower begins anew', () => {
  it('R6.8, R5.7: what came with the reset is on its disk before the reset is, and a restart knows it', () => {
    const node = new Node()
    const { bench } = node
    bench.apply(bench.topicRecords(1, 'orders', { leader: 2 }))
    bench.run(200)
    const replica = bench.replica(1)
    const { fetch } = bench.streams[0]!.sent.flatMap(({ fetches }) => fetches).at(-1)!
    const producers = [{ producerId: 7, batches: [{ producerEpoch: 0, baseSequence: 0, lastSequence: 1, baseOffset: 38, lastOffset: 39 }], idleTicks: 3 }]
    const { fetchId, fetchOffset, lastFetchedEpoch } = fetch
    const result = { type: 'reset', offset: 40, epoch: 0, producers } as const
    const answer = { fetchId, leaderEpoch: 0, fetchOffset, lastFetchedEpoch, highWatermark: 50, logStartOffset: 40, result }
    bench.streams[0]!.answer({ answers: [{ topicId: topicId(1), partition: 0, answer, batches: [] }] })
    bench.run(400)
    expect(replica.core).toMatchObject({ logStartOffset: 40, logEndOffset: 40, syncedEndOffset: 40, highWatermark: 40, lastEpoch: 0 })
    bench.checkpoints.loseAll()
    const again = node.restart(1)
    expect(again.core).toMatchObject({ logStartOffset: 40, logEndOffset: 40, lastEpoch: 0 })
    expect(again.core.producersBelow(40)).toMatchObject([{ producerId: 7 }])
  })
})

describe('on a disk with nothing free (rules R3.5)', () => {
  /** Node 1 leads a log of two segments, whose start never moved; then the disk is full. */
  function full(): { node: Node; bench: BrokerBench; replica: Replica } {
    const node = new Node()
    const { bench } = node
    const replica = bench.alone(1, 'orders')
    replica.log.limitSegments(SMALL_SEGMENTS)
    for (let baseSequence = 0; baseSequence < 6; baseSequence += 2) node.produce(replica, batchOf([1, 2], { producerId: 7, producerEpoch: 0, baseSequence }))
    bench.world.disk.full(true)
    return { node, bench, replica }
  }
  const segments = (bench: BrokerBench): string[] => bench.world.fileNames('partitions/orders-0').filter((name) => name.endsWith('.log'))
  const checkpoint = (bench: BrokerBench): void => bench.clock.waitVoid((done) => bench.partitions.checkpoint({ cleanEnds: null }, done))

  it('records are deleted, and what they took is free; who wrote them is noted once there is room again', () => {
    const { node, bench, replica } = full()
    expect(segments(bench)).toHaveLength(2)
    expect(node.delete(replica, 4)).toEqual([4])
    expect([replica.dead, segments(bench).length]).toEqual([false, 1])
    expect(bench.world.fileNames('partitions/orders-0').filter((name) => name.startsWith('below-start'))).toEqual([])
    checkpoint(bench)
    bench.run()
    expect(node.delete(replica, 5)).toEqual([5])
    bench.world.disk.full(false)
    checkpoint(bench)
    bench.run()
    bench.checkpoints.loseAll()
    const again = node.restart(1)
    expect(again.core).toMatchObject({ logStartOffset: 5, logEndOffset: 6 })
    expect(again.core.producersBelow(4)).toMatchObject([{ producerId: 7 }])
  })

  it('a crash before that loses who wrote them, and nothing else', () => {
    const { node, bench, replica } = full()
    expect(node.delete(replica, 6)).toEqual([6])
    bench.world.disk.powerLoss()
    bench.world.disk.full(false)
    bench.checkpoints.loseAll()
    const again = node.restart(1)
    expect(again.core).toMatchObject({ logStartOffset: 6, logEndOffset: 6, lastEpoch: 0 })
    expect([again.damaged, again.core.producersBelow(9)]).toEqual([false, []])
  })

  it('a follower does not begin anew before what comes with that is noted, and does once there is room', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.apply(bench.topicRecords(1, 'orders', { leader: 2 }))
    bench.run(200)
    const replica = bench.replica(1)
    const answer = (): void => {
      const { fetchId, fetchOffset, lastFetchedEpoch } = bench.streams[0]!.sent.flatMap(({ fetches }) => fetches).at(-1)!.fetch
      const result = { type: 'reset', offset: 40, epoch: 0, producers: [] } as const
      const head = { fetchId, leaderEpoch: 0, fetchOffset, lastFetchedEpoch, highWatermark: 50, logStartOffset: 40, result }
      bench.streams[0]!.answer({ answers: [{ topicId: topicId(1), partition: 0, answer: head, batches: [] }] })
      bench.run(200)
    }
    bench.world.disk.full(true)
    answer()
    expect([replica.dead, replica.core.logStartOffset]).toEqual([false, 0])
    bench.world.disk.full(false)
    answer()
    expect(replica.core).toMatchObject({ logStartOffset: 40, syncedEndOffset: 40 })
  })
})

describe('R6.7 a new leader whose high watermark is behind', () => {
  it('refuses no deletion for good that a leader before it may have taken', () => {
    const node = new Node()
    const { bench } = node
    bench.apply(bench.topicRecords(1, 'orders'))
    const replica = bench.replica(1)
    for (let sent = 0; sent < 8; sent++) node.produce(replica, batchOf([sent]))
    expect(node.delete(replica, 3)).toMatchObject([{ code: 'OFFSET_OUT_OF_RANGE' }])
    const state = partition({ leaderEpoch: 1, partitionEpoch: 1, leaderGrantedOffset: bench.image.offset })
    bench.apply([{ type: 'partition', state }])
    for (const beforeOffset of [3, -1]) expect(node.delete(replica, beforeOffset)).toMatchObject([{ code: 'OFFSET_NOT_AVAILABLE', retriable: true }])
    expect(replica.core.logStartOffset).toBe(0)
  })
})

describe('a follower whose leader was elected unclean, below its log start', () => {
  it('R6.3: drops its log for good, and nothing that was noted of it is believed after a restart', () => {
    const node = new Node()
    const { bench } = node
    const replica = bench.alone(1, 'orders')
    for (const baseSequence of [0, 1]) node.produce(replica, batchOf([1], { producerId: 7, producerEpoch: 0, baseSequence }))
    expect(node.delete(replica, 1)).toEqual([1])
    const unclean = { leader: 2, leaderEpoch: 1, partitionEpoch: 1, isr: [{ nodeId: 2, brokerEpoch: 2 }], unclean: true }
    bench.apply(bench.topicRecords(1, 'orders', { replicas: [1, 2], ...unclean }).slice(1))
    bench.run(200)
    answerNewest(bench, { result: { type: 'diverging', epoch: 0, endOffset: 0 } })
    expect([replica.dead, replica.log.startOffset, replica.log.endOffset]).toEqual([false, 0, 0])
    const batch = batchOf([5, 6, 7])
    stampBatch(batch, 0, { baseOffset: 0, leaderEpoch: 1 })
    answerNewest(bench, { highWatermark: 3 }, [batch])
    expect(replica.core).toMatchObject({ logStartOffset: 0, logEndOffset: 3, syncedEndOffset: 3, highWatermark: 3 })
    bench.checkpoints.loseAll()
    const again = node.restart(1)
    expect([again.damaged, again.core.logStartOffset, again.core.logEndOffset]).toEqual([false, 0, 3])
    expect(again.core.epochs).toEqual([{ epoch: 1, startOffset: 0 }])
    expect(again.core.producersBelow(9)).toEqual([])
  })

  it('R6.9: a move of the start that was on its way to the disk meanwhile says nothing of the new log', () => {
    const waiting: (() => void)[] = []
    const slow = (disk: Disk): Disk =>
      new Proxy(disk, {
        get(target, name: keyof Disk) {
          const member = Reflect.get(target, name)
          if (name !== 'rename') return typeof member === 'function' ? (...given: unknown[]) => Reflect.apply(member, target, given) : member
          const rename: Disk['rename'] = (from, to, done) =>
            to.endsWith('/below-start') ? void waiting.push(() => target.rename(from, to, done)) : target.rename(from, to, done)
          return rename
        },
      })
    const node = new Node(new BrokerBench(slow))
    const { bench } = node
    const replica = bench.alone(1, 'orders')
    node.produce(replica, batchOf([1, 2]))
    replica.step({ type: 'advanceStart', offset: 1 })
    bench.run(200)
    const unclean = { leader: 2, leaderEpoch: 1, partitionEpoch: 1, isr: [{ nodeId: 2, brokerEpoch: 2 }], unclean: true }
    bench.apply(bench.topicRecords(1, 'orders', { replicas: [1, 2], ...unclean }).slice(1))
    bench.run(200)
    answerNewest(bench, { result: { type: 'diverging', epoch: 0, endOffset: 0 } })
    const batch = batchOf([5, 6, 7])
    stampBatch(batch, 0, { baseOffset: 0, leaderEpoch: 1 })
    answerNewest(bench, { highWatermark: 3 }, [batch])
    expect([waiting.length, replica.core.syncedEndOffset]).toEqual([1, 3])
    waiting[0]?.()
    bench.run(200)
    expect([replica.dead, replica.core.logStartOffset, replica.log.startOffset]).toEqual([false, 0, 0])
  })
})

/** The leader, of epoch 1, answers what the replica asked last. */
function answerNewest(bench: BrokerBench, change: Partial<FetchAnswer>, batches: readonly Buffer[] = []): void {
  const fetches = bench.streams[0]!.sent.flatMap((message) => message.fetches)
  const { fetchId, fetchOffset, lastFetchedEpoch } = fetches.findLast(({ fetch }) => fetch.maxBytes > 0)!.fetch
  const head: FetchAnswer = {
    fetchId,
    leaderEpoch: 1,
    fetchOffset,
    lastFetchedEpoch,
    highWatermark: 0,
    logStartOffset: 0,
    result: { type: 'data' },
    ...change,
  }
  bench.streams[0]!.answer({ answers: [{ topicId: topicId(1), partition: 0, answer: head, batches: [...batches] }] })
  bench.run(200)
}

describe('an offset by time', () => {
  it('is that of the first record which is not older, as a search through all records says', () => {
    const node = new Node()
    const replica = node.bench.alone(1, 'orders')
    replica.log.limitSegments(SMALL_SEGMENTS)
    const batches = [[10, 20], [15], [30, 5, 25], [40], [35, 60], [50]]
    const all = batches.flat()
    for (const [at, timestamps] of batches.entries()) node.produce(replica, at % 2 === 0 ? batchOf(timestamps) : compressed(batchOf(timestamps)))
    const twin = (timestampMs: number, from: number): { readonly offset: number; readonly timestamp: number } => {
      const offset = all.findIndex((timestamp, at) => at >= from && timestamp >= timestampMs)
      return { offset, timestamp: all[offset] ?? -1 }
    }
    for (let timestampMs = 0; timestampMs <= 61; timestampMs++) expect(node.find(replica, timestampMs), `at ${timestampMs}`).toEqual(twin(timestampMs, 0))
    // Within a batch: its only late record is gone, and the next one is further on.
    for (const from of [1, 4, 8]) {
      expect(node.delete(replica, from)).toEqual([from])
      for (let timestampMs = 0; timestampMs <= 61; timestampMs++)
        expect(node.find(replica, timestampMs), `at ${timestampMs} from ${from}`).toEqual(twin(timestampMs, from))
    }
  })

  it('knows the time of the append, which all records of a batch share', () => {
    const node = new Node()
    const { bench } = node
    bench.apply([
      ...bench.topicRecords(1, 'orders', { replicas: [1], isr: [{ nodeId: 1, brokerEpoch: 1 }] }),
      topicConfig('message.timestamp.type', 'LogAppendTime'),
    ])
    const replica = bench.replica(1)
    node.produce(replica, batchOf([7, 8]), 1_000)
    node.produce(replica, batchOf([9]), 2_000)
    expect(node.find(replica, 9)).toEqual({ offset: 0, timestamp: 1_000 })
    expect(node.find(replica, 1_001)).toEqual({ offset: 2, timestamp: 2_000 })
    expect(node.find(replica, 2_001)).toEqual({ offset: -1, timestamp: -1 })
  })

  it('is not said of records that are not committed, nor by a replica that does not lead', () => {
    const node = new Node()
    const { bench } = node
    bench.apply(bench.topicRecords(1, 'orders'))
    node.produce(bench.replica(1), batchOf([5]))
    expect(node.find(bench.replica(1), 0)).toEqual({ offset: -1, timestamp: -1 })
    bench.apply(bench.topicRecords(2, 'followed', { leader: 2 }))
    expect(() => node.find(bench.replica(2), 0)).toThrow(/^NOT_LEADER_OR_FOLLOWER/)
  })
})

function topicConfig(key: string, value: string) {
  return { type: 'topicConfig', topicId: topicId(1), key, value } as const
}
