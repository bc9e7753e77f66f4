import { describe, expect, it } from 'vitest'
import { codeOf } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { OxbowClient } from '../../src/client/client.ts'
import type { Consumer, ConsumerOptions } from '../../src/client/consumer.ts'
import { encodeBatch, NO_PRODUCER } from '../../src/record/records.ts'
import { FakeCluster } from './fake-cluster.ts'
import { VirtualClock } from './virtual-clock.ts'

interface World {
  readonly clock: VirtualClock
  readonly cluster: FakeCluster
  readonly client: OxbowClient
  readonly consumer: Consumer
  append(partition: number, count: number, attributes?: number): void
  /** Runs the clock until the promise is settled, at most 40 s. */
  settle<T>(promise: Promise<T>): Promise<T>
  values(maxRecords?: number): Promise<string[]>
}

function build(options: ConsumerOptions = {}, partitions = 1): World {
  const clock = new VirtualClock()
  const random = new SeededRandom(5)
  const cluster = new FakeCluster({ clock, random: random.fork('network') })
  cluster.addTopic('t', partitions)
  const client = new OxbowClient({ bootstrap: cluster.bootstrap, transport: cluster, clock, random, requestTimeoutMs: 3_000 })
  const consumer = client.consumer(options)
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    let isSettled = false
    const settled = promise.finally(() => (isSettled = true))
    settled.catch(() => undefined)
    for (let passedMs = 0; passedMs < 40_000 && !isSettled; passedMs += 5) await clock.runWithPromises(5, 5)
    if (!isSettled) throw new Error('not settled within 40 s')
    return await settled
  }
  const append = (partition: number, count: number, attributes = 0): void => {
    const state = cluster.partition('t', partition)
    const records = Array.from({ length: count }, (_, index) => ({ timestamp: 7, key: null, value: Buffer.from(`${partition}:${state.endOffset + index}`) }))
    state.append(encodeBatch(records, { ...NO_PRODUCER, attributes }))
    state.highWatermark = state.endOffset
  }
  const values = async (maxRecords = 500): Promise<string[]> => (await settle(consumer.poll({ maxRecords, timeoutMs: 3_000 }))).map(({ value }) => `${value}`)
  return { clock, cluster, client, consumer, append, settle, values }
}

async function codeOfRejection(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'resolved',
    (error) => codeOf(error),
  )
}

const GZIP = 1
const from = (offset: number | 'earliest' | 'latest', partition = 0): { topic: string; partition: number; offset: typeof offset } => ({
  topic: 't',
  partition,
  offset,
})

describe('positions', () => {
  it('begins at earliest, latest, or an offset in the middle of a batch', async () => {
    const { append, consumer, settle, values } = build()
    append(0, 5)
    await settle(consumer.assign([from('earliest')]))
    expect(await values()).toEqual(['0:0', '0:1', '0:2', '0:3', '0:4'])
    await settle(consumer.seek(from(3)))
    expect(await values()).toEqual(['0:3', '0:4'])
    await settle(consumer.assign([from('latest')]))
    expect(consumer.position('t', 0)).toBe(5)
    expect(await values()).toEqual([])
    append(0, 1)
    expect(await values()).toEqual(['0:5'])
  })

  it('moves by what was returned, not by what was fetched', async () => {
    const { append, consumer, settle, values } = build()
    append(0, 5)
    await settle(consumer.assign([from(0)]))
    expect(await values(2)).toEqual(['0:0', '0:1'])
    expect(consumer.position('t', 0)).toBe(2)
    expect(await values(2)).toEqual(['0:2', '0:3'])
    expect(await values(2)).toEqual(['0:4'])
    expect(consumer.position('t', 0)).toBe(5)
  })

  it('waits for latest while the new leader does not know its high watermark (rules R6.7)', async () => {
    const { clock, cluster, append, consumer } = build()
    append(0, 3)
    cluster.moveLeader('t', 0, 2, { lagMs: 2_000 })
    let isAssigned = false
    void consumer.assign([from('latest')]).then(() => (isAssigned = true))
    await clock.runWithPromises(3_000)
    expect(isAssigned).toBe(true)
    expect(consumer.position('t', 0)).toBe(3)
  })

  it('an empty wait is not the end: OFFSET_NOT_AVAILABLE is tried again', async () => {
    const { cluster, append, consumer, settle, values } = build()
    append(0, 1)
    let refusals = 3
    cluster.fetchVerdict = () => (refusals-- > 0 ? 'OFFSET_NOT_AVAILABLE' : undefined)
    await settle(consumer.assign([from(0)]))
    expect(await values()).toEqual(['0:0'])
  })
})

