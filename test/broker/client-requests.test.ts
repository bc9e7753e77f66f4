import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import type { FetchContext } from '../../src/broker/consumer-fetch.ts'
import { PlainCalls } from '../../src/broker/plain-calls.ts'
import { ProduceBudget, type ProduceContext } from '../../src/broker/produce.ts'
import { ClientSession } from '../../src/broker/session.ts'
import { encodeBatch } from '../../src/record/records.ts'
import type { FollowerFetch } from '../../src/replication/effects.ts'
import type { FetchRequest, FetchResponse, ProduceRequest, ProduceResponse } from '../../src/wire/api.ts'
import { topicId } from '../metadata/fixtures.ts'
import { BrokerBench, FakeServerStream, fetchOf, records } from './harness.ts'

/** One connection of a client to node 1: topic 1 on nodes 1 and 2, topic 2 on node 1 alone. */
class Connection {
  readonly bench = new BrokerBench()
  readonly produced: ProduceResponse[] = []
  readonly fetched: FetchResponse[] = []
  readonly budget = new ProduceBudget(1000)
  readonly session: ClientSession
  readonly open: () => ClientSession
  isDiskLow = false

  constructor() {
    const { bench } = this
    const find = (id: string, number: number) => bench.partitions.find(id, number)
    const knowsTopic = (id: string): boolean => bench.image.topics.has(id)
    const produce: ProduceContext = { clock: bench.clock, budget: this.budget, find, knowsTopic, isDiskLow: () => this.isDiskLow }
    const fetch: FetchContext = { clock: bench.clock, find, knowsTopic, readFailed: (replica, error) => bench.partitions.readFailed(replica, error) }
    const plain = new PlainCalls({
      nodeId: 1,
      clock: bench.clock,
      image: () => bench.image,
      isCaughtUp: () => true,
      isClosed: () => false,
      listOffsets: (_request, done) => done(undefined, { partitions: [] }),
    })
    this.open = () => new ClientSession({ produce, fetch, plainCalls: plain, image: () => bench.image })
    this.session = this.open()
    bench.begin()
    bench.apply(bench.topicRecords(1, 'orders'))
    bench.alone(2, 'payments')
  }

  produce(changes: Partial<ProduceRequest> & { readonly topics?: readonly number[]; readonly batch?: Buffer } = {}): void {
    const { topics = [1], batch = records(1), ...request } = changes
    const partitions = topics.map((number) => ({ topicId: topicId(number), partition: 0, leaderEpoch: -1, batch }))
    this.session.produce({ requestId: 1, acks: -1, timeoutMs: 500, partitions, ...request }, (response) => this.produced.push(response))
  }

  fetch(changes: Partial<FetchRequest> & { readonly topics?: readonly number[]; readonly fetchOffset?: number; readonly leaderEpoch?: number } = {}): void {
    const { topics = [1], fetchOffset = 0, leaderEpoch = -1, ...request } = changes
    const partitions = topics.map((number) => ({ topicId: topicId(number), partition: 0, leaderEpoch, fetchOffset, maxBytes: 1024 * 1024 }))
    this.session.fetch({ requestId: 1, maxWaitMs: 500, minBytes: 1, maxBytes: 1024 * 1024, partitions, ...request }, (response) => this.fetched.push(response))
  }

  /** Node 2 says that it has synced topic 1 up to there. */
  follow(endOffset: number, fetchId: number): void {
    const stream = new FakeServerStream()
    this.bench.fetchServer.accept(2, stream)
    const fetch = fetchOf({ fetchId, fetchOffset: endOffset, lastFetchedEpoch: endOffset === 0 ? -1 : 0, syncedEndOffset: endOffset })
    stream.request({ fetches: [{ topicId: topicId(1), partition: 0, fetch }] })
    this.bench.run(5)
  }

  changeLeader(): void {
    const { bench } = this
    const state = bench.image.topics.get(topicId(1))!.partitions[0]!
    bench.applyQuietly([{ type: 'partition', state: { ...state, leader: 2, leaderEpoch: 1, partitionEpoch: 1, leaderGrantedOffset: bench.image.offset } }])
  }

