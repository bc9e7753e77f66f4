import { describe, expect, it } from 'vitest'
import type { Broker, BrokerSession } from '../../src/broker/api.ts'
import { BrokerError } from '../../src/base/errors.ts'
import { Histogram } from '../../src/node/histogram.ts'
import { meteredBroker, RequestMeter } from '../../src/node/request-meter.ts'
import type { ProduceRequest, ProduceResponse } from '../../src/wire/api.ts'

const KNOWN = 'a'.repeat(32)
const UNKNOWN = 'b'.repeat(32)
const topics = { has: (topicId: string) => topicId === KNOWN, idOf: (name: string) => (name === 'orders' ? KNOWN : undefined) }

/** A batch that says so many records; nothing else of it is looked at. */
function batchOf(recordCount: number): Buffer {
  const batch = Buffer.alloc(100)
  batch.writeInt32BE(recordCount, 57)
  return batch
}

const error = { code: 'NOT_LEADER_OR_FOLLOWER', message: 'not here', retriable: true, definite: true } as const

/** A broker whose sessions answer a produce when they are told to; it is asked nothing that it does not have. */
function fakeBroker(given: Partial<Broker & BrokerSession>): { readonly broker: Broker; readonly replies: ((response: ProduceResponse) => void)[] } {
  const replies: ((response: ProduceResponse) => void)[] = []
  const session = { produce: (_request: ProduceRequest, reply: (response: ProduceResponse) => void) => replies.push(reply), paused: true, close() {}, ...given }
  return { broker: { openSession: () => session as unknown as BrokerSession, ...given } as unknown as Broker, replies }
}

