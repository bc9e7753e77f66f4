import { describe, expect, it, vi } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { OxbowClient } from '../../src/client/client.ts'
import { partitionForKey } from '../../src/client/murmur2.ts'
import type { Producer, ProducerOptions, RecordMetadata } from '../../src/client/producer.ts'
import { readBatchHeader } from '../../src/record/batch.ts'
import { FakeCluster, type Verdict } from './fake-cluster.ts'
import { VirtualClock } from './virtual-clock.ts'

interface Outcome {
  error: BrokerError | undefined
  metadata: RecordMetadata | undefined
  atMs: number
}

interface World {
  readonly clock: VirtualClock
  readonly cluster: FakeCluster
  readonly producer: Producer
  readonly client: OxbowClient
  /** Outcomes in the order in which they came. */
  readonly outcomes: (Outcome & { readonly value: string })[]
  send(value: string, options?: { partition?: number; key?: string }): boolean
  /** (base sequence, producer id) of every batch of partition 0 that reached a node, in order. */
  stamps(): string[]
}

const VALUE_BYTES = 100

function build(options: ProducerOptions = {}, partitions = 1): World {
  const clock = new VirtualClock()
  const random = new SeededRandom(5)
  const cluster = new FakeCluster({ clock, random: random.fork('network') })
  cluster.addTopic('t', partitions)
  const client = new OxbowClient({ bootstrap: cluster.bootstrap, transport: cluster, clock, random, requestTimeoutMs: 3_000 })
  const producer = client.producer(options)
  const outcomes: World['outcomes'] = []
  const send: World['send'] = (value, { partition = 0, key } = {}) => {
    const where = key === undefined ? { partition } : { key }
    return producer.trySend({ topic: 't', ...where, value: value.padEnd(VALUE_BYTES) }, (error, metadata) => {
      outcomes.push({ value, error: error as BrokerError | undefined, metadata, atMs: clock.monotonicMs() })
    })
  }
  const stamps = (): string[] => {
    return cluster.produced.flatMap(({ request }) => {
      return request.partitions
        .filter(({ partition }) => partition === 0)
        .map(({ batch }) => `${readBatchHeader(batch, 0).baseSequence}@${readBatchHeader(batch, 0).producerId}`)
    })
  }
  // The topic and the producer id become known, so that times below are those of the rule alone.
  send('warm')
  void producer.flush()
  clock.run(1_000)
  expect(outcomes.length).toBe(1)
  outcomes.length = 0
  cluster.produced.length = 0
  return { clock, cluster, producer, client, outcomes, send, stamps }
}

/** Verdicts for the next batches, one each, then none. */
function script(cluster: FakeCluster, verdicts: readonly Verdict[]): void {
  const left = [...verdicts]
  cluster.produceVerdict = () => left.shift()
}

/** Batches of exactly one record. */
const ONE_RECORD: ProducerOptions = { batchBytes: 1 }