describe('an offset outside of the log', () => {
  const outOfRange = (world: World): void => {
    world.cluster.fetchVerdict = (_node, { fetchOffset }) => (fetchOffset === 99 ? 'OFFSET_OUT_OF_RANGE' : undefined)
    world.append(0, 2)
  }

  it('is said with each poll until a seek, by default', async () => {
    const world = build()
    outOfRange(world)
    await world.settle(world.consumer.assign([from(99)]))
    expect(await codeOfRejection(world.values())).toBe('OFFSET_OUT_OF_RANGE')
    expect(await codeOfRejection(world.values())).toBe('OFFSET_OUT_OF_RANGE')
    await world.settle(world.consumer.seek(from(0)))
    expect(await world.values()).toEqual(['0:0', '0:1'])
  })

  it('leads to earliest or latest when told so', async () => {
    const world = build({ outOfRange: 'earliest' })
    outOfRange(world)
    await world.settle(world.consumer.assign([from(99)]))
    expect(await world.values()).toEqual(['0:0', '0:1'])
    const latest = build({ outOfRange: 'latest' })
    outOfRange(latest)
    await latest.settle(latest.consumer.assign([from(99)]))
    expect(await latest.values()).toEqual([])
    expect(latest.consumer.position('t', 0)).toBe(2)
  })
})

describe('the end of a log that nobody can be asked for now', () => {
  /** Outside of the log at 99; whoever asks where it begins after that hears nothing until `heal`. */
  async function outside(): Promise<World & { readonly heal: () => void }> {
    const world = build({ outOfRange: 'earliest' })
    const { cluster, append, consumer, settle, clock } = world
    append(0, 2)
    cluster.fetchVerdict = (_node, { fetchOffset }) => {
      if (fetchOffset !== 99) return undefined
      for (const nodeId of cluster.nodeIds) cluster.silent.add(nodeId)
      return 'OFFSET_OUT_OF_RANGE'
    }
    await settle(consumer.assign([from(99)]))
    await clock.runWithPromises(200)
    expect(cluster.silent.size).toBe(3)
    return { ...world, heal: () => cluster.silent.clear() }
  }

  it('is asked for until it is known', async () => {
    const { clock, values, heal } = await outside()
    await clock.runWithPromises(10_000)
    heal()
    await clock.runWithPromises(4_000)
    expect(await values()).toEqual(['0:0', '0:1'])
  })

  it('does not matter any more after a seek', async () => {
    const { clock, append, consumer, settle, values, heal } = await outside()
    heal()
    await settle(consumer.seek(from(1)))
    expect(await values()).toEqual(['0:1'])
    await clock.runWithPromises(4_000)
    append(0, 1)
    expect(await values()).toEqual(['0:2'])
  })
})

describe('what was not there', () => {
  it.each([
    ['a topic', 'later', 0, 'REQUEST_TIMED_OUT'],
    ['a partition', 't', 5, 'UNKNOWN_TOPIC_OR_PARTITION'],
  ] as const)('%s is asked for anew by whoever assigns it again', async (_what, topic, partition, first) => {
    const { clock, cluster, consumer, settle, values } = build()
    const assign = async (): Promise<void> => await settle(consumer.assign([{ topic, partition, offset: 'earliest' }]))
    for (const code of [first, 'UNKNOWN_TOPIC_OR_PARTITION']) {
      expect(await codeOfRejection(assign())).toBe(code)
      await clock.runWithPromises(2_000)
    }
    if (topic === 't') cluster.addPartitions('t', 6)
    else cluster.addTopic(topic, 1)
    await assign()
    expect(await values()).toEqual([])
  })
})

