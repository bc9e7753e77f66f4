import { describe, expect, it } from 'vitest'
import { BrokerError, codeOf } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { Admin } from '../../src/client/admin.ts'
import { OxbowClient } from '../../src/client/client.ts'
import type { ClientConnection, ClientTransport } from '../../src/client/transport.ts'
import type { CreateTopicRequest, DeleteTopicRequest } from '../../src/wire/api.ts'
import { FakeCluster } from './fake-cluster.ts'
import { VirtualClock } from './virtual-clock.ts'

interface World {
  readonly clock: VirtualClock
  readonly fake: FakeCluster
  readonly admin: Admin
  readonly client: OxbowClient
  readonly created: CreateTopicRequest[]
  readonly deleted: DeleteTopicRequest[]
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
  const errors: BrokerError[] = []
  const change = <T>(make: () => T | BrokerError, done: (error: Error | undefined, value: T) => void): void => {
    const error = errors.shift()
    const result = error?.definite === true ? error : make()
    const answer = error ?? result
    clock.after(2, () => (answer instanceof BrokerError ? done(answer, undefined as T) : done(undefined, answer)))
  }
  const wrap = (connection: ClientConnection): ClientConnection => ({
    ...connection,
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
  return { clock, fake, admin: client.admin(), client, created, deleted, errors, settle }
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
