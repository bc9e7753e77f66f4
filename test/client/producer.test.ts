import { describe, expect, it, vi } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { OxbowClient } from '../../src/client/client.ts'
import { partitionForKey } from '../../src/record/murmur2.ts'
import { readBatchHeader } from '../../src/record/batch.ts'
import { build, ONE_RECORD, type Outcome, VALUE_BYTES, valuesOf } from './producer-world.ts'

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

  it('goes straight to the leader that a refusal names, and asks nobody else', () => {
    const { clock, cluster, send, outcomes } = build({ lingerMs: 0 })
    cluster.moveLeader('t', 0, 3)
    cluster.metadataRequests = 0
    const sentMs = clock.monotonicMs()
    send('a')
    clock.run(200)
    expect(cluster.produced.map(({ nodeId }) => nodeId)).toEqual([1, 3])
    expect(outcomes.map(({ error, atMs }) => [error, atMs - sentMs])).toEqual([[undefined, 4]])
    expect(cluster.metadataRequests).toBe(0)
  })

  it('asks who leads when a refusal names one of an epoch that is no news', () => {
    const { clock, cluster, send, outcomes } = build({ lingerMs: 0 })
    cluster.moveLeader('t', 0, 3)
    cluster.leaderHint = () => ({ nodeId: 2, host: 'n2', grpcPort: 9, leaderEpoch: 1 })
    cluster.metadataRequests = 0
    send('a')
    clock.run(1_000)
    expect(cluster.produced.map(({ nodeId }) => nodeId)).toEqual([1, 3])
    expect(outcomes.map(({ error }) => error)).toEqual([undefined])
    expect(cluster.metadataRequests).toBeGreaterThan(0)
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
    expect(valuesOf(cluster)).toEqual(['new'])
    expect(producer.stats.bufferedBytes).toBe(0)
  })

  it('what waits for its topic fails after the delivery timeout, at whatever fraction of a millisecond it came', () => {
    const { clock, producer } = build({ deliveryTimeoutMs: 2_000 })
    let failed = 0
    for (let at = 0; at < 50; at++) {
      clock.run(1.001)
      producer.trySend({ topic: 'nowhere', value: 'x' }, () => failed++)
    }
    clock.run(2_001)
    expect(failed).toBe(50)
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

  it('a new partition is waited for until all nodes said that there is none: one that is cut off from the others has not heard of it', () => {
    const { clock, cluster, producer } = build()
    cluster.deaf.add(1).add(3)
    cluster.addPartitions('t', 2)
    const codes: unknown[] = []
    for (const partition of [1, 2]) {
      producer.trySend({ topic: 't', partition, value: 'x' }, (error) => codes.push([partition, (error as BrokerError | undefined)?.code]))
    }
    clock.run(3_000)
    expect(codes.toSorted()).toEqual([
      [1, undefined],
      [2, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ])
  })

  it('a topic that was nowhere, or was smaller, is asked for anew by whoever sends again', () => {
    const { clock, cluster, producer } = build()
    const outcomes: unknown[] = []
    const send = (topic: string, partition: number): void => {
      producer.trySend({ topic, partition, value: 'x' }, (error) => outcomes.push((error as BrokerError | undefined)?.code ?? 'sent'))
      clock.run(10_000)
    }
    send('later', 0)
    send('t', 5)
    send('t', 5)
    expect(outcomes).toEqual(Array.from({ length: 3 }, () => 'UNKNOWN_TOPIC_OR_PARTITION'))
    cluster.addTopic('later', 1)
    cluster.addPartitions('t', 6)
    outcomes.length = 0
    for (const [topic, partition] of [['later', 0] as const, ['t', 5] as const, ['t', 5] as const]) send(topic, partition)
    expect(outcomes).toEqual(['sent', 'sent', 'sent'])
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

  it.each(['NOT_ENOUGH_REPLICAS', 'DISK_LOW'] as const)('leaves a leader of the past that says %s and nothing else', (code) => {
    const { clock, cluster, send, outcomes } = build({ lingerMs: 0 })
    const past = cluster.partition('t', 0).leader
    cluster.produceVerdict = (node) => (node === past ? code : undefined)
    send('a')
    clock.run(500)
    expect(outcomes).toEqual([])
    cluster.moveLeader('t', 0, (past % 3) + 1)
    clock.run(2_000)
    expect(outcomes.map(({ value, metadata }) => [value, metadata?.offset])).toEqual([['a', 1]])
  })

  it('the delivery timeout counts from send, with the wait for room', async () => {
    const { clock, cluster, producer, send } = build({ bufferBytes: 200, lingerMs: 0, deliveryTimeoutMs: 2_000 })
    const sentMs = clock.monotonicMs()
    const isFirst = (batch: Buffer): boolean => readBatchHeader(batch, 0).baseSequence === 1
    cluster.produceVerdict = (_node, { batch }) => (isFirst(batch) && clock.monotonicMs() - sentMs >= 1_500 ? undefined : 'NOT_ENOUGH_REPLICAS')
    send('a')
    let failedMs = Infinity
    producer.send({ topic: 't', value: 'b'.padEnd(VALUE_BYTES) }).catch(() => (failedMs = clock.monotonicMs()))
    await clock.runWithPromises(4_000)
    expect(failedMs - sentMs).toBe(2_000)
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

  it('flush waits for a batch that is to be sent again while later ones are under way', async () => {
    const { clock, cluster, producer, send, outcomes } = build({ ...ONE_RECORD, lingerMs: 0 })
    let refusals = 1
    cluster.produceVerdict = () => (refusals-- > 0 ? 'NOT_ENOUGH_REPLICAS' : 'ignore')
    send('a')
    let isFlushed = false
    void producer.flush().then(() => (isFlushed = true))
    send('b')
    await clock.runWithPromises(40, 1)
    expect([cluster.produced.length, outcomes.length, isFlushed]).toEqual([2, 0, false])
  })

  it('flush and whenRoom end on a closed producer', async () => {
    const { clock, producer } = build()
    void producer.close()
    await clock.runWithPromises(100)
    const ends: string[] = []
    void producer.flush().then(() => ends.push('flush'))
    void producer.whenRoom().then(() => ends.push('room'))
    await clock.runWithPromises(100)
    expect(ends).toEqual(['flush', 'room'])
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

describe('a producer id', () => {
  it('that nobody gave is the reason that is told', async () => {
    const { clock, cluster, client } = build()
    cluster.producerIdRefusal = new BrokerError('NOT_CONTROLLER', 'no controller is known')
    let failure: unknown
    client
      .producer({ deliveryTimeoutMs: 12_000 })
      .send({ topic: 't', value: 'a' })
      .catch((error) => (failure = error))
    await clock.runWithPromises(13_000, 100)
    expect(failure).toMatchObject({ code: 'NOT_CONTROLLER', definite: true })
    expect(`${failure}`).toContain('never appended within 12000 ms; last: NOT_CONTROLLER: no controller is known')
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
