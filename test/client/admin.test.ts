import { describe, expect, it } from 'vitest'
import { BrokerError, codeOf } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { Admin } from '../../src/client/admin.ts'
import { OxbowClient } from '../../src/client/client.ts'
import type { ClientConnection, ClientTransport } from '../../src/client/transport.ts'
import type { CreateTopicRequest, DeleteTopicRequest, ElectLeadersRequest } from '../../src/wire/api.ts'
import { FakeCluster } from './fake-cluster.ts'
import { VirtualClock } from './virtual-clock.ts'

interface World {
  readonly clock: VirtualClock
  readonly fake: FakeCluster
  readonly admin: Admin
  readonly client: OxbowClient
  readonly created: CreateTopicRequest[]
  readonly deleted: DeleteTopicRequest[]
  /** Topic ids of which offsets were asked for. */
  readonly looked: string[]
  /** How long each question for offsets is on its way, and how many for metadata are still answered. */
  readonly link: { lookupMs: number; metadataAnswers: number }
  /** Errors for the next changes, one each: said after the change was made when indefinite, instead of it when definite. */
  readonly errors: BrokerError[]
  settle<T>(promise: Promise<T>): Promise<T>
}

/** The fake cluster with topic admin: by id, so that a repeated call is answered like the first. */
function build(): World {
  const clock = new VirtualClock()
  const fake = new FakeCluster({ clock, random: new SeededRandom(1) })
  fake.addTopic('taken', 2)
  const created: CreateTopicRequest[] = []
  const deleted: DeleteTopicRequest[] = []
  const looked: string[] = []
  const link = { lookupMs: 0, metadataAnswers: Infinity }
  const errors: BrokerError[] = []
  const change = <T>(make: () => T | BrokerError, done: (error: Error | undefined, value: T) => void): void => {
    const error = errors.shift()
    const result = error?.definite === true ? error : make()
    const answer = error ?? result
    clock.after(2, () => (answer instanceof BrokerError ? done(answer, undefined as T) : done(undefined, answer)))
  }
  const wrap = (connection: ClientConnection): ClientConnection => ({
    ...connection,
    metadata: (request, timeoutMs, done) => {
      if (link.metadataAnswers-- > 0) connection.metadata(request, timeoutMs, done)
    },
    listOffsets: (request, timeoutMs, done) => {
      looked.push(...request.partitions.map(({ topicId }) => topicId))
      clock.after(link.lookupMs, () => connection.listOffsets(request, timeoutMs, done))
    },
    createTopic: (request, _timeoutMs, done) => {
      created.push(request)
      change(() => {
        const existing = fake.topics.get(request.name)
        if (existing !== undefined && existing.topicId !== request.topicId) return new BrokerError('TOPIC_ALREADY_EXISTS', request.name)
        if (existing === undefined) fake.addTopic(request.name, request.partitions, request.topicId)
        return { topicId: request.topicId, partitions: request.partitions, replicationFactor: request.replicationFactor, assignment: [] }
      }, done)
    },
    deleteTopic: (request, _timeoutMs, done) => {
      deleted.push(request)
      change(() => {
        const topic = [...fake.topics.values()].find(({ topicId }) => topicId === request.topicId)
        if (topic === undefined) return new BrokerError('UNKNOWN_TOPIC_ID', request.topicId)
        fake.topics.delete(topic.name)
        fake.publish(0)
        return undefined
      }, done)
    },
  })
  const transport: ClientTransport = { connect: (address) => wrap(fake.connect(address)), close: () => undefined }
  const client = new OxbowClient({ bootstrap: fake.bootstrap, transport, clock, random: new SeededRandom(2), requestTimeoutMs: 3_000 })
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => undefined)
    await clock.runWithPromises(4_000)
    return await promise
  }
  return { clock, fake, admin: client.admin(), client, created, deleted, looked, link, errors, settle }
}

const lost = (): BrokerError => new BrokerError('NETWORK_EXCEPTION', 'lost')