describe('batches', () => {
  it('waits for more records as long as the linger, not longer', () => {
    const { clock, cluster, send, outcomes } = build({ lingerMs: 20 })
    const startMs = clock.monotonicMs()
    send('a')
    clock.run(15)
    send('b')
    expect(cluster.produced).toEqual([])
    clock.run(20)
    expect(cluster.produced.map(({ atMs }) => atMs - startMs)).toEqual([21])
    expect(outcomes.map(({ value, metadata }) => [value, metadata?.offset])).toEqual([
      ['a', 1],
      ['b', 2],
    ])
  })

  it('sends a full batch at once and keeps the next open', () => {
    const { clock, cluster, send } = build({ lingerMs: 1_000, batchBytes: 400 })
    for (const value of ['a', 'b', 'c']) send(value)
    clock.run(10)
    expect(cluster.produced.map(({ request }) => request.partitions.map(({ batch }) => readBatchHeader(batch, 0).recordCount))).toEqual([[2]])
    clock.run(1_000)
    expect(cluster.produced.length).toBe(2)
  })

  it('puts batches of many partitions into one request', () => {
    const { clock, cluster, send } = build({}, 6)
    for (let partition = 0; partition < 6; partition++) send(`${partition}`, { partition })
    clock.run(100)
    expect(cluster.produced.map(({ nodeId, request }) => [nodeId, request.partitions.length])).toEqual([
      [1, 2],
      [2, 2],
      [3, 2],
    ])
  })

  it('goes by the hash of the key, and without one stays in a partition for a batch, then leaves it', () => {
    const { clock, cluster, producer, send } = build({ batchBytes: 500 }, 6)
    for (const key of ['a', 'b', 'c', 'd']) send(key, { key })
    clock.run(100)
    for (const key of ['a', 'b', 'c', 'd']) {
      const records = cluster.partition('t', partitionForKey(Buffer.from(key), 6)).records()
      expect(records.filter((record) => record.key?.toString() === key).length).toBe(1)
    }
    cluster.produced.length = 0
    for (let count = 0; count < 9; count++) producer.trySend({ topic: 't', value: 'x'.padEnd(VALUE_BYTES) }, () => undefined)
    clock.run(100)
    const batches = cluster.produced.flatMap(({ request }) => request.partitions)
    expect(batches.map(({ batch }) => readBatchHeader(batch, 0).recordCount).toSorted()).toEqual([3, 3, 3])
    expect(new Set(batches.map(({ partition }) => partition)).size).toBeGreaterThan(1)
  })
})

describe('a topic that takes smaller batches than the producer makes', () => {
  const LIMIT_BYTES = 400
  const limited = (cluster: FakeCluster): void => {
    cluster.produceVerdict = (_nodeId, { batch }) => (batch.length > LIMIT_BYTES ? 'MESSAGE_TOO_LARGE' : undefined)
  }

  it.each([{ idempotent: true }, { idempotent: false }])(
    'gets the records in smaller ones, in order, and none that is too large afterwards ($idempotent)',
    (options) => {
      const { clock, cluster, send, outcomes } = build({ ...options, lingerMs: 1, batchBytes: 2_000 })
      limited(cluster)
      for (let count = 0; count < 40; count++) send(`${count}`)
      clock.run(3_000)
      expect(outcomes.map(({ value, error, metadata }) => [value, error, metadata?.offset])).toEqual(
        Array.from({ length: 40 }, (_, count) => [`${count}`, undefined, count + 1]),
      )
      cluster.produced.length = 0
      for (let count = 0; count < 40; count++) send(`${count}`)
      clock.run(3_000)
      expect(cluster.produced.flatMap(({ request }) => request.partitions).every(({ batch }) => batch.length <= LIMIT_BYTES)).toBe(true)
      expect(outcomes.length).toBe(80)
    },
  )

  it('does not get a record that is too large alone: it fails, its neighbours do not', () => {
    const { clock, cluster, producer, send, outcomes } = build({ lingerMs: 1, batchBytes: 2_000 })
    limited(cluster)
    send('a')
    const errors: unknown[] = []
    producer.trySend({ topic: 't', partition: 0, value: 'x'.repeat(LIMIT_BYTES) }, (error) => errors.push(error))
    send('b')
    clock.run(3_000)
    expect(errors).toEqual([expect.objectContaining({ code: 'MESSAGE_TOO_LARGE', definite: true })])
    expect(outcomes.map(({ value, error }) => [value, error])).toEqual([
      ['a', undefined],
      ['b', undefined],
    ])
  })
})

