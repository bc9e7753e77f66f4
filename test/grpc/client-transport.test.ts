import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Done } from '../../src/base/done.ts'
import { BrokerError } from '../../src/base/errors.ts'
import { GrpcClientTransport } from '../../src/client/grpc-transport.ts'
import type { ClientConnection } from '../../src/client/transport.ts'
import type { FetchResponse, ProduceRequest, ProduceResponse } from '../../src/wire/api.ts'
import { aBroker, topicId } from './fake-broker.ts'
import { type Listener, startListener, until } from './harness.ts'

function ask<T>(call: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error === undefined ? resolve(value) : reject(error)))
  })
}

async function failureOf(call: Promise<unknown>): Promise<BrokerError> {
  return call.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: BrokerError) => error,
  )
}

function produceRequest(requestId: number, batch = Buffer.alloc(100, 1), acks = -1): ProduceRequest {
  return { requestId, acks, timeoutMs: 1_000, partitions: [{ topicId, partition: 0, leaderEpoch: -1, batch }] }
}

describe('GrpcClientTransport against the listener', () => {
  let listener: Listener
  let transport: GrpcClientTransport
  let connection: ClientConnection

  beforeEach(async () => {
    listener = await startListener()
    transport = new GrpcClientTransport()
    connection = transport.connect(listener.address)
  })

  afterEach(async () => {
    transport.close()
    await listener.stop()
  })

  it('every unary call reaches the Broker as it was asked, and its answer comes back', async () => {
    const { asked } = listener.broker
    const create = {
      name: 't',
      topicId,
      partitions: 1,
      replicationFactor: 1,
      assignment: null,
      configs: new Map([['a', 'b']]),
      validateOnly: false,
      timeoutMs: 5,
    }
    const offsets = { partitions: [{ topicId, partition: 0, leaderEpoch: -1, at: 'latest' as const }] }
    expect(await ask((done) => connection.metadata({ topics: ['x'], minOffset: 2 }, 1_000, done))).toMatchObject({ clusterId: topicId, missing: ['x'] })
    expect(await ask((done) => connection.listOffsets(offsets, 1_000, done))).toMatchObject({ partitions: [{ offset: 5 }] })
    expect(await ask((done) => connection.createTopic(create, 1_000, done))).toEqual({ topicId, partitions: 1, replicationFactor: 1, assignment: [[1]] })
    await ask((done) => connection.deleteTopic({ topicId, timeoutMs: 4 }, 1_000, done))
    expect(await ask((done) => connection.createProducerId(1_000, done))).toEqual({ producerId: 7, producerEpoch: 0 })
    expect(await ask((done) => connection.describeCluster(1_000, done))).toEqual({ clusterId: null, controllerId: -1, brokers: [] })
    expect(await ask((done) => connection.describeQuorum(1_000, done))).toMatchObject({ status: { leaderEpoch: 2 } })
    expect(asked).toEqual([
      { topics: ['x'], minOffset: 2 },
      offsets,
      create,
      { topicId, timeoutMs: 4 },
      'createProducerId',
      'describeCluster',
      'describeQuorum',
    ])
  })

  it('so do those of administration', async () => {
    const { asked } = listener.broker
    const alter = { topicId, partitions: 3, assignment: [[1, 2]], set: new Map([['a', 'b']]), delete: ['c'], validateOnly: true, timeoutMs: 5 }
    const elect = { partitions: [{ topicId, partition: 3 }], unclean: true, validateOnly: true, metadataOffset: 6, timeoutMs: 5 }
    const remove = { partitions: [{ topicId, partition: 3, beforeOffset: 2 ** 40 }], timeoutMs: 5 }
    const voter = { nodeId: 4, directoryId: topicId, validateOnly: true, timeoutMs: 5 }
    const mark = { nodeId: 4, maintenance: true, timeoutMs: 6 }
    const off = { nodeId: 4, validateOnly: true, timeoutMs: 7 }
    const any = { nodeId: 5, directoryId: null, validateOnly: false, timeoutMs: 6 }
    const at = { partitions: [{ topicId, partition: 0, leaderEpoch: -1, at: 1_700_000_000_000 }] }
    expect(await ask((done) => connection.alterTopic(alter, 1_000, done))).toEqual({ name: 'orders', topicId, partitions: [], configs: alter.set })
    const configs = { topics: ['t'], brokers: [2] }
    expect(await ask((done) => connection.describeConfigs(configs, 1_000, done))).toEqual({ resources: [{ type: 'topic', name: 't', entries: [] }] })
    expect(await ask((done) => connection.electLeaders(elect, 1_000, done))).toEqual({
      partitions: [{ topicId, partition: 3, elected: { nodeId: 2, lastEpoch: 1, logEndOffset: 2 ** 40 }, error: null }],
      metadataOffset: 7,
    })
    expect(await ask((done) => connection.addVoter(voter, 1_000, done))).toEqual({
      isChanged: true,
      voters: [{ nodeId: 4, directoryId: topicId }],
      warnings: ['few'],
    })
    expect(await ask((done) => connection.removeVoter(any, 1_000, done))).toEqual({ isChanged: false, voters: [], warnings: [] })
    expect(await ask((done) => connection.alterMaintenance(mark, 1_000, done))).toEqual({ ...aBroker, nodeId: 4, maintenance: true })
    expect(await ask((done) => connection.unregisterBroker(off, 1_000, done))).toBeUndefined()
    const move = { partitions: [{ topicId, partition: 3, replicas: [1] }], bytesPerSecond: null, validateOnly: false, timeoutMs: 1 }
    expect(await ask((done) => connection.alterReassignments(move, 1_000, done))).toEqual({ partitions: [{ topicId, partition: 3, error: null }] })
    expect(await ask((done) => connection.deleteRecords(remove, 1_000, done))).toEqual({
      partitions: [{ topicId, partition: 3, lowWatermark: 2 ** 40, error: null }],
    })
    const digest = { topicId, partition: 3, startOffset: 5, endOffset: 2 ** 40, maxBytes: 1024 }
    expect(await ask((done) => connection.digestBatches(digest, 1_000, done))).toEqual({
      logStartOffset: 5,
      endOffset: 30,
      file: 'data/1/log',
      position: 61,
      digests: [{ baseOffset: 5, lastOffset: 9, leaderEpoch: 1, sizeBytes: 80, checksum: 2 ** 32 - 1 }],
      nextOffset: 10,
      fault: null,
    })
    const folder = { partitions: [{ topicId, partition: 3 }], path: '/b', bytesPerSecond: 1024, validateOnly: true }
    expect(await ask((done) => connection.alterReplicaLogDirs(folder, 1_000, done))).toEqual({ partitions: [{ topicId, partition: 3, error: null }] })
    expect(await ask((done) => connection.describeLogDirs(1_000, done))).toEqual({ nodeId: 1, folders: [] })
    expect(await ask((done) => connection.getLogLevel(1_000, done))).toEqual({ level: 'info' })
    expect(await ask((done) => connection.setLogLevel({ level: 'debug' }, 1_000, done))).toEqual({ level: 'debug' })
    expect(await ask((done) => connection.listOffsets(at, 1_000, done))).toMatchObject({ partitions: [{ offset: 5, timestamp: -1 }] })
    expect(asked).toEqual([
      alter,
      configs,
      elect,
      voter,
      any,
      mark,
      off,
      move,
      remove,
      digest,
      folder,
      'describeLogDirs',
      'getLogLevel',
      { level: 'debug' },
      at,
    ])
  })

  it.each([
    [
      'timeout_ms',
      (done: Done<unknown>) =>
        connection.alterTopic({ topicId, partitions: 0, assignment: null, set: new Map(), delete: [], validateOnly: false, timeoutMs: 600_001 }, 1_000, done),
    ],
    ['the number of resources', (done: Done<unknown>) => connection.describeConfigs({ topics: [], brokers: [] }, 1_000, done)],
    ['the number of resources', (done: Done<unknown>) => connection.describeConfigs({ topics: Array(1_001).fill('t'), brokers: [] }, 1_000, done)],
    [
      'the number of partitions',
      (done: Done<unknown>) =>
        connection.electLeaders({ partitions: [], unclean: false, validateOnly: false, metadataOffset: null, timeoutMs: 0 }, 1_000, done),
    ],
    ['node_id', (done: Done<unknown>) => connection.addVoter({ nodeId: -1, directoryId: null, validateOnly: true, timeoutMs: 0 }, 1_000, done)],
    ['node_id', (done: Done<unknown>) => connection.alterMaintenance({ nodeId: -1, maintenance: true, timeoutMs: 0 }, 1_000, done)],
    ['node_id', (done: Done<unknown>) => connection.unregisterBroker({ nodeId: -1, validateOnly: true, timeoutMs: 0 }, 1_000, done as Done<void>)],
    [
      'bytes_per_second',
      (done: Done<unknown>) =>
        connection.alterReplicaLogDirs({ partitions: [{ topicId, partition: 3 }], path: null, bytesPerSecond: 1_023, validateOnly: false }, 1_000, done),
    ],
    ['timeout_ms', (done: Done<unknown>) => connection.removeVoter({ nodeId: 1, directoryId: null, validateOnly: true, timeoutMs: -1 }, 1_000, done)],
    [
      'before_offset',
      (done: Done<unknown>) => connection.deleteRecords({ partitions: [{ topicId, partition: 0, beforeOffset: -2 }], timeoutMs: 0 }, 1_000, done),
    ],
    ['the number of partitions', (done: Done<unknown>) => connection.deleteRecords({ partitions: [], timeoutMs: 0 }, 1_000, done)],
  ])('%s out of range never reaches the Broker', async (name, call) => {
    const failure = await failureOf(ask(call))
    expect(failure).toMatchObject({ code: 'INVALID_REQUEST' })
    expect(failure.detail).toContain(name)
    expect(listener.broker.asked).toEqual([])
  })

  it('an error names the leader that may be asked instead', async () => {
    const leader = { nodeId: 2, host: 'node-2', grpcPort: 9193, leaderEpoch: 2 ** 33 }
    listener.broker.failure = new BrokerError('NOT_CONTROLLER', 'node 2 leads the quorum', { leader })
    expect((await failureOf(ask((done) => connection.describeQuorum(1_000, done)))).leader).toEqual(leader)
  })

  it.each([
    [new BrokerError('TOPIC_ALREADY_EXISTS', 'orders is there'), true, false],
    [new BrokerError('NOT_CONTROLLER', 'ask node 2', { definite: false }), false, true],
    [new BrokerError('REQUEST_TIMED_OUT', 'ünïcode, % and\nlines'), false, true],
  ])('an error comes back with code, detail, definite and retriable: %s', async (failure, definite, retriable) => {
    listener.broker.failure = failure
    const error = await failureOf(ask((done) => connection.describeCluster(1_000, done)))
    expect(error).toBeInstanceOf(BrokerError)
    expect({ code: error.code, detail: error.detail, definite: error.definite, retriable: error.retriable }).toEqual({
      code: failure.code,
      detail: failure.detail,
      definite,
      retriable,
    })
  })

  it('no answer in time is REQUEST_TIMED_OUT, nobody there is NETWORK_EXCEPTION, both indefinite (rules R1.3)', async () => {
    // Connected before: only then gRPC says who did not answer.
    await ask((done) => connection.describeCluster(20_000, done))
    listener.broker.createProducerId = () => {}
    expect(await failureOf(ask((done) => connection.createProducerId(1_000, done)))).toMatchObject({
      code: 'REQUEST_TIMED_OUT',
      detail: `no answer in time from 127.0.0.1:${listener.address.port}`,
      definite: false,
    })
    const nobody = transport.connect({ host: '127.0.0.1', port: 1 })
    expect(await failureOf(ask((done) => nobody.createProducerId(1_000, done)))).toMatchObject({
      code: 'NETWORK_EXCEPTION',
      detail: 'cannot connect to 127.0.0.1:1 (refused)',
      definite: false,
    })
  })

  it('a closed connection says CLIENT_CLOSED, to what waits as indefinite', async () => {
    listener.broker.createProducerId = () => listener.broker.asked.push('asked')
    const waiting = failureOf(ask((done) => connection.createProducerId(5_000, done)))
    await until(() => listener.broker.asked.length === 1)
    connection.close()
    expect(await waiting).toMatchObject({ code: 'CLIENT_CLOSED', definite: false })
    expect(await failureOf(ask((done) => connection.createProducerId(5_000, done)))).toMatchObject({ code: 'CLIENT_CLOSED' })
  })

  it('a stream of a closed connection says CLIENT_CLOSED once, in a turn of its own, and takes what is sent', async () => {
    connection.close()
    const heard: (BrokerError | undefined)[] = []
    const handlers = { response: () => {}, closed: (error: BrokerError | undefined) => heard.push(error) }
    connection.openProduce(handlers).send(produceRequest(1))
    connection.openFetch(handlers).close()
    expect(heard).toEqual([])
    await until(() => heard.length === 2)
    expect(heard).toMatchObject([
      { code: 'CLIENT_CLOSED', definite: true },
      { code: 'CLIENT_CLOSED', definite: true },
    ])
    expect(listener.broker.sessions).toEqual([])
  })

  it('produce: requests arrive whole and in order, answers come back by request id, acks 0 is not answered', async () => {
    const responses: ProduceResponse[] = []
    listener.broker.onProduce = (request, reply) => {
      if (request.acks === 0) return
      setImmediate(() => reply({ requestId: request.requestId, partitions: [{ topicId, partition: 0, baseOffset: request.requestId * 10, error: null }] }))
    }
    const stream = connection.openProduce({ response: (response) => responses.push(response), closed() {} })
    for (let requestId = 1; requestId <= 5; requestId++) stream.send(produceRequest(requestId, Buffer.alloc(1_000, requestId), requestId === 3 ? 0 : -1))
    await until(() => responses.length === 4)
    expect(responses.map(({ requestId, partitions }) => [requestId, partitions[0]?.baseOffset])).toEqual([
      [1, 10],
      [2, 20],
      [4, 40],
      [5, 50],
    ])
    const produced = listener.broker.sessions[0]!.produced
    expect(produced.map(({ requestId }) => requestId)).toEqual([1, 2, 3, 4, 5])
    for (const { requestId, partitions } of produced) expect(partitions[0]?.batch.equals(Buffer.alloc(1_000, requestId))).toBe(true)
  })

  it('fetch: batches come back whole, errors a partition', async () => {
    const responses: FetchResponse[] = []
    const error = { code: 'OFFSET_OUT_OF_RANGE', message: 'gone', retriable: false, definite: true } as const
    listener.broker.onFetch = (request, reply) => {
      const good = { topicId, partition: 0, highWatermark: 9, logStartOffset: 0, error: null, batches: [Buffer.alloc(70_000, 1), Buffer.alloc(5, 2)] }
      reply({ requestId: request.requestId, partitions: [good, { ...good, partition: 1, highWatermark: -1, logStartOffset: -1, error, batches: [] }] })
    }
    const stream = connection.openFetch({ response: (response) => responses.push(response), closed() {} })
    stream.send({
      requestId: 3,
      maxWaitMs: 1,
      minBytes: 1,
      maxBytes: 100,
      partitions: [{ topicId, partition: 0, leaderEpoch: 1, fetchOffset: 4, maxBytes: 10 }],
    })
    await until(() => responses.length === 1)
    expect(responses[0]?.partitions[1]?.error).toEqual(error)
    expect(Buffer.concat(responses[0]?.partitions[0]?.batches ?? []).equals(Buffer.concat([Buffer.alloc(70_000, 1), Buffer.alloc(5, 2)]))).toBe(true)
  })

  it('a stream that the node ends, or that is closed here, says so once, in a turn of its own', async () => {
    const ends: (Error | undefined)[] = []
    const lost = connection.openProduce({ response() {}, closed: (error) => ends.push(error) })
    lost.send({ ...produceRequest(1), timeoutMs: -5 })
    await until(() => ends.length === 1)
    expect(ends[0]).toMatchObject({ code: 'INVALID_REQUEST', detail: expect.stringContaining('timeout_ms is -5') })
    const closed = connection.openProduce({ response() {}, closed: (error) => ends.push(error) })
    closed.close()
    expect(ends).toHaveLength(1)
    await until(() => ends.length === 2)
    expect(ends[1]).toBeUndefined()
    closed.send(produceRequest(2))
    closed.close()
  })

  it('the end of the client’s stream closes the session', async () => {
    const stream = connection.openProduce({ response() {}, closed() {} })
    stream.send(produceRequest(1))
    await until(() => listener.broker.sessions[0]?.produced.length === 1)
    stream.close()
    await until(() => listener.broker.sessions[0]?.closed === true)
  })

  it('a stopping node ends streams with UNAVAILABLE, at once: NETWORK_EXCEPTION, indefinite', async () => {
    const ends: (Error | undefined)[] = []
    const stream = connection.openProduce({ response() {}, closed: (error) => ends.push(error) })
    stream.send(produceRequest(1))
    await until(() => listener.broker.sessions[0]?.produced.length === 1)
    const startedAt = performance.now()
    await new Promise<void>((resolve) => listener.server.stop(5_000, () => resolve()))
    await until(() => ends.length === 1)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(ends[0]).toMatchObject({ code: 'NETWORK_EXCEPTION', detail: 'the node stops', definite: false })
  })
})