describe('what was fetched ahead', () => {
  it.each(['earliest', 'latest', 'error'] as const)('comes before what is done about a log that is shorter now: %s', async (outOfRange) => {
    const { clock, cluster, append, consumer, settle, values } = build({ outOfRange })
    append(0, 4)
    append(0, 4)
    await settle(consumer.assign([from(0)]))
    expect(await values(2)).toEqual(['0:0', '0:1'])
    // A leader elected uncleanly has the first batch alone.
    const state = cluster.partition('t', 0)
    cluster.fetchVerdict = (_node, { fetchOffset }) => (fetchOffset > state.endOffset ? 'OFFSET_OUT_OF_RANGE' : undefined)
    state.batches.pop()
    state.highWatermark = state.endOffset
    await clock.runWithPromises(1_000)
    expect(await values()).toEqual(['0:2', '0:3', '0:4', '0:5', '0:6', '0:7'])
    if (outOfRange === 'error') expect(await codeOfRejection(values())).toBe('OFFSET_OUT_OF_RANGE')
    else expect(await values()).toEqual(outOfRange === 'earliest' ? ['0:0', '0:1', '0:2', '0:3'] : [])
  })
})

describe('a poll that waits', () => {
  it.each(['a position outside of the log', 'a batch that cannot be read'])('is told at once of %s', async (what) => {
    const { clock, cluster, append, consumer, settle } = build()
    await settle(consumer.assign([from(0)]))
    await clock.runWithPromises(100)
    const polled = codeOfRejection(consumer.poll({ timeoutMs: 30_000 }))
    if (what === 'a batch that cannot be read') append(0, 1, GZIP)
    else cluster.fetchVerdict = () => 'OFFSET_OUT_OF_RANGE'
    const beforeMs = clock.monotonicMs()
    expect(await settle(polled)).toBe(what === 'a batch that cannot be read' ? 'CORRUPT_MESSAGE' : 'OFFSET_OUT_OF_RANGE')
    expect(clock.monotonicMs() - beforeMs).toBeLessThan(100)
  })
})

describe('what cannot be read', () => {
  it('a batch that says it is compressed and is not: it is named, the position stays before it', async () => {
    const { append, consumer, settle, values } = build()
    append(0, 1)
    append(0, 1, GZIP)
    await settle(consumer.assign([from(0)]))
    expect(await values(1)).toEqual(['0:0'])
    await expect(values()).rejects.toThrow(/CORRUPT_MESSAGE: the batch at offset 1 of t-0: gzip/)
    expect(consumer.position('t', 0)).toBe(1)
  })

  it('a batch that fails its CRC is fetched again, and told after the third time', async () => {
    const { cluster, append, consumer, settle, values } = build()
    append(0, 2)
    let damaged = 4
    cluster.damage = (bytes) => {
      if (damaged-- <= 0) return bytes
      const copy = Buffer.from(bytes)
      copy[30] = (copy[30] as number) ^ 1
      return copy
    }
    await settle(consumer.assign([from(0)]))
    expect(await codeOfRejection(values())).toBe('CORRUPT_MESSAGE')
    expect(await values()).toEqual(['0:0', '0:1'])
  })

  it('a topic or partition that is not there', async () => {
    const { consumer, settle, values } = build()
    await settle(consumer.assign([{ topic: 't', partition: 7, offset: 0 }]))
    expect(await codeOfRejection(values())).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await codeOfRejection(settle(consumer.assign([{ topic: 't', partition: 7, offset: 'latest' }])))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await codeOfRejection(settle(consumer.assign([from(-1)])))).toBe('INVALID_REQUEST')
  })

  it('a topic made again under the name is another one', async () => {
    const { clock, cluster, append, consumer, settle, values } = build()
    append(0, 2)
    await settle(consumer.assign([from(0)]))
    expect(await values()).toEqual(['0:0', '0:1'])
    cluster.topics.delete('t')
    cluster.addTopic('t', 1, 'f'.repeat(32))
    append(0, 5)
    await clock.runWithPromises(2_000)
    expect(await codeOfRejection(values())).toBe('UNKNOWN_TOPIC_ID')
    await settle(consumer.assign([from(0)]))
    expect((await values()).length).toBe(5)
  })
})