describe('createTopic', () => {
  it('repeats an unknown outcome with the same topic id, so that nothing is created twice', async () => {
    const { admin, created, errors, settle } = build()
    errors.push(lost(), lost())
    const answer = await settle(admin.createTopic({ name: 'new', partitions: 4 }))
    expect(created.length).toBe(3)
    expect(new Set(created.map(({ topicId }) => topicId))).toEqual(new Set([answer.topicId]))
    expect(answer.topicId).toMatch(/^[0-9a-f]{32}$/)
    expect(created[0]).toMatchObject({ partitions: 4, replicationFactor: 3, assignment: null })
  })

  it('tells that the name is taken, or with ifNotExists what is there', async () => {
    const { admin, settle } = build()
    await expect(settle(admin.createTopic({ name: 'taken' }))).rejects.toMatchObject({ code: 'TOPIC_ALREADY_EXISTS', definite: true })
    expect(await settle(admin.createTopic({ name: 'taken', ifNotExists: true }))).toMatchObject({ topicId: 'taken'.padEnd(32, '0'), partitions: 2 })
  })

  it('is indefinite in the end when any attempt was', async () => {
    const { admin, errors, settle } = build()
    errors.push(lost(), new BrokerError('INVALID_CONFIG', 'no'))
    await expect(settle(admin.createTopic({ name: 'new' }))).rejects.toMatchObject({ code: 'INVALID_CONFIG', definite: false })
  })

  it('ends with what a node said, not with the silence of the others', async () => {
    const { admin, errors, settle } = build()
    const unanswered = Array.from({ length: 50 }, () => new BrokerError('NETWORK_EXCEPTION', 'refused', { unanswered: true }))
    errors.push(...unanswered.slice(0, 2), new BrokerError('NOT_CONTROLLER', 'no leader of the quorum is known here'), ...unanswered)
    const error = await settle(admin.createTopic({ name: 'new' })).catch((failure: unknown) => failure)
    expect(error).toMatchObject({ code: 'NOT_CONTROLLER', definite: false })
  })
})

it('R4.6: what a client was told it is not told older, by whatever node', async () => {
  const { fake, admin, settle } = build()
  const before = fake.partition('taken', 0).leader
  fake.moveLeader('taken', 0, (before % 3) + 1, { lagMs: 200_000 })
  const leaders: number[] = []
  for (let count = 0; count < 20; count++) {
    const [topic] = await settle(admin.describeTopics(['taken']))
    leaders.push(topic?.partitions[0]?.leader ?? -1)
  }
  expect(leaders[0]).toBe(before)
  expect(leaders.slice(leaders.indexOf((before % 3) + 1))).not.toContain(before)
})

it.each(['earliest', 0] as const)(
  'R4.6: a consumer reads the topic that its client was told of, from %s, not one before it of the same name',
  async (offset) => {
    const { fake, admin, client, clock, looked, settle } = build()
    const consumer = client.consumer()
    const read: string[] = []
    fake.fetchVerdict = (_, { topicId }) => void read.push(topicId)
    await settle(consumer.assign([{ topic: 'taken', partition: 0, offset: 'earliest' }]))
    await settle(consumer.poll({ timeoutMs: 10 }))
    expect(new Set(read)).toEqual(new Set(['taken'.padEnd(32, '0')]))
    await settle(consumer.close())
    read.length = looked.length = 0
    fake.topics.delete('taken')
    fake.addTopic('taken', 2, 'f'.repeat(32))
    const next = client.consumer()
    const assigned = admin.describeTopics(['taken']).then(async ([topic]) => {
      expect(topic?.topicId).toBe('f'.repeat(32))
      await next.assign([{ topic: 'taken', partition: 0, offset }])
    })
    for (let ms = 0; ms < 500; ms++) await clock.runWithPromises(1, 1)
    await assigned
    await settle(next.poll({ timeoutMs: 10 }))
    expect(new Set(read)).toEqual(new Set(['f'.repeat(32)]))
    expect(looked).toEqual(offset === 0 ? [] : ['f'.repeat(32)])
  },
)

it('what has its answers ends at once, though newer metadata cannot be had', async () => {
  const { fake, admin, clock, link, settle } = build()
  await settle(admin.listOffsets('taken', 'latest'))
  link.lookupMs = 50
  let found = 0
  const asked = admin.listOffsets('taken', 'latest').then(({ length }) => (found = length))
  await clock.runWithPromises(10, 1)
  fake.publish(0)
  // That of the next question alone, which says that there is something newer.
  link.metadataAnswers = 1
  const told = admin.describeTopics(['taken'])
  await clock.runWithPromises(100, 1)
  expect(found).toBe(2)
  await settle(Promise.all([asked, told]))
})

