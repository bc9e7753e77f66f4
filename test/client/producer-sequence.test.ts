import { describe, expect, it } from 'vitest'
import { readBatchHeader } from '../../src/record/batch.ts'
import type { FakeCluster, Verdict } from './fake-cluster.ts'
import { build, ONE_RECORD, script, valuesOf } from './producer-world.ts'

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
    expect(valuesOf(cluster)).toEqual(['warm', '0', '1', '2', '3'])
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