  /** What this node asks node 2 for first, in this very moment. */
  asked(): FollowerFetch {
    const { streams, clock } = this.bench
    while (streams[0]?.sent[0] === undefined) clock.step()
    return streams[0].sent[0].fetches[0]!.fetch
  }

  get errors(): unknown[] {
    return this.produced.flatMap(({ partitions }) => partitions.map(({ error }) => error && { code: error.code, definite: error.definite }))
  }

  get fetchErrors(): unknown[] {
    return this.fetched.flatMap(({ partitions }) => partitions.map(({ error }) => error?.code ?? null))
  }
}

describe('produce', () => {
  it('R6.6: acks all is answered when the high watermark passes, in a turn of its own, and gives its bytes back', () => {
    const connection = new Connection()
    connection.produce()
    connection.bench.run(50)
    expect(connection.produced).toEqual([])
    expect(connection.bench.replica(1).core.syncedEndOffset).toBe(1)
    connection.follow(1, 1)
    expect(connection.produced).toEqual([{ requestId: 1, partitions: [{ topicId: topicId(1), partition: 0, baseOffset: 0, error: null }] }])
    connection.budget.take(1000)
    expect(connection.budget.isExceeded).toBe(false)
  })

  it('R6.6: acks 1 is answered on the own sync, acks 0 never', () => {
    const connection = new Connection()
    connection.produce({ acks: 0 })
    connection.produce({ acks: 1, requestId: 2 })
    expect(connection.produced).toEqual([])
    connection.bench.run(50)
    expect(connection.produced.map(({ requestId, partitions }) => [requestId, partitions[0]?.baseOffset])).toEqual([[2, 1]])
  })

  it('R1.3: what runs out of time is indefinite, and leaves the machine', () => {
    const connection = new Connection()
    connection.produce({ topics: [1, 2] })
    connection.bench.run(499)
    expect(connection.produced).toEqual([])
    connection.bench.run(2)
    expect(connection.errors).toEqual([{ code: 'REQUEST_TIMED_OUT', definite: false }, null])
    expect(connection.bench.replica(1).core.waitingProduces).toBe(0)
    connection.follow(1, 1)
    expect(connection.produced).toHaveLength(1)
  })

  it('R1.3: loss of leadership after the append is indefinite, refusal before it is definite', () => {
    const connection = new Connection()
    connection.produce()
    connection.changeLeader()
    connection.bench.run(5)
    connection.produce()
    connection.bench.run(5)
    expect(connection.errors).toEqual([
      { code: 'NOT_LEADER_OR_FOLLOWER', definite: false },
      { code: 'NOT_LEADER_OR_FOLLOWER', definite: true },
    ])
  })

  it('a refusal names the leader that metadata knows, to producers and consumers alike', () => {
    const connection = new Connection()
    connection.changeLeader()
    connection.bench.run(5)
    connection.produce()
    connection.fetch({ leaderEpoch: 0, maxWaitMs: 0 })
    connection.fetch({ topics: [2], leaderEpoch: 9, maxWaitMs: 0 })
    connection.fetch({ topics: [5], maxWaitMs: 0 })
    connection.bench.run(5)
    const leader = { nodeId: 2, host: '127.0.0.1', grpcPort: 9192, leaderEpoch: 1 }
    expect(connection.produced[0]?.partitions[0]?.error).toMatchObject({ code: 'NOT_LEADER_OR_FOLLOWER', leader })
    const errors = connection.fetched.map(({ partitions }) => partitions[0]?.error)
    expect(errors.map((error) => [error?.code, error?.leader])).toEqual([
      ['NOT_LEADER_OR_FOLLOWER', leader],
      ['UNKNOWN_LEADER_EPOCH', { ...leader, nodeId: 1, leaderEpoch: 0 }],
      ['UNKNOWN_TOPIC_ID', undefined],
    ])
  })

  it('errors are told a partition: unknown topics, bad batches, bad acks, a full disk', () => {
    const connection = new Connection()
    const torn = records(1)
    torn[torn.length - 1]! ^= 1
    connection.produce({ topics: [9, 2], acks: 1 })
    connection.produce({ batch: torn })
    connection.produce({ batch: Buffer.concat([records(1), records(1)]) })
    connection.produce({ batch: Buffer.alloc(3) })
    connection.produce({ acks: 7 })
    connection.isDiskLow = true
    connection.produce()
    connection.bench.run(50)
    const codes = connection.produced.flatMap(({ partitions }) => partitions.map(({ error }) => error?.code ?? null))
    expect(codes).toEqual(['CORRUPT_MESSAGE', 'INVALID_RECORD', 'CORRUPT_MESSAGE', 'INVALID_REQUIRED_ACKS', 'DISK_LOW', 'UNKNOWN_TOPIC_ID', null])
    expect(connection.bench.replica(1).log.endOffset).toBe(0)
  })

  it('a request without partitions is answered', () => {
    const connection = new Connection()
    connection.produce({ topics: [] })
    connection.bench.run(5)
    expect(connection.produced).toEqual([{ requestId: 1, partitions: [] }])
  })

  it('rules 8: the budget holds bytes until their answer, and says when there is room; a closed connection gives all of it back', () => {
    const connection = new Connection()
    let resumed = 0
    connection.produce({ batch: records(1, 2000) })
    expect(connection.session.paused).toBe(true)
    connection.session.onResume(() => resumed++)
    connection.follow(0, 1)
    connection.bench.run(50)
    expect([connection.session.paused, resumed]).toEqual([true, 0])
    connection.follow(1, 2)
    expect([connection.session.paused, resumed]).toEqual([false, 1])
    connection.produce({ batch: records(1, 2000) })
    connection.session.onResume(() => resumed++)
    connection.session.close()
    connection.produce()
    connection.bench.run(600)
    expect([connection.session.paused, resumed, connection.produced.length]).toEqual([false, 1, 1])
    expect(connection.bench.replica(1).core.waitingProduces).toBe(0)
    expect(connection.bench.replica(1).log.endOffset).toBe(2)
  })
})