describe('what a client changed, it sees', () => {
  it('even from nodes that are behind', async () => {
    const { fake, admin, settle } = build()
    await settle(admin.createTopic({ name: 'new', partitions: 1 }))
    for (let count = 0; count < 6; count++) expect((await settle(admin.describeTopics(['new']))).length).toBe(1)
    await settle(admin.deleteTopic('new'))
    await expect(settle(admin.describeTopics(['new']))).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    expect((await settle(admin.listTopics())).map(({ name }) => name)).toEqual(['taken'])
    expect([...fake.topics.keys()]).toEqual(['taken'])
  })

  it('a deletion whose answer was lost is a deletion', async () => {
    const { admin, deleted, errors, settle } = build()
    errors.push(lost())
    await settle(admin.deleteTopic('taken'))
    expect(deleted.length).toBe(2)
  })
})

describe('offsets', () => {
  it('of every partition, from their leaders', async () => {
    const { fake, admin, settle } = build()
    fake.partition('taken', 1).highWatermark = 7
    expect(await settle(admin.listOffsets('taken', 'latest'))).toEqual([
      { partition: 0, offset: 0, timestamp: -1 },
      { partition: 1, offset: 7, timestamp: -1 },
    ])
    expect(await settle(admin.listOffsets('taken', 'earliest'))).toEqual([
      { partition: 0, offset: 0, timestamp: -1 },
      { partition: 1, offset: 0, timestamp: -1 },
    ])
  })
})

/** A client over the fake cluster whose calls of administration the test answers. */
function scripted(answers: Partial<ClientConnection>): Pick<World, 'fake' | 'admin' | 'settle'> & { readonly asked: [port: number, request: unknown][] } {
  const clock = new VirtualClock()
  const fake = new FakeCluster({ clock, random: new SeededRandom(1) })
  fake.addTopic('taken', 2)
  const asked: [number, unknown][] = []
  const wrap = (connection: ClientConnection): ClientConnection => {
    const noted = Object.entries(answers).map(([name, answer]) => [
      name,
      (...args: readonly unknown[]) => {
        asked.push([Number(connection.address.host.slice(1)), args.length === 3 ? args[0] : null])
        ;(answer as (...all: readonly unknown[]) => void)(...args)
      },
    ])
    return { ...connection, ...Object.fromEntries(noted) }
  }
  const transport: ClientTransport = { connect: (address) => wrap(fake.connect(address)), close: () => undefined }
  const client = new OxbowClient({ bootstrap: fake.bootstrap, transport, clock, random: new SeededRandom(2), requestTimeoutMs: 3_000 })
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => undefined)
    await clock.runWithPromises(4_000)
    return await promise
  }
  return { fake, admin: client.admin(), settle, asked }
}

const takenId = 'taken'.padEnd(32, '0')

describe('alterTopic', () => {
  it('names the total of partitions, so that an unknown outcome is repeated as it was', async () => {
    let failures = 2
    const info = { name: 'taken', topicId: takenId, partitions: [], configs: new Map([['retention.ms', '5']]) }
    const { admin, settle, asked } = scripted({ alterTopic: (_request, _timeoutMs, done) => (failures-- > 0 ? done(lost(), info) : done(undefined, info)) })
    expect(await settle(admin.alterTopic({ name: 'taken', partitions: 4, set: { 'retention.ms': '5' }, delete: ['segment.ms'] }))).toBe(info)
    const request = { topicId: takenId, partitions: 4, assignment: null, set: new Map([['retention.ms', '5']]), delete: ['segment.ms'], validateOnly: false }
    expect(asked.map(([, given]) => given)).toEqual(Array(3).fill({ ...request, timeoutMs: expect.any(Number) }))
    await expect(settle(admin.alterTopic({ name: 'nothing' }))).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })
})