describe('what clients ask, counted', () => {
  it('a produce counts when it is answered: the batches without an error, each error once', () => {
    const meter = new RequestMeter()
    const { broker, replies } = fakeBroker({})
    const session = meteredBroker(broker, meter, topics).openSession()
    const partitions = [5, 7, 0].map((records, partition) => ({ topicId: KNOWN, partition, leaderEpoch: 1, batch: batchOf(records) }))
    const heard: ProduceResponse[] = []
    session.produce({ requestId: 1, acks: -1, timeoutMs: 1, partitions }, (response) => heard.push(response))
    expect([meter.kinds.size, meter.topics.size]).toEqual([0, 0])
    const response = {
      requestId: 1,
      partitions: partitions.map(({ topicId, partition }) => ({ topicId, partition, baseOffset: 0, error: partition === 0 ? null : error })),
    }
    replies[0]?.(response)
    expect(heard).toEqual([response])
    expect(meter.topics.get(KNOWN)).toMatchObject({ records: 5, bytesIn: 100, bytesOut: 0 })
    expect(meter.kinds.get('Produce')?.totalMs.count).toBe(1)
    expect([...(meter.kinds.get('Produce')?.errors ?? [])]).toEqual([['NOT_LEADER_OR_FOLLOWER', 1]])
    expect(session.paused).toBe(true)
  })

  it('acks 0 is answered by nobody, and counts at once, but never for a topic that does not exist', () => {
    const meter = new RequestMeter()
    const session = meteredBroker(fakeBroker({}).broker, meter, topics).openSession()
    const partitions = [KNOWN, UNKNOWN].map((topicId) => ({ topicId, partition: 0, leaderEpoch: 1, batch: batchOf(3) }))
    session.produce({ requestId: 1, acks: 0, timeoutMs: 1, partitions }, () => undefined)
    expect([...meter.topics.keys()]).toEqual([KNOWN])
    expect(meter.topics.get(KNOWN)).toMatchObject({ records: 3, bytesIn: 100 })
    expect(meter.kinds.get('Produce')?.totalMs.count).toBe(1)
  })

  it('what is no batch, or says less than no record, counts for none', () => {
    const meter = new RequestMeter()
    const session = meteredBroker(fakeBroker({}).broker, meter, topics).openSession()
    for (const batch of [Buffer.alloc(3), batchOf(-5)])
      session.produce({ requestId: 1, acks: 0, timeoutMs: 1, partitions: [{ topicId: KNOWN, partition: 0, leaderEpoch: 1, batch }] }, () => undefined)
    expect(meter.topics.get(KNOWN)).toMatchObject({ records: 0, bytesIn: 103 })
  })

  it('a fetch counts the bytes that it answers', () => {
    const meter = new RequestMeter()
    const partition = { partition: 0, highWatermark: 1, logStartOffset: 0, error: null }
    const answer = {
      requestId: 1,
      partitions: [
        { ...partition, topicId: KNOWN, batches: [Buffer.alloc(10), Buffer.alloc(5)] },
        { ...partition, topicId: UNKNOWN, batches: [], error },
      ],
    }
    const { broker } = fakeBroker({ fetch: (_request, reply) => reply(answer) })
    const session = meteredBroker(broker, meter, topics).openSession()
    session.fetch({ requestId: 1, maxWaitMs: 1, minBytes: 1, maxBytes: 1, partitions: [] }, () => undefined)
    expect([...meter.topics]).toEqual([[KNOWN, { records: 0, bytesIn: 0, bytesOut: 15 }]])
    expect([...(meter.kinds.get('Fetch')?.errors ?? [])]).toEqual([['NOT_LEADER_OR_FOLLOWER', 1]])
  })

  it('plain records count by their bytes, under the topic of their name', () => {
    const meter = new RequestMeter()
    const record = { key: Buffer.from('key'), value: Buffer.from('value'), headers: [], timestamp: 1, offset: 0, leaderEpoch: 0 }
    const { broker } = fakeBroker({
      produceRecords: (_request, done) => done(undefined, { partition: 0, baseOffset: 0 }),
      fetchRecords: (_request, done) => done(undefined, { records: [record, record], highWatermark: 2, logStartOffset: 0, nextOffset: 2 }),
    })
    const session = meteredBroker(broker, meter, topics).openSession()
    session.produceRecords({ topic: 'orders', partition: 0, acks: -1, timeoutMs: 1, records: [record], idempotence: null }, () => undefined)
    session.fetchRecords({ topic: 'orders', partition: 0, offset: 0, maxWaitMs: 1, minBytes: 1, maxBytes: 1, maxRecords: 1 }, () => undefined)
    expect(meter.topics.get(KNOWN)).toEqual({ records: 1, bytesIn: 8, bytesOut: 16 })
    expect([...meter.kinds.keys()]).toEqual(['ProduceRecords', 'FetchRecords'])
  })

  it('every other call counts when its callback comes, under the name that Kafka has for it', () => {
    const meter = new RequestMeter()
    const { broker } = fakeBroker({
      createProducerId: (done) => done(undefined, { producerId: 7, producerEpoch: 0 }),
      describeQuorum: (done) => done(new BrokerError('NOT_CONTROLLER', 'elsewhere'), undefined as never),
      deleteTopic: (_request, done) => done(new Error('a bug'), undefined),
    })
    const metered = meteredBroker(broker, meter, topics)
    const heard: unknown[] = []
    metered.createProducerId((_error, value) => heard.push(value))
    metered.describeQuorum((failure) => heard.push(failure?.message))
    metered.deleteTopic({ topicId: KNOWN, timeoutMs: 1 }, (failure) => heard.push(failure?.message))
    expect(heard).toEqual([{ producerId: 7, producerEpoch: 0 }, expect.stringContaining('elsewhere'), 'a bug'])
    expect([...meter.kinds].map(([name, { totalMs, errors }]) => [name, totalMs.count, [...errors.keys()]])).toEqual([
      ['InitProducerId', 1, []],
      ['DescribeQuorum', 1, ['NOT_CONTROLLER']],
      ['DeleteTopics', 1, ['UNKNOWN_SERVER_ERROR']],
    ])
  })

  it('topics that are gone are forgotten', () => {
    const meter = new RequestMeter()
    meter.topic(KNOWN).records = 1
    meter.topic(UNKNOWN).records = 1
    meter.keepTopics(topics.has)
    expect([...meter.topics.keys()]).toEqual([KNOWN])
  })
})

describe('a histogram', () => {
  it('counts at each bound what was at most so much, and what lies above the last in sum and count alone', () => {
    const histogram = new Histogram([1, 5, 10])
    for (const value of [0, 1, 1.5, 5, 11, 400]) histogram.observe(value)
    expect(histogram.cumulative()).toEqual([2, 4, 4])
    expect([histogram.count, histogram.sum]).toEqual([6, 418.5])
  })
})
