import { describe, expect, it } from 'vitest'
import type { BrokerError } from '../../src/base/errors.ts'
import { PlainCalls } from '../../src/broker/plain-calls.ts'
import { ProduceBudget } from '../../src/broker/produce.ts'
import { ClientSession } from '../../src/broker/session.ts'
import { partitionForKey } from '../../src/record/murmur2.ts'
import type { FetchRecordsRequest, FetchRecordsResponse, PlainRecord, ProduceRecordsRequest, ProduceRecordsResponse } from '../../src/wire/plain-api.ts'
import { partition, topicId } from '../metadata/fixtures.ts'
import { BrokerBench } from './harness.ts'

type Answer<T> = { readonly error: BrokerError } | { readonly value: T }

function records(...values: readonly string[]): PlainRecord[] {
  return values.map((value) => ({ key: null, value: Buffer.from(value), headers: [], timestamp: null }))
}

function keyed(...keys: readonly string[]): PlainRecord[] {
  return keys.map((key) => ({ key: Buffer.from(key), value: null, headers: [], timestamp: null }))
}

const address = (nodeId: number) => ({ host: '127.0.0.1', grpcPort: 9191 + nodeId, kafkaPort: null, httpPort: null, rack: null })

/** A client of node 1, which leads the even partitions of `orders`; node 2 leads the odd ones. */
class Client {
  readonly bench = new BrokerBench()
  readonly budget = new ProduceBudget(1_000_000)
  readonly session: ClientSession
  isClosed = false
  isCaughtUp = true

  constructor(partitions = 4) {
    const { bench } = this
    bench.begin()
    for (const nodeId of [1, 2]) {
      const broker = bench.image.brokers.get(nodeId)!
      bench.applyQuietly([{ type: 'broker', nodeId, incarnationId: broker.incarnationId, directoryIds: broker.directoryIds, address: address(nodeId) }])
      bench.applyQuietly([{ type: 'brokerState', nodeId, brokerEpoch: bench.image.brokers.get(nodeId)!.brokerEpoch, fenced: false, draining: false }])
    }
    const brokerEpoch = (nodeId: number): number => bench.image.brokers.get(nodeId)!.brokerEpoch
    const states = Array.from({ length: partitions }, (_, number) => {
      const leader = number % 2 === 0 ? 1 : 2
      const isr = [{ nodeId: leader, brokerEpoch: brokerEpoch(leader) }]
      const state = partition({ topicId: topicId(1), partition: number, replicas: [leader], isr, leader, leaderGrantedOffset: bench.image.offset })
      return { type: 'partition', state } as const
    })
    bench.apply([{ type: 'topic', topicId: topicId(1), name: 'orders' }, ...states], brokerEpoch(1))
    const find = (id: string, number: number) => bench.partitions.find(id, number)
    const knowsTopic = (id: string): boolean => bench.image.topics.has(id)
    const plain = new PlainCalls({
      nodeId: 1,
      clock: bench.clock,
      image: () => bench.image,
      isCaughtUp: () => this.isCaughtUp,
      isClosed: (id, number) => this.isClosed || find(id, number) === undefined,
      listOffsets: ({ partitions: [asked] }, done) =>
        bench.clock.defer(() => {
          const log = find(asked!.topicId, asked!.partition)!.log
          const offset = asked!.at === 'earliest' ? log.startOffset : log.endOffset
          done(undefined, { partitions: [{ topicId: asked!.topicId, partition: 0, offset, timestamp: -1, leaderEpoch: 0, error: null }] })
        }),
    })
    this.session = new ClientSession({
      produce: { clock: bench.clock, budget: this.budget, find, knowsTopic, isDiskLow: () => false },
      fetch: { clock: bench.clock, find, knowsTopic, readFailed: () => {} },
      plainCalls: plain,
      image: () => bench.image,
    })
  }

  produce(changes: Partial<ProduceRecordsRequest>): Answer<ProduceRecordsResponse> {
    const request = { topic: 'orders', partition: null, acks: null, timeoutMs: 500, records: records('a'), idempotence: null, ...changes }
    return this.#answer((done) => this.session.produceRecords(request, done))
  }

  fetch(changes: Partial<FetchRecordsRequest>): Answer<FetchRecordsResponse> {
    const request = { topic: 'orders', partition: 0, offset: 0, maxWaitMs: 100, minBytes: 0, maxBytes: 0, maxRecords: 0, ...changes }
    return this.#answer((done) => this.session.fetchRecords(request, done))
  }