describe('I10: bytes that wait for the disk', () => {
  const batch = records(1, 2000)

  /** Another connection to the same node. */
  function isPaused(connection: Connection): boolean {
    return connection.open().paused
  }

  it('count against the limit with acks 0, which is never answered', () => {
    const connection = new Connection()
    let resumed = 0
    connection.produce({ acks: 0, batch })
    connection.session.onResume(() => resumed++)
    expect([connection.session.paused, resumed]).toEqual([true, 0])
    connection.bench.run(50)
    expect([connection.session.paused, resumed]).toEqual([false, 1])
  })

  it('count after their connection ended, and after their produce ran out of time', () => {
    const connection = new Connection()
    connection.produce({ batch })
    connection.session.close()
    expect(isPaused(connection)).toBe(true)
    connection.bench.run(50)
    expect(isPaused(connection)).toBe(false)

    const other = new Connection()
    other.produce({ batch, timeoutMs: 0 })
    while (other.produced.length === 0) other.bench.clock.step()
    expect([other.errors, isPaused(other)]).toEqual([[{ code: 'REQUEST_TIMED_OUT', definite: false }], true])
    other.bench.run(50)
    expect(isPaused(other)).toBe(false)
  })

  it('count no more when the log dies, or when they were refused', () => {
    const connection = new Connection()
    connection.produce({ acks: 0, batch })
    connection.bench.partitions.failed(connection.bench.replica(1).log, new Error('EIO'))
    expect(isPaused(connection)).toBe(false)
    connection.produce({ acks: 0, batch })
    expect(isPaused(connection)).toBe(false)
  })

  it('count no more when a cut took them, and what stays waits on', () => {
    const connection = new Connection()
    const { bench } = connection
    connection.produce({ acks: 0, batch: records(1, 500) })
    bench.run(50)
    connection.produce({ acks: 0, batch: records(1, 400) })
    connection.produce({ acks: 0, batch })
    expect(isPaused(connection)).toBe(true)
    const replica = bench.replica(1)
    connection.changeLeader()
    const { fetchId, fetchOffset, lastFetchedEpoch } = connection.asked()
    const result = { type: 'diverging', epoch: 0, endOffset: 2 } as const
    const answer = { fetchId, leaderEpoch: 1, fetchOffset, lastFetchedEpoch, highWatermark: 0, logStartOffset: 0, result }
    replica.step({ type: 'answer', from: 2, answer, headers: [], bytes: Buffer.alloc(0) })
    expect([replica.log.endOffset, replica.log.syncedEndOffset, isPaused(connection)]).toEqual([2, 1, false])
    connection.budget.appended(700)
    expect(isPaused(connection)).toBe(true)
    bench.run(50)
    expect([replica.log.syncedEndOffset, isPaused(connection)]).toEqual([2, false])
  })
})