describe('a batch refused for good while the one before it waits for its commit', () => {
  const LIMIT_BYTES = 400

  it.each([
    { name: 'many records', values: ['b', 'c', 'd', 'e', 'f'], errors: [undefined, undefined, undefined, undefined, undefined] },
    { name: 'one record', values: ['b'.repeat(LIMIT_BYTES)], errors: ['MESSAGE_TOO_LARGE'] },
  ])('does not fail it when the stream ends ($name)', ({ values, errors }) => {
    const { clock, cluster, send, outcomes } = build({ lingerMs: 1, batchBytes: 2_000 })
    cluster.produceVerdict = (_nodeId, { batch }) => (batch.length > LIMIT_BYTES ? 'MESSAGE_TOO_LARGE' : undefined)
    cluster.partition('t', 0).isHeld = true
    send('a')
    clock.run(4)
    for (const value of values) send(value)
    clock.run(10)
    expect(cluster.produced.length).toBe(2)
    cluster.closeStreams(1)
    clock.run(500)
    expect(outcomes).toEqual([])
    cluster.partition('t', 0).isHeld = false
    cluster.commit('t', 0)
    clock.run(1_000)
    expect(outcomes.map(({ value, error }) => [value, error?.code])).toEqual([['a', undefined], ...values.map((value, index) => [value, errors[index]])])
    expect(outcomes.every(({ error }) => error?.definite !== false)).toBe(true)
    expect(outcomes[0]?.metadata?.offset).toBe(1)
  })
})

describe('a broker that forgot the producer (rules R6.8)', () => {
  it('gets what follows under a new producer id: nothing fails', () => {
    const { clock, cluster, send, outcomes, stamps } = build({ ...ONE_RECORD, lingerMs: 0 })
    cluster.partition('t', 0).forgetProducers()
    for (const value of ['a', 'b', 'c']) send(value)
    clock.run(1_000)
    expect(outcomes.map(({ value, error, metadata }) => [value, error, metadata?.offset])).toEqual([
      ['a', undefined, 1],
      ['b', undefined, 2],
      ['c', undefined, 3],
    ])
    expect(stamps()).toEqual(['1@1000', '2@1000', '3@1000', '0@1001', '1@1001', '2@1001'])
  })

  it('gets nothing again that may be in its log: indefinite', () => {
    const { clock, cluster, send, outcomes, stamps } = build({ ...ONE_RECORD, lingerMs: 0 })
    script(cluster, ['UNKNOWN_SERVER_ERROR'])
    cluster.partition('t', 0).forgetProducers()
    send('a')
    clock.run(1_000)
    expect(outcomes.map(({ error }) => [error?.code, error?.definite])).toEqual([['OUT_OF_ORDER_SEQUENCE_NUMBER', false]])
    expect(stamps()).toEqual(['1@1000', '1@1000'])
  })

  it('is believed once: a first batch that is out of order fails', () => {
    const { clock, cluster, send, outcomes } = build({ ...ONE_RECORD, lingerMs: 0 })
    cluster.produceVerdict = () => 'OUT_OF_ORDER_SEQUENCE_NUMBER'
    send('a')
    clock.run(10_000)
    expect(outcomes.map(({ error }) => [error?.code, error?.definite])).toEqual([['OUT_OF_ORDER_SEQUENCE_NUMBER', true]])
    expect(cluster.produced.length).toBe(2)
  })
})

describe('in flight', () => {
  it('at most maxInFlight requests are unanswered a node', () => {
    const { clock, cluster, send } = build({ ...ONE_RECORD, maxInFlight: 2, lingerMs: 0 })
    cluster.produceVerdict = () => 'ignore'
    for (let count = 0; count < 4; count++) send(`${count}`)
    clock.run(500)
    expect(cluster.produced.length).toBe(2)
  })

  it('at most five batches of a partition are unresolved (rules R6.8)', () => {
    const { clock, cluster, send, outcomes, stamps } = build({ ...ONE_RECORD, lingerMs: 0 })
    script(cluster, ['loseAnswer'])
    for (let count = 0; count < 8; count++) send(`${count}`)
    clock.run(500)
    // The first is unresolved: 2 to 5 are acknowledged, and still nothing beyond the fifth may go.
    expect(stamps().map((stamp) => Number.parseInt(stamp, 10))).toEqual([1, 2, 3, 4, 5])
    expect(outcomes.map(({ value }) => value)).toEqual(['1', '2', '3', '4'])
    cluster.closeStreams(1)
    clock.run(2_000)
    expect(outcomes.map(({ value, metadata }) => [value, metadata?.offset]).slice(4)).toEqual([
      ['0', 1],
      ['5', 6],
      ['6', 7],
      ['7', 8],
    ])
  })

  it('without idempotence one batch is in flight a partition, so that a retry keeps the order', () => {
    const { clock, cluster, send } = build({ ...ONE_RECORD, idempotent: false, lingerMs: 0 })
    script(cluster, ['NOT_ENOUGH_REPLICAS'])
    for (let count = 0; count < 4; count++) send(`${count}`)
    clock.run(1_000)
    expect(
      cluster
        .partition('t', 0)
        .records()
        .map(({ value }) => `${value}`.trim()),
    ).toEqual(['warm', '0', '1', '2', '3'])
  })
})