describe('electLeaders', () => {
  it('asks by id and answers by name, an error each', async () => {
    const error = { code: 'ELECTION_NOT_NEEDED', message: 'broker 1 leads already', retriable: false, definite: true } as const
    const partitions = [
      { topicId: takenId, partition: 0, elected: { nodeId: 2, lastEpoch: 3, logEndOffset: 9 }, error: null },
      { topicId: takenId, partition: 1, elected: null, error },
    ]
    const { admin, settle, asked } = scripted({ electLeaders: (_request, _timeoutMs, done) => done(undefined, { partitions, metadataOffset: 8 }) })
    const elected = await settle(admin.electLeaders({ partitions: [{ topic: 'taken', partition: 1 }] }))
    expect(elected).toEqual([
      { topic: 'taken', partition: 0, elected: { nodeId: 2, lastEpoch: 3, logEndOffset: 9 }, error: null, metadataOffset: 8 },
      { topic: 'taken', partition: 1, elected: null, error: new BrokerError('ELECTION_NOT_NEEDED', 'broker 1 leads already'), metadataOffset: 8 },
    ])
    await settle(admin.electLeaders())
    await settle(admin.electLeaders({ unclean: true, validateOnly: true }))
    expect(asked.map(([, request]) => request)).toMatchObject([
      { partitions: [{ topicId: takenId, partition: 1 }], unclean: false, validateOnly: false },
      { partitions: null, unclean: false, validateOnly: false },
      { partitions: null, unclean: true, validateOnly: true },
    ])
  })
})

describe('an unclean election', () => {
  it('R1.3: every attempt names the metadata that the call began with: none gives up a leader that was lost meanwhile', async () => {
    let failures = 1
    const answer = { partitions: [], metadataOffset: null }
    const { fake, admin, settle, asked } = scripted({
      electLeaders: (_request, _timeoutMs, done) => {
        fake.moveLeader('taken', 0, 2)
        fake.moveLeader('taken', 0, -1)
        return failures-- > 0 ? done(lost(), answer) : done(undefined, answer)
      },
    })
    await settle(admin.electLeaders({ partitions: [{ topic: 'taken', partition: 0 }], unclean: true }))
    const [first, second] = asked.map(([, request]) => (request as ElectLeadersRequest).metadataOffset)
    expect(first).toBeGreaterThan(0)
    expect(second).toBe(first)
    await settle(admin.electLeaders({ unclean: true, metadataOffset: 1 }))
    expect(asked.at(-1)?.[1]).toMatchObject({ metadataOffset: 1 })
  })
})

describe('alterReassignments', () => {
  it('asks by id and answers by name, an error each', async () => {
    const error = { code: 'INVALID_REPLICA_ASSIGNMENT', message: 'there is no broker 9', retriable: false, definite: true } as const
    const { admin, settle, asked } = scripted({
      alterReassignments: (_request, _timeoutMs, done) =>
        done(undefined, {
          partitions: [
            { topicId: takenId, partition: 0, error: null },
            { topicId: takenId, partition: 1, error },
          ],
        }),
    })
    const moves = [
      { topic: 'taken', partition: 0, replicas: null },
      { topic: 'taken', partition: 1, replicas: [9] },
    ]
    expect(await settle(admin.alterReassignments({ moves, bytesPerSecond: 4096 }))).toEqual([
      { topic: 'taken', partition: 0, error: null },
      { topic: 'taken', partition: 1, error: new BrokerError('INVALID_REPLICA_ASSIGNMENT', 'there is no broker 9') },
    ])
    const partitions = moves.map(({ partition, replicas }) => ({ topicId: takenId, partition, replicas }))
    expect(asked.map(([, request]) => request)).toEqual([{ partitions, bytesPerSecond: 4096, validateOnly: false, timeoutMs: expect.any(Number) }])
  })
})

describe('alterMaintenance', () => {
  it('asks until there is an answer, but not again for a broker that nobody knows', async () => {
    const outcomes = [new BrokerError('NOT_CONTROLLER', 'soon'), new BrokerError('BROKER_ID_NOT_REGISTERED', 'broker 9 is not registered')]
    const { admin, settle, asked } = scripted({ alterMaintenance: (_request, _timeoutMs, done) => done(outcomes.shift(), undefined as never) })
    await expect(settle(admin.alterMaintenance({ nodeId: 9, maintenance: true }))).rejects.toMatchObject({ code: 'BROKER_ID_NOT_REGISTERED' })
    expect(asked.map(([, request]) => request)).toEqual(Array(2).fill({ nodeId: 9, maintenance: true, timeoutMs: expect.any(Number) }))
  })
})