  /** Time passes until it is answered: in a turn of its own, once. */
  #answer<T>(ask: (done: (error: Error | undefined, value: T) => void) => void): Answer<T> {
    const answers: Answer<T>[] = []
    ask((error, value) => answers.push(error === undefined ? { value } : { error: error as BrokerError }))
    expect(answers).toEqual([])
    for (let round = 0; round < 400 && answers.length === 0; round++) this.bench.run(10)
    this.bench.run(10)
    expect(answers).toHaveLength(1)
    return answers[0]!
  }
}

describe('ProduceRecords', () => {
  it('appends all records of a call as one batch, and says where', () => {
    const client = new Client()
    expect(client.produce({ partition: 2, records: records('a', 'b', 'c') })).toEqual({ value: { partition: 2, baseOffset: 0 } })
    expect(client.produce({ partition: 2, records: records('d') })).toEqual({ value: { partition: 2, baseOffset: 3 } })
    const read = client.fetch({ partition: 2 })
    expect(read).toMatchObject({ value: { highWatermark: 4, logStartOffset: 0, nextOffset: 4 } })
    expect('value' in read && read.value.records.map(({ value }) => value?.toString())).toEqual(['a', 'b', 'c', 'd'])
  })

  it('names the leader where another node leads: definite, retriable, with an address to dial', () => {
    const answer = new Client().produce({ partition: 3 })
    expect(answer).toMatchObject({ error: { code: 'NOT_LEADER_OR_FOLLOWER', definite: true, retriable: true } })
    expect('error' in answer && answer.error.leader).toEqual({ nodeId: 2, host: '127.0.0.1', grpcPort: 9193, leaderEpoch: 0 })
  })

  it('a node that does not know yet what the cluster has decided denies no topic: definite, retriable, at once', () => {
    const client = new Client()
    const answers = (): unknown[] => [client.produce({ topic: 'others' }), client.fetch({ topic: 'others' })]
    client.isCaughtUp = false
    const refusal = { error: { code: 'LEADER_NOT_AVAILABLE', definite: true, retriable: true } }
    expect(answers()).toMatchObject([refusal, refusal])
    expect(client.produce({ partition: 0 })).toMatchObject({ value: { partition: 0 } })
    client.isCaughtUp = true
    expect(answers()).toMatchObject([{ error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } }, { error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } }])
  })

  it('goes to the partition of the key that Kafka chooses', () => {
    const client = new Client()
    const key = ['a', 'b', 'c', 'd', 'e', 'f'].find((one) => partitionForKey(Buffer.from(one), 4) === 2)!
    expect(client.produce({ records: keyed(key, key) })).toMatchObject({ value: { partition: 2 } })
    // Records without a key go where those with one must.
    expect(client.produce({ partition: -1, records: [...records('x'), ...keyed(key)] })).toMatchObject({ value: { partition: 2 } })
    expect(client.produce({ records: keyed('a', 'b', 'c', 'd', 'e', 'f') })).toMatchObject({ error: { code: 'INVALID_REQUEST', definite: true } })
  })

  it('without a key goes in turn to the partitions that this node leads, and to no other', () => {
    const client = new Client()
    const chosen = [1, 2, 3, 4].map(() => {
      const answer = client.produce({})
      return 'value' in answer ? answer.value.partition : answer.error.code
    })
    expect(chosen.sort()).toEqual([0, 0, 2, 2])
  })

  it('a repeated call is answered like the first, and appends nothing twice (rules R6.8)', () => {
    const client = new Client()
    const call = { partition: 0, records: records('a', 'b'), idempotence: { producerId: 7, producerEpoch: 0, baseSequence: 0 } }
    expect(client.produce(call)).toEqual({ value: { partition: 0, baseOffset: 0 } })
    expect(client.produce(call)).toEqual({ value: { partition: 0, baseOffset: 0 } })
    expect(client.produce({ ...call, idempotence: { ...call.idempotence, baseSequence: 2 } })).toEqual({ value: { partition: 0, baseOffset: 2 } })
    expect(client.produce({ ...call, idempotence: { ...call.idempotence, baseSequence: 9 } })).toMatchObject({
      error: { code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' },
    })
    expect(client.fetch({})).toMatchObject({ value: { highWatermark: 4 } })
  })

  it.each([
    [{ partition: null }, 'name the partition'],
    [{ partition: -1 }, 'name the partition'],
    [{ acks: 1 }, 'acks must be'],
    [{ idempotence: { producerId: -1, producerEpoch: 0, baseSequence: 0 } }, 'CreateProducerId'],
    [{ idempotence: { producerId: 1, producerEpoch: 32_768, baseSequence: 0 } }, 'producer_epoch'],
    [{ idempotence: { producerId: 1, producerEpoch: 0, baseSequence: -1 } }, 'base_sequence'],
  ])('idempotence that could not keep its promise is refused: %o', (changes, why) => {
    const client = new Client()
    const answer = client.produce({ partition: 0, idempotence: { producerId: 1, producerEpoch: 0, baseSequence: 0 }, ...changes })
    expect(answer).toMatchObject({ error: { code: 'INVALID_REQUEST', detail: expect.stringContaining(why) } })
    expect(client.fetch({})).toMatchObject({ value: { highWatermark: 0 } })
  })

  it.each([
    [{ topic: 'nope' }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    [{ partition: 4 }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    [{ partition: 0, acks: 5 }, 'INVALID_REQUIRED_ACKS'],
    [{ partition: 0, records: records('x'.repeat(2_000_000)) }, 'MESSAGE_TOO_LARGE'],
  ])('is answered with what is wrong: %o', (changes, code) => {
    expect(new Client().produce(changes)).toMatchObject({ error: { code, definite: true } })
  })

  it('acks 0 is answered before anything is written', () => {
    const client = new Client()
    expect(client.produce({ partition: 0, acks: 0 })).toEqual({ value: { partition: 0, baseOffset: -1 } })
    expect(client.fetch({ maxWaitMs: 500 })).toMatchObject({ value: { records: [{ offset: 0 }] } })
  })

  it('rules 8: a node that holds all the bytes it may refuses, definite and retriable, before it keeps any of it', () => {
    const client = new Client()
    client.budget.take(1_000_001)
    expect(client.produce({ partition: 0 })).toMatchObject({ error: { code: 'THROTTLING_QUOTA_EXCEEDED', definite: true, retriable: true } })
    client.budget.release(1_000_001)
    expect(client.produce({ partition: 0 })).toEqual({ value: { partition: 0, baseOffset: 0 } })
  })

  it('waits for a log that is being opened: the first call right behind CreateTopic is no error', () => {
    const client = new Client()
    client.isClosed = true
    client.bench.clock.after(300, () => {
      client.isClosed = false
    })
    expect(client.produce({ partition: 0 })).toEqual({ value: { partition: 0, baseOffset: 0 } })
  })
})

describe('FetchRecords', () => {
  it('waits for a record, and answers without one when its time is over', () => {
    const client = new Client()
    expect(client.fetch({ maxWaitMs: 50 })).toEqual({ value: { records: [], highWatermark: 0, logStartOffset: 0, nextOffset: 0 } })
    client.bench.clock.after(100, () =>
      client.session.produceRecords({ topic: 'orders', partition: 0, acks: null, timeoutMs: 0, records: records('late'), idempotence: null }, () => {}),
    )
    expect(client.fetch({ maxWaitMs: 3_000 })).toMatchObject({ value: { records: [{ offset: 0 }], nextOffset: 1 } })
  })

  it('goes on where it was told to, record by record', () => {
    const client = new Client()
    client.produce({ partition: 0, records: records('a', 'b', 'c') })
    expect(client.fetch({ maxRecords: 2 })).toMatchObject({ value: { records: [{ offset: 0 }, { offset: 1 }], nextOffset: 2 } })
    expect(client.fetch({ offset: 2, maxRecords: 2 })).toMatchObject({ value: { records: [{ offset: 2 }], nextOffset: 3 } })
  })

  it('−2 begins with the first record kept, −1 with what comes next', () => {
    const client = new Client()
    client.produce({ partition: 0, records: records('a', 'b') })
    expect(client.fetch({ offset: -2 })).toMatchObject({ value: { records: [{ offset: 0 }, { offset: 1 }], nextOffset: 2 } })
    expect(client.fetch({ offset: -1 })).toMatchObject({ value: { records: [], nextOffset: 2 } })
  })

  it.each([
    [{ offset: 1 }, 'OFFSET_OUT_OF_RANGE'],
    [{ partition: 1 }, 'NOT_LEADER_OR_FOLLOWER'],
    [{ partition: 9 }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    [{ topic: 'nope' }, 'UNKNOWN_TOPIC_OR_PARTITION'],
  ])('is answered with what is wrong: %o', (changes, code) => {
    expect(new Client().fetch(changes)).toMatchObject({ error: { code, definite: true } })
  })
})