describe('fetch', () => {
  it('R6.7: waits for the high watermark and shows nothing beyond it', () => {
    const connection = new Connection()
    connection.fetch()
    connection.produce({ batch: records(2) })
    connection.produce({ batch: records(3) })
    connection.bench.run(50)
    expect(connection.fetched).toEqual([])
    connection.follow(2, 1)
    const [partition] = connection.fetched[0]!.partitions
    expect([partition?.highWatermark, Buffer.concat(partition?.batches ?? []).length]).toEqual([2, records(2).length])
    connection.bench.run(600)
    expect(connection.fetched).toHaveLength(1)
  })

  it('begins with the batch that holds the offset, and gives one batch however small maxBytes is', () => {
    const connection = new Connection()
    connection.produce({ topics: [2], batch: records(5) })
    connection.produce({ topics: [2], batch: records(4) })
    connection.bench.run(50)
    connection.fetch({ topics: [2], fetchOffset: 3, maxBytes: 1 })
    connection.bench.run(5)
    expect(Buffer.concat(connection.fetched[0]!.partitions[0]!.batches).length).toBe(records(5).length)
  })

  it('R6.7: at the end it waits as long as it may, and is then empty', () => {
    const connection = new Connection()
    connection.fetch({ topics: [1, 2] })
    connection.bench.run(499)
    expect(connection.fetched).toEqual([])
    connection.bench.run(2)
    expect(connection.fetched[0]?.partitions.map(({ batches, error }) => [batches.length, error])).toEqual([
      [0, null],
      [0, null],
    ])
  })

  it('minBytes: waits for more than one record when more is asked for', () => {
    const connection = new Connection()
    connection.fetch({ topics: [2], minBytes: 3 })
    connection.produce({ topics: [2] })
    connection.bench.run(50)
    expect(connection.fetched).toEqual([])
    connection.produce({ topics: [2], batch: records(2) })
    connection.bench.run(50)
    expect(connection.fetched).toHaveLength(1)
  })

  it('wakes at once when the leader goes, the topic is deleted, or the replica dies', () => {
    const connection = new Connection()
    const { bench } = connection
    connection.fetch({ maxWaitMs: 30_000 })
    connection.changeLeader()
    bench.run(5)
    expect(connection.fetchErrors).toEqual(['NOT_LEADER_OR_FOLLOWER'])
    connection.fetch({ maxWaitMs: 30_000, topics: [2] })
    bench.applyQuietly([{ type: 'topicDeleted', topicId: topicId(2) }])
    bench.run(5)
    expect(connection.fetchErrors[1]).toBe('UNKNOWN_TOPIC_ID')
    const replica = bench.alone(3, 'stock')
    connection.fetch({ maxWaitMs: 30_000, topics: [3] })
    bench.partitions.failed(replica.log, new Error('EIO'))
    bench.run(5)
    expect(connection.fetchErrors[2]).toBe('KAFKA_STORAGE_ERROR')
    expect(bench.partitions.deadLogs()).toEqual([{ topicId: topicId(3), partition: 0 }])
  })

  it('says what is wrong with epoch and offset', () => {
    const connection = new Connection()
    connection.fetch({ leaderEpoch: 4 })
    connection.fetch({ fetchOffset: 1 })
    connection.fetch({ topics: [9] })
    connection.bench.run(5)
    expect(connection.fetchErrors).toEqual(['UNKNOWN_LEADER_EPOCH', 'OFFSET_OUT_OF_RANGE', 'UNKNOWN_TOPIC_ID'])
  })

  it('answers for as many partitions as a request may name: idle, in memory, out of room or in error, they take no stack', () => {
    const connection = new Connection()
    connection.produce({ topics: [2], batch: records(1, 1000) })
    connection.bench.run(50)
    connection.fetch({ topics: Array.from({ length: 10_000 }, (_, at) => [1, 2, 9][at % 3] as number), maxBytes: 3_000 })
    connection.bench.run(5)
    const { partitions } = connection.fetched[0]!
    expect(partitions.map((partition) => partition.topicId)).toEqual(Array.from({ length: 10_000 }, (_, at) => topicId([1, 2, 9][at % 3] as number)))
    expect(partitions.filter(({ batches }) => batches.length > 0).map(({ topicId: id }) => id)).toEqual([topicId(2), topicId(2), topicId(2)])
    expect(new Set(partitions.map(({ error }) => error?.code ?? null))).toEqual(new Set([null, 'UNKNOWN_TOPIC_ID']))
  })

  it('forgets the fetches of a connection that closed', () => {
    const connection = new Connection()
    connection.fetch({ topics: [2] })
    connection.session.close()
    connection.fetch({ topics: [2] })
    connection.produce({ topics: [2] })
    connection.bench.run(600)
    expect(connection.fetched).toEqual([])
  })
})