describe('unregisterBroker', () => {
  const lost = new BrokerError('REQUEST_TIMED_OUT', 'no answer', { unanswered: true })
  const gone = new BrokerError('BROKER_ID_NOT_REGISTERED', 'broker 2 is not registered')

  it('an attempt without an answer that did it counts as done', async () => {
    const outcomes = [lost, gone]
    const { admin, settle, asked } = scripted({ unregisterBroker: (_request, _timeoutMs, done) => done(outcomes.shift(), undefined) })
    await settle(admin.unregisterBroker({ nodeId: 2 }))
    expect(asked.map(([, request]) => request)).toEqual(Array(2).fill({ nodeId: 2, validateOnly: false, timeoutMs: expect.any(Number) }))
  })

  it('a broker that was never there is an error, also when an attempt was lost', async () => {
    const outcomes = [lost, gone]
    const { admin, settle } = scripted({ unregisterBroker: (_request, _timeoutMs, done) => done(outcomes.shift(), undefined) })
    await expect(settle(admin.unregisterBroker({ nodeId: 9 }))).rejects.toMatchObject({ code: 'BROKER_ID_NOT_REGISTERED' })
  })
})

describe('what one node alone can answer', () => {
  it('is asked of that node: its config, its folders, its log level; no other broker is meant by it', async () => {
    const { admin, settle, asked } = scripted({
      describeConfigs: (request, _timeoutMs, done) =>
        done(undefined, {
          resources: [
            ...request.topics.map((name) => ({ type: 'topic' as const, name, entries: [] })),
            ...request.brokers.map((id) => ({ type: 'broker' as const, name: String(id), entries: [] })),
          ],
        }),
      describeLogDirs: (_timeoutMs, done) => done(undefined, { nodeId: 2, folders: [] }),
      getLogLevel: (_timeoutMs, done) => done(undefined, { level: 'info' }),
      setLogLevel: (request, _timeoutMs, done) => done(undefined, request),
    })
    const described = await settle(admin.describeConfigs({ topics: ['taken'], brokers: [3, 1] }))
    expect(described.map(({ type, name }) => `${type} ${name}`)).toEqual(['topic taken', 'broker 3', 'broker 1'])
    expect(asked.slice(1)).toEqual([
      [3, { topics: [], brokers: [3] }],
      [1, { topics: [], brokers: [1] }],
    ])
    asked.splice(0)
    expect(await settle(admin.describeLogDirs({ nodeId: 2 }))).toEqual({ nodeId: 2, folders: [] })
    expect(await settle(admin.logLevel({ nodeId: 3 }))).toBe('info')
    expect(await settle(admin.setLogLevel({ nodeId: 1, level: 'debug' }))).toBe('debug')
    expect(asked).toEqual([
      [2, null],
      [3, null],
      [1, { level: 'debug' }],
    ])
    await expect(settle(admin.logLevel({ nodeId: 9 }))).rejects.toMatchObject({ code: 'INVALID_REQUEST', detail: 'there is no broker 9; those are 1, 2, 3' })
  })

  it('goes to the node that is named instead, before any other', async () => {
    const leader = { nodeId: 2, host: 'n2', grpcPort: 9192, leaderEpoch: 4 }
    const { fake, admin, settle, asked } = scripted({
      describeQuorum: (_timeoutMs, done) => {
        const answer =
          asked.at(-1)?.[0] === 2 ? undefined : new BrokerError('NOT_CONTROLLER', 'node 2 leads', { leader: { ...leader, grpcPort: portOf(fake) } })
        done(answer, {} as never)
      },
    })
    for (let round = 0; round < 3; round++) {
      asked.splice(0)
      await settle(admin.describeQuorum())
      expect(asked.length).toBeLessThanOrEqual(2)
      expect(asked.at(-1)?.[0]).toBe(2)
    }
  })
})

function portOf(fake: FakeCluster): number {
  return Number(fake.bootstrap[0]?.split(':')[1])
}