describe('retries', () => {
  it('sends all later batches again in the order of their sequences', () => {
    const { clock, cluster, send, outcomes, stamps } = build({ ...ONE_RECORD, lingerMs: 0 })
    script(cluster, ['NOT_ENOUGH_REPLICAS'])
    for (let count = 0; count < 4; count++) send(`${count}`)
    clock.run(1_000)
    expect(stamps().map((stamp) => Number.parseInt(stamp, 10))).toEqual([1, 2, 3, 4, 1, 2, 3, 4])
    expect(outcomes.map(({ value, metadata }) => [value, metadata?.offset])).toEqual([
      ['0', 1],
      ['1', 2],
      ['2', 3],
      ['3', 4],
    ])
  })

  it('an answer out of order that comes late, after its predecessor was sent again and acknowledged, is no gap', () => {
    const { clock, cluster, send, outcomes } = build({ ...ONE_RECORD, lingerMs: 0 }, 4)
    let isFirst = true
    cluster.produceVerdict = (_node, { partition }) => {
      if (partition !== 0 || !isFirst) return undefined
      isFirst = false
      return 'NOT_ENOUGH_REPLICAS'
    }
    // Partition 3 has the same leader; its slow commit holds back the answer that says "out of order" of '1'.
    cluster.partition('t', 3).isHeld = true
    send('0')
    send('1')
    clock.run(0)
    send('2')
    send('slow', { partition: 3 })
    clock.run(500)
    expect(outcomes.map(({ value }) => value)).toEqual(['0', '1'])
    cluster.partition('t', 3).isHeld = false
    cluster.commit('t', 3)
    clock.run(1_000)
    expect(outcomes.map(({ value, error }) => [value, error?.code])).toEqual([
      ['0', undefined],
      ['1', undefined],
      ['slow', undefined],
      ['2', undefined],
    ])
  })

  it.each(['NOT_ENOUGH_REPLICAS', 'NOT_LEADER_OR_FOLLOWER', undefined] as const)(
    'pauses before what is refused (%s) while nothing is heard yet of the batch before it',
    (code) => {
      const { clock, cluster, send, outcomes } = build({ ...ONE_RECORD, lingerMs: 0 }, 4)
      let first = 0
      // Without a code the second batch is refused as out of order.
      cluster.produceVerdict = (_node, { partition, batch }) => {
        if (partition !== 0) return undefined
        first ||= readBatchHeader(batch, 0).baseSequence
        return readBatchHeader(batch, 0).baseSequence === first ? 'NOT_ENOUGH_REPLICAS' : code
      }
      cluster.partition('t', 3).isHeld = true
      send('0')
      send('slow', { partition: 3 })
      clock.run(2)
      send('1')
      clock.run(1_000)
      expect(outcomes).toEqual([])
      expect(cluster.produced.length).toBeGreaterThan(5)
      expect(cluster.produced.length).toBeLessThanOrEqual(22)
      cluster.produceVerdict = () => undefined
      cluster.partition('t', 3).isHeld = false
      cluster.commit('t', 3)
      clock.run(1_000)
      expect(outcomes.map(({ value, error }) => [value, error])).toEqual([
        ['slow', undefined],
        ['0', undefined],
        ['1', undefined],
      ])
    },
  )

  it('asks who leads when any batch was told that it went to the wrong node', () => {
    const { clock, cluster, send, outcomes } = build({ ...ONE_RECORD, lingerMs: 0 }, 4)
    cluster.partition('t', 3).isHeld = true
    send('slow', { partition: 3 })
    send('0')
    clock.run(2)
    cluster.moveLeader('t', 0, 2)
    send('1')
    // Sooner than a node counts as stalled: '0' is not answered at all.
    clock.run(300)
    expect(outcomes.map(({ value, error }) => [value, error])).toEqual([
      ['0', undefined],
      ['1', undefined],
    ])
  })

  it('an indefinite answer is tried again with idempotence: the same offset, nothing twice', () => {
    const { clock, cluster, send, outcomes } = build(ONE_RECORD)
    script(cluster, ['REQUEST_TIMED_OUT'])
    send('a')
    clock.run(1_000)
    expect(outcomes.map(({ error, metadata }) => [error, metadata?.offset])).toEqual([[undefined, 1]])
    expect(cluster.partition('t', 0).endOffset).toBe(2)
  })

  it('an indefinite answer is final without idempotence', () => {
    const { clock, cluster, send, outcomes } = build({ ...ONE_RECORD, acks: 1 })
    script(cluster, ['REQUEST_TIMED_OUT'])
    send('a')
    clock.run(1_000)
    expect(outcomes.map(({ error }) => [error?.code, error?.definite])).toEqual([['REQUEST_TIMED_OUT', false]])
    expect(cluster.produced.length).toBe(1)
  })

  it('a duplicate too old for the broker to place is acknowledged without an offset', () => {
    const { clock, cluster, send, outcomes } = build(ONE_RECORD)
    script(cluster, ['DUPLICATE_SEQUENCE_NUMBER'])
    send('a')
    clock.run(1_000)
    expect(outcomes.map(({ error, metadata }) => [error, metadata?.offset])).toEqual([[undefined, -1]])
  })

  it('waits 50 to 1000 ms between attempts', () => {
    const { clock, cluster, send } = build({ ...ONE_RECORD, lingerMs: 0 })
    cluster.produceVerdict = () => 'NOT_ENOUGH_REPLICAS'
    send('a')
    clock.run(10_000)
    const gaps = cluster.produced.slice(1).map(({ atMs }, index) => atMs - (cluster.produced[index]?.atMs ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(50)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1_010)
    expect(Math.max(...gaps)).toBeGreaterThan(700)
  })
})

describe('leaders', () => {
  it('follows a leader that died within 150 ms of the election', () => {
    const { clock, cluster, send, outcomes } = build({ ...ONE_RECORD, lingerMs: 0 })
    send('a')
    clock.run(1)
    cluster.kill(1)
    send('b')
    clock.run(300)
    expect(outcomes).toEqual([])
    cluster.moveLeader('t', 0, 2)
    const electedMs = clock.monotonicMs()
    clock.run(2_000)
    expect(outcomes.map(({ value }) => value)).toEqual(['a', 'b'])
    expect((outcomes[0] as Outcome).atMs - electedMs).toBeLessThan(150)
  })

  it('gives up what waits on a silent node once another leads', () => {
    const { clock, cluster, send, outcomes } = build({ ...ONE_RECORD, lingerMs: 0 })
    cluster.silent.add(1)
    send('a')
    clock.run(500)
    cluster.moveLeader('t', 0, 3)
    clock.run(2_000)
    expect(outcomes.map(({ value, error }) => [value, error])).toEqual([['a', undefined]])
  })

  it('a topic made again under the name gets new records; old ones that were never sent fail definitely', () => {
    const { clock, cluster, producer, send, outcomes } = build({ lingerMs: 100 })
    cluster.moveLeader('t', 0, -1)
    send('old')
    clock.run(1_000)
    cluster.topics.delete('t')
    cluster.addTopic('t', 1, 'f'.repeat(32))
    clock.run(1_000)
    expect(outcomes.map(({ error }) => [error?.code, error?.definite])).toEqual([['UNKNOWN_TOPIC_ID', true]])
    send('new')
    clock.run(1_000)
    expect(
      cluster
        .partition('t', 0)
        .records()
        .map(({ value }) => `${value}`.trim()),
    ).toEqual(['new'])
    expect(producer.stats.bufferedBytes).toBe(0)
  })

  it('a topic that is nowhere fails definitely after 5 s, long before the delivery timeout', () => {
    const { clock, producer } = build()
    const errors: unknown[] = []
    producer.trySend({ topic: 'typo', value: 'x' }, (error) => errors.push(error))
    clock.run(4_900)
    expect(errors).toEqual([])
    clock.run(1_500)
    expect(errors).toMatchObject([{ code: 'UNKNOWN_TOPIC_OR_PARTITION', definite: true }])
  })
})

describe('what is given up', () => {
  it('was refused each time, or never sent: definite', () => {
    const { clock, cluster, send, outcomes } = build({ deliveryTimeoutMs: 700 })
    cluster.moveLeader('t', 0, -1)
    clock.run(1_100)
    send('a')
    clock.run(2_000)
    send('b')
    clock.run(2_000)
    expect(outcomes.map(({ error }) => [error?.code, error?.definite])).toEqual([
      ['NOT_LEADER_OR_FOLLOWER', true],
      ['LEADER_NOT_AVAILABLE', true],
    ])
  })

  it('was sent and never answered: indefinite, and its sequence is never used again', () => {
    const { clock, cluster, send, outcomes, stamps } = build({ ...ONE_RECORD, deliveryTimeoutMs: 700, lingerMs: 0 })
    script(cluster, ['ignore'])
    send('lost')
    clock.run(1_000)
    expect(outcomes.map(({ error }) => [error?.code, error?.definite])).toEqual([['REQUEST_TIMED_OUT', false]])
    cluster.closeStreams(1)
    send('next')
    clock.run(1_000)
    const [first, second] = stamps()
    expect(first).toBe('1@1000')
    expect(second).toBe('0@1001')
    expect(outcomes.at(-1)?.metadata?.offset).toBe(1)
  })

  it('was refused for good: those behind it go on under a new producer id, only after all in flight are resolved', () => {
    const { clock, cluster, send, outcomes, stamps } = build({ ...ONE_RECORD, lingerMs: 0 })
    script(cluster, ['MESSAGE_TOO_LARGE'])
    for (const value of ['large', 'b', 'c']) send(value)
    clock.run(1_000)
    expect(outcomes.map(({ value, error, metadata }) => [value, error?.code, metadata?.offset])).toEqual([
      ['large', 'MESSAGE_TOO_LARGE', undefined],
      ['b', undefined, 1],
      ['c', undefined, 2],
    ])
    expect(stamps()).toEqual(['1@1000', '2@1000', '3@1000', '0@1001', '1@1001'])
  })

  it('may be in the log: it is never sent under another producer id', () => {
    const { clock, cluster, send, outcomes } = build({ ...ONE_RECORD, lingerMs: 0 })
    const left: Verdict[] = ['NOT_ENOUGH_REPLICAS', 'MESSAGE_TOO_LARGE']
    // Of b it is only known that something went wrong, while a, before it, is refused for good at its second attempt.
    cluster.produceVerdict = (_node, { batch }) =>
      readBatchHeader(batch, 0).baseSequence === 1 ? left.shift() : left.length > 0 ? 'UNKNOWN_SERVER_ERROR' : undefined
    send('a')
    send('b')
    clock.run(2_000)
    expect(outcomes.map(({ value, error }) => [value, error?.code, error?.definite])).toMatchObject([
      ['a', 'MESSAGE_TOO_LARGE', true],
      ['b', expect.anything(), false],
    ])
    expect(
      cluster
        .partition('t', 0)
        .records()
        .filter(({ value }) => `${value}`.trim() === 'b').length,
    ).toBe(0)
  })
})

describe('room', () => {
  it('refuses what does not fit, takes nothing of it, and says when it would', async () => {
    const { clock, cluster, producer, send, outcomes } = build({ bufferBytes: 450, lingerMs: 60_000 })
    cluster.silent.add(1)
    expect([send('a'), send('b'), send('c'), send('d')]).toEqual([true, true, true, false])
    let hasRoom = false
    void producer.whenRoom().then(() => (hasRoom = true))
    await clock.runWithPromises(500)
    expect(hasRoom).toBe(false)
    cluster.silent.delete(1)
    await clock.runWithPromises(500)
    expect(hasRoom).toBe(true)
    expect(send('d')).toBe(true)
    expect(outcomes.map(({ value }) => value)).toEqual(['a', 'b', 'c'])
  })

  it('send waits in line', async () => {
    const { clock, producer, cluster } = build({ bufferBytes: 450, lingerMs: 0 })
    const offsets: number[] = []
    for (let count = 0; count < 20; count++)
      void producer.send({ topic: 't', value: `${count}`.padEnd(VALUE_BYTES) }).then(({ offset }) => offsets.push(offset))
    expect(producer.stats.bufferedBytes).toBeLessThanOrEqual(450)
    await clock.runWithPromises(2_000)
    expect(offsets).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(
      cluster
        .partition('t', 0)
        .records()
        .slice(1)
        .map(({ value }) => Number(`${value}`)),
    ).toEqual(Array.from({ length: 20 }, (_, index) => index))
  })

  it('flush ends when one that waited for room is refused', async () => {
    const { clock, producer, send } = build({ bufferBytes: 450, lingerMs: 0 })
    for (const value of ['a', 'b', 'c']) send(value)
    const ends: string[] = []
    const note = (name: string, promise: Promise<unknown>): void => {
      promise.then(
        () => ends.push(name),
        (error) => ends.push(`${name}: ${(error as BrokerError).code}`),
      )
    }
    note('room', producer.send({ topic: 't', value: 'd'.padEnd(VALUE_BYTES) }))
    note('bad', producer.send({ topic: 't', value: 'e', timestamp: -1 }))
    note('flush', producer.flush())
    await clock.runWithPromises(1_000)
    expect(ends.toSorted()).toEqual(['bad: INVALID_RECORD', 'flush', 'room'])
    expect(ends.at(-1)).toBe('flush')
  })

  it('a record larger than the buffer is refused for good', () => {
    const { clock, producer } = build({ bufferBytes: 450 })
    const errors: unknown[] = []
    expect(producer.trySend({ topic: 't', value: Buffer.alloc(1_000) }, (error) => errors.push(error))).toBe(true)
    expect(errors).toEqual([])
    clock.run(1)
    expect(errors).toMatchObject([{ code: 'MESSAGE_TOO_LARGE', definite: true }])
  })
})

describe('flush and close', () => {
  it('flush does not linger and waits for the answers', async () => {
    const { clock, producer, send, outcomes } = build({ lingerMs: 60_000 })
    send('a')
    let isFlushed = false
    void producer.flush().then(() => (isFlushed = true))
    await clock.runWithPromises(100)
    expect([isFlushed, outcomes.length]).toEqual([true, 1])
  })

  it('close ends within 5 s: what was sent is indefinite, what was not is definite', async () => {
    const { clock, cluster, producer, send, outcomes } = build(ONE_RECORD, 2)
    cluster.produceVerdict = (_node, { partition }) => (partition === 0 ? 'ignore' : undefined)
    cluster.moveLeader('t', 1, -1)
    await clock.runWithPromises(1_200)
    send('sent')
    send('unsent', { partition: 1 })
    let isClosed = false
    void producer.close().then(() => (isClosed = true))
    await clock.runWithPromises(4_800)
    expect(isClosed).toBe(false)
    await clock.runWithPromises(300)
    expect(isClosed).toBe(true)
    expect(new Map(outcomes.map(({ value, error }) => [value, error?.definite]))).toEqual(
      new Map([
        ['sent', false],
        ['unsent', true],
      ]),
    )
    send('late')
    clock.run(1)
    expect(outcomes.at(-1)?.error?.code).toBe('CLIENT_CLOSED')
  })

  it('a client forgets what was closed', async () => {
    const { clock, client } = build()
    const parts = [client.producer(), client.consumer(), client.producer()]
    for (const part of parts.slice(0, 2)) void part.close()
    await clock.runWithPromises(100)
    const closes = parts.map((part) => vi.spyOn(part, 'close'))
    void client.close()
    expect(closes.map(({ mock }) => mock.calls.length)).toEqual([0, 0, 1])
  })

  it('a closed client leaves no timer and no stream behind', async () => {
    const { clock, cluster, client, send } = build()
    send('a')
    void client.close()
    await clock.runWithPromises(1_000)
    expect(cluster.openStreams).toEqual([])
    const { metadataRequests } = cluster
    await clock.runWithPromises(400_000, 10_000)
    expect(cluster.metadataRequests).toBe(metadataRequests)
  })
})

describe('options', () => {
  it('refuses what cannot be', () => {
    const { client } = build()
    expect(() => client.producer({ acks: 1, idempotent: true })).toThrow(BrokerError)
    expect(() => client.producer({ maxInFlight: 6 })).toThrow(/INVALID_CONFIG: maxInFlight is 6/)
    expect(() => new OxbowClient({ bootstrap: ['nowhere'] })).toThrow(/INVALID_REQUEST/)
  })

  it.each([0, -1, Number.NaN, Infinity])('refuses %d where a finite number is needed', (value) => {
    const { clock, cluster, client } = build()
    const bootstrap = cluster.bootstrap
    for (const options of [{ requestTimeoutMs: value }, { metadataMaxAgeMs: value }])
      expect(() => new OxbowClient({ bootstrap, transport: cluster, clock, ...options })).toThrow(/INVALID_CONFIG/)
    for (const options of [{ maxWaitMs: value }, { maxBytes: value }, { partitionMaxBytes: value }])
      expect(() => client.consumer(options)).toThrow(/INVALID_CONFIG/)
    expect(() => client.consumer({ maxBytes: 2 ** 31 })).toThrow(/INVALID_CONFIG: maxBytes is 2147483648/)
  })

  it('asks a node to wait no longer than it would', () => {
    const { clock, cluster } = build()
    const client = new OxbowClient({ bootstrap: cluster.bootstrap, transport: cluster, clock, random: new SeededRandom(1), requestTimeoutMs: 3_600_000 })
    client.producer().trySend({ topic: 't', value: 'x' }, () => undefined)
    clock.run(100)
    expect(cluster.produced.map(({ request }) => request.timeoutMs)).toEqual([300_000])
  })

  it('with acks 0 nobody answers: acknowledged without an offset once sent', () => {
    const { clock, cluster, send, outcomes } = build({ acks: 0 })
    send('a')
    clock.run(100)
    expect(outcomes.map(({ error, metadata }) => [error, metadata?.offset])).toEqual([[undefined, -1]])
    expect(cluster.partition('t', 0).endOffset).toBe(2)
  })

  it('with acks 0 is held back by what has not left: the buffer fills, and nothing is claimed', () => {
    const { clock, cluster, send, outcomes } = build({ acks: 0 })
    for (const nodeId of [1, 2, 3]) cluster.stuck.add(nodeId)
    send('a')
    clock.run(1000)
    expect(outcomes).toEqual([])
  })

  it('with acks 0 pauses as after a first failure when the stream that ended had lasted', () => {
    const { clock, cluster, send } = build({ acks: 0, lingerMs: 0 })
    for (let count = 0; count < 8; count++) {
      send('a')
      clock.run(3_000)
      cluster.closeStreams(1)
      clock.run(1)
    }
    cluster.produced.length = 0
    send('b')
    clock.run(70)
    expect(cluster.produced.length).toBe(1)
  })
})