describe('fetch from disk', () => {
  /** Logs of one batch each, all of it on disk alone. */
  function cold(count: number, sizeBytes: number): Connection {
    const connection = new Connection()
    const { bench } = connection
    const numbers = Array.from({ length: count }, (_, at) => 10 + at)
    for (const number of numbers) bench.alone(number, `cold${number}`)
    const value = Buffer.alloc(sizeBytes, 'v')
    for (const number of numbers) {
      connection.produce({ topics: [number], batch: encodeBatch([{ timestamp: 0, key: null, value }]) })
      bench.run(50)
    }
    connection.produced.length = 0
    bench.restart()
    bench.begin()
    for (const number of numbers) {
      bench.apply(bench.topicRecords(number, `cold${number}`, { replicas: [1], isr: [{ nodeId: 1, brokerEpoch: 1 }], leaderEpoch: 1 }))
      // The first batch of the new epoch lets the high watermark be known.
      connection.produce({ topics: [number] })
      bench.run(50)
    }
    return connection
  }

  it('rules 8: the answer stays within its bytes, with all partitions on disk', () => {
    const connection = cold(4, 100_000)
    connection.fetch({ topics: [10, 11, 12, 13], maxBytes: 150_000 })
    connection.bench.run(100)
    const sizes = connection.fetched[0]!.partitions.map(({ batches }) => batches.reduce((sum, batch) => sum + batch.length, 0))
    expect(sizes.map((size) => size > 0)).toEqual([true, true, false, false])
  })

  it('R6.7: what was read while the leader changed is not shown', () => {
    const connection = cold(1, 10)
    const { bench } = connection
    connection.fetch({ topics: [10] })
    const state = bench.image.topics.get(topicId(10))!.partitions[0]!
    const after = { ...state, leader: -1, isr: [], elr: [1], leaderEpoch: 2, partitionEpoch: 1, leaderGrantedOffset: bench.image.offset }
    bench.applyQuietly([{ type: 'partition', state: after }])
    bench.run(100)
    expect(connection.fetchErrors).toEqual(['NOT_LEADER_OR_FOLLOWER'])
  })

  it('R3.3: a batch that fails its checksum makes the replica damaged at once', () => {
    const connection = cold(1, 10)
    const { bench } = connection
    const replica = bench.replica(10)
    replica.log.read = (_offset, _maxBytes, done) => bench.clock.defer(() => done(new BrokerError('CORRUPT_MESSAGE', 'flipped'), undefined as never))
    connection.fetch({ topics: [10] })
    bench.run(100)
    expect(connection.fetchErrors).toEqual(['KAFKA_STORAGE_ERROR'])
    expect([replica.damaged, replica.dead, replica.core.role]).toEqual([true, true, 'offline'])
    expect(bench.partitions.deadLogs()).toHaveLength(1)
    expect(bench.clock.wait<string | undefined>((done) => bench.world.directory!.readNote(replica.log.name, 'damaged', done))).toContain('flipped')
  })
})