describe('fetching', () => {
  it('keeps what is fetched ahead within its bound', async () => {
    const { clock, cluster, append, consumer, settle } = build({ partitionMaxBytes: 1_000, maxBytes: 1_000 })
    for (let count = 0; count < 100; count++) append(0, 5)
    await settle(consumer.assign([from(0)]))
    await clock.runWithPromises(2_000)
    const { fetched } = cluster
    expect(fetched.length).toBeLessThan(4)
    expect(Math.max(...fetched.map(({ request }) => request.partitions[0]?.fetchOffset ?? 0))).toBeLessThan(60)
  })

  it('has at most two requests outstanding a node, each partition in one of them', async () => {
    const { clock, cluster, consumer, settle } = build({ maxWaitMs: 500 }, 6)
    await settle(consumer.assign(Array.from({ length: 6 }, (_, partition) => from(0, partition))))
    await clock.runWithPromises(400)
    const perNode = cluster.nodeIds.map((nodeId) => cluster.fetched.filter((fetch) => fetch.nodeId === nodeId))
    for (const fetches of perNode) {
      expect(fetches.length).toBeLessThanOrEqual(2)
      expect(fetches.flatMap(({ request }) => request.partitions.map(({ partition }) => partition)).length).toBe(2)
    }
  })

  it('goes straight to the leader that a refusal names, and asks nobody else', async () => {
    const { append, cluster, consumer, settle, values } = build()
    append(0, 1)
    await settle(consumer.assign([from(0)]))
    expect(await values()).toEqual(['0:0'])
    cluster.metadataRequests = 0
    cluster.fetched.length = 0
    cluster.moveLeader('t', 0, 3)
    append(0, 1)
    expect(await values()).toEqual(['0:1'])
    const nodeIds = cluster.fetched.map(({ nodeId }) => nodeId)
    expect(nodeIds.lastIndexOf(1)).toBeLessThan(nodeIds.indexOf(3))
    expect(cluster.metadataRequests).toBe(0)
  })

  it('leaves a silent leader as soon as another leads', async () => {
    const { clock, cluster, append, consumer, settle, values } = build()
    append(0, 2)
    cluster.silent.add(1)
    await settle(consumer.assign([from(0)]))
    await clock.runWithPromises(2_000)
    cluster.moveLeader('t', 0, 2)
    await clock.runWithPromises(2_500)
    expect(await values()).toEqual(['0:0', '0:1'])
  })

  it('takes partitions in turn', async () => {
    const { clock, append, consumer, settle, values } = build({}, 2)
    for (let count = 0; count < 3; count++) for (const partition of [0, 1]) append(partition, 2)
    await settle(consumer.assign([from(0, 0), from(0, 1)]))
    await clock.runWithPromises(100)
    expect(new Set((await values(4)).map((value) => value[0])).size).toBe(2)
  })
})

describe('the iterator', () => {
  it('goes on where the loop was left, and ends with close', async () => {
    const { append, consumer, settle } = build()
    append(0, 4)
    await settle(consumer.assign([from(0)]))
    const read = async (max: number): Promise<string[]> => {
      const seen: string[] = []
      for await (const record of consumer) {
        seen.push(`${record.value}`)
        if (seen.length === max) break
      }
      return seen
    }
    expect(await settle(read(2))).toEqual(['0:0', '0:1'])
    expect(await settle(read(2))).toEqual(['0:2', '0:3'])
    const rest = read(1)
    await consumer.close()
    expect(await settle(rest)).toEqual([])
    expect(await codeOfRejection(settle(consumer.poll()))).toBe('CLIENT_CLOSED')
  })
})