describe('deleteRecords', () => {
  it('asks the leader of each partition; the high watermark is a number before anything is asked, so that repeating deletes no more', async () => {
    const { fake, admin, settle, asked } = scripted({
      deleteRecords: (request, _timeoutMs, done) => {
        fake.partition('taken', 1).highWatermark = 12
        if (asked.length === 1) done(lost(), { partitions: [] })
        else {
          done(undefined, {
            partitions: request.partitions.map(({ topicId, partition, beforeOffset }) =>
              beforeOffset > 10
                ? { topicId, partition, lowWatermark: -1, error: { code: 'OFFSET_OUT_OF_RANGE', message: 'beyond', retriable: false, definite: true } }
                : { topicId, partition, lowWatermark: beforeOffset, error: null },
            ),
          })
        }
      },
    })
    fake.partition('taken', 1).highWatermark = 7
    const deleted = await settle(
      admin.deleteRecords([
        { topic: 'taken', partition: 1, beforeOffset: -1 },
        { topic: 'taken', partition: 0, beforeOffset: 99 },
        { topic: 'taken', partition: 5, beforeOffset: 1 },
      ]),
    )
    expect(deleted.map(({ partition, lowWatermark, error }) => [partition, lowWatermark, error?.code ?? null])).toEqual([
      [1, 7, null],
      [0, -1, 'OFFSET_OUT_OF_RANGE'],
      [5, -1, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ])
    const [[firstNode, first] = [], ...others] = asked
    const sent = (request: unknown): unknown => (request as { partitions: unknown }).partitions
    expect(others).toContainEqual([firstNode, expect.objectContaining({ partitions: sent(first) })])
  })

  it('refuses an offset that is none before anything is asked', async () => {
    const { admin, settle, asked } = scripted({})
    for (const beforeOffset of [-2, 1.5, Number.NaN, 2 ** 53]) {
      await expect(settle(admin.deleteRecords([{ topic: 'taken', partition: 0, beforeOffset }]))).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
    }
    for (const at of [-1, 1.5]) await expect(settle(admin.listOffsets('taken', at))).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
    expect(asked).toEqual([])
  })
})

describe('a cluster that does not answer', () => {
  it('ends in an error within the timeout', async () => {
    const { fake, admin, settle } = build()
    for (const nodeId of fake.nodeIds) fake.kill(nodeId)
    await expect(settle(admin.listTopics())).rejects.toMatchObject({ code: 'NETWORK_EXCEPTION', retriable: true, definite: false })
  })

  it('ends a call of several questions within the one timeout', async () => {
    const { clock, fake, admin, errors, settle } = build()
    for (const nodeId of fake.nodeIds) fake.kill(nodeId)
    clock.after(2_000, () => fake.dead.clear())
    errors.push(...Array.from({ length: 50 }, lost))
    const beganMs = clock.monotonicMs()
    const deletion = admin.deleteTopic('taken').catch((error) => [codeOf(error), clock.monotonicMs() - beganMs] as const)
    const [code, tookMs] = (await settle(deletion)) as readonly [string, number]
    expect(code).toBe('NETWORK_EXCEPTION')
    expect(tookMs).toBeGreaterThan(2_000)
    expect(tookMs).toBeLessThanOrEqual(3_002)
  })

  it('ends all calls together within totalTimeoutMs, and begins none after it', async () => {
    const { clock, fake, client, deleted, settle } = build()
    const admin = client.admin({ totalTimeoutMs: 1_000 })
    for (const nodeId of fake.nodeIds) fake.kill(nodeId)
    let isOver = false
    void admin.listTopics().catch(() => (isOver = true))
    await clock.runWithPromises(1_010)
    expect(isOver).toBe(true)
    fake.dead.clear()
    await expect(settle(admin.deleteTopic('taken'))).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT' })
    expect(deleted).toEqual([])
  })

  it('does not hold up close', async () => {
    const { clock, fake, admin, client } = build()
    for (const nodeId of fake.nodeIds) fake.silent.add(nodeId)
    const codes: string[] = []
    void admin.listTopics().catch((error) => codes.push(codeOf(error)))
    await clock.runWithPromises(50)
    let isClosed = false
    void client.close().then(() => (isClosed = true))
    await clock.runWithPromises(50)
    expect([isClosed, codes]).toEqual([true, ['CLIENT_CLOSED']])
    await expect(admin.listTopics()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
    expect(() => client.producer()).toThrow(BrokerError)
  })
})
