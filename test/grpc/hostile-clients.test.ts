import { type AddressInfo, connect, type Socket } from 'node:net'
import { Client, type ClientDuplexStream, credentials, type StatusObject, status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { GrpcClientTransport } from '../../src/client/grpc-transport.ts'
import { createConnectionServer } from '../../src/grpc/connections.ts'
import { createGrpcServer } from '../../src/grpc/server.ts'
import type { FetchRequest, ProduceRequest } from '../../src/wire/api.ts'
import { openChannel, targetOf } from '../../src/wire/channel.ts'
import { decodeFetchResponse, encodeFetchRequest } from '../../src/wire/fetch-codec.ts'
import { GatheredMessage } from '../../src/wire/gathered.ts'
import { fromGrpcStatus } from '../../src/wire/grpc-error.ts'
import { decodeProduceReplies, encodeProduceRequest } from '../../src/wire/produce-codec.ts'
import { brokerService, type RawMethod } from '../../src/wire/services.ts'
import { silentLogger } from '../contract/silent-logger.ts'
import { FakeBroker, topicId } from './fake-broker.ts'
import { type Listener, startListener, until } from './harness.ts'
import { Traffic } from '../../src/wire/traffic.ts'

const MIB = 1 << 20

function produceRequest(requestId: number, batchBytes: number): ProduceRequest {
  return { requestId, acks: -1, timeoutMs: 1_000, partitions: [{ topicId, partition: 0, leaderEpoch: -1, batch: Buffer.alloc(batchBytes, 1) }] }
}

/** Whether an HTTP/2 GOAWAY frame is among these frames. */
function holdsGoAway(frames: Buffer): boolean {
  for (let at = 0; at + 9 <= frames.length; at += 9 + frames.readUIntBE(at, 3)) if (frames[at + 3] === 7) return true
  return false
}

const fetchRequest: FetchRequest = {
  requestId: 1,
  maxWaitMs: 1,
  minBytes: 1,
  maxBytes: 100 * MIB,
  partitions: [{ topicId, partition: 0, leaderEpoch: -1, fetchOffset: 0, maxBytes: 100 * MIB }],
}

describe('clients that misbehave', () => {
  let listener: Listener
  let client: Client
  const transport = new GrpcClientTransport()

  beforeEach(async () => {
    listener = await startListener({ maxConnections: 8 })
    client = openChannel(listener.address)
  })

  afterEach(async () => {
    client.close()
    await listener.stop()
  })

  interface Dialled {
    readonly call: ClientDuplexStream<GatheredMessage, Buffer>
    readonly ended: Promise<StatusObject>
  }

  function dial(method: RawMethod): Dialled {
    const call = client.makeBidiStreamRequest<GatheredMessage, Buffer>(method.path, method.requestSerialize, method.responseDeserialize)
    call.on('error', () => {})
    return { call, ended: new Promise((resolve) => call.on('status', resolve)) }
  }

  /** Another client, on a connection of its own, is served. */
  async function expectAlive(): Promise<void> {
    const connection = transport.connect(listener.address)
    const answer = await new Promise<number>((resolve, reject) => {
      connection.createProducerId(5_000, (error, response) => (error === undefined ? resolve(response.producerId) : reject(error)))
    })
    connection.close()
    expect(answer).toBe(7)
  }

  it('a message of 17 MiB is refused by its size, before it is held; the node lives', async () => {
    // A client without a limit of its own.
    const bigClient = new Client(targetOf(listener.address), credentials.createInsecure(), { 'grpc.max_send_message_length': -1 })
    const { path, requestSerialize, responseDeserialize } = brokerService.Produce
    const call = bigClient.makeBidiStreamRequest<GatheredMessage, Buffer>(path, requestSerialize, responseDeserialize)
    call.on('error', () => {})
    call.on('data', () => {})
    const ended = new Promise<StatusObject>((resolve) => call.on('status', resolve))
    call.write(encodeProduceRequest(produceRequest(1, 17 * MIB)))
    const end = await ended
    bigClient.close()
    expect(end.code).toBe(status.RESOURCE_EXHAUSTED)
    expect(end.details).toMatch(/larger than max/)
    expect(fromGrpcStatus(end)).toMatchObject({ code: 'MESSAGE_TOO_LARGE', definite: false })
    expect(listener.broker.sessions[0]?.produced ?? []).toEqual([])
    await expectAlive()
  })

  it('a call of more than 1 MiB is refused before it is read: it would go on to the controller beside Raft', async () => {
    const connection = transport.connect(listener.address)
    const create = (name: string): Promise<unknown> =>
      new Promise((resolve) => {
        const request = { name, topicId, partitions: 1, replicationFactor: 1, assignment: null, configs: new Map(), validateOnly: false, timeoutMs: 1_000 }
        connection.createTopic(request, 5_000, (error) => resolve(error))
      })
    expect(await create('n'.repeat(MIB))).toMatchObject({ code: 'INVALID_REQUEST', definite: true, detail: expect.stringMatching(/at most 1048576/) })
    expect(listener.broker.asked).toEqual([])
    expect(await create('n'.repeat(MIB - 100))).toBeUndefined()
    connection.close()
    await expectAlive()
  })

  it('an error of a megabyte reaches the client as an error, cut', async () => {
    listener.broker.failure = new BrokerError('INVALID_TOPIC_EXCEPTION', 'é'.repeat(MIB))
    const connection = transport.connect(listener.address)
    const error = await new Promise<BrokerError | undefined>((resolve) => connection.describeCluster(5_000, (failure) => resolve(failure as BrokerError)))
    expect(error).toMatchObject({ code: 'INVALID_TOPIC_EXCEPTION', definite: true, detail: expect.stringMatching(/^é{500,}…$/) })
    connection.close()
    listener.broker.failure = undefined
    await expectAlive()
  })

  it.each([
    ['rubbish', new GatheredMessage([Buffer.alloc(100, 0xff)]), 'malformed message'],
    ['no partitions', encodeProduceRequest({ ...produceRequest(1, 100), partitions: [] }), 'the number of partitions is 0'],
    [
      'a negative partition',
      encodeProduceRequest({ ...produceRequest(1, 100), partitions: [{ topicId, partition: -1, leaderEpoch: 0, batch: Buffer.alloc(1) }] }),
      'partition is -1',
    ],
    ['a negative request id', encodeProduceRequest({ ...produceRequest(1, 100), requestId: -1 }), 'request_id is -1'],
    ['a timeout of a month', encodeProduceRequest({ ...produceRequest(1, 100), timeoutMs: 2_000_000_000 }), 'timeout_ms is 2000000000'],
  ])('%s ends the stream with INVALID_ARGUMENT and a reason; the node lives', async (_name, message, reason) => {
    const { call, ended } = dial(brokerService.Produce)
    call.on('data', () => {})
    call.write(message)
    const end = await ended
    expect(end.code).toBe(status.INVALID_ARGUMENT)
    expect(fromGrpcStatus(end)).toMatchObject({ code: 'INVALID_REQUEST', detail: expect.stringContaining(reason) })
    await until(() => listener.broker.sessions[0]?.closed === true)
    await expectAlive()
  })

  it('random bytes, and a frame that says 200 MiB, on the port: the connection is told off, the node lives', async () => {
    const random = new SeededRandom(5)
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    const oneStream = Buffer.from('000000040000000000', 'hex')
    const hugeFrame = Buffer.concat([Buffer.from([0xc8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01]), Buffer.alloc(1_000)])
    const openings = [Buffer.alloc(0), preface, Buffer.concat([preface, oneStream]), Buffer.concat([preface, oneStream, hugeFrame])]
    for (const opening of openings) {
      const noise = Buffer.from(Array.from({ length: 5_000 }, () => random.integer(256)))
      const said = await new Promise<Buffer>((resolve) => {
        const socket = connect(listener.address)
        let heard = Buffer.alloc(0)
        socket.on('error', () => {})
        socket.on('close', () => resolve(heard))
        socket.on('data', (bytes: Buffer) => {
          heard = Buffer.concat([heard, bytes])
          if (holdsGoAway(heard)) socket.destroy()
        })
        socket.write(Buffer.concat([opening, noise]))
      })
      expect(holdsGoAway(said)).toBe(true)
    }
    await expectAlive()
  })

  it('a client that never reads its fetches is sent 16 MiB ahead at most, whatever it asks for', async () => {
    const answerBytes = 4 * MIB
    listener.broker.onFetch = (request, reply) => {
      expect(request.maxBytes).toBe(8 * MIB)
      const batches = [Buffer.alloc(answerBytes)]
      setImmediate(() =>
        reply({ requestId: request.requestId, partitions: [{ topicId, partition: 0, highWatermark: 1, logStartOffset: 0, error: null, batches }] }),
      )
    }
    const { call, ended } = dial(brokerService.Fetch)
    // It reads one message and never again: a client that is merely paused would read 16 ahead.
    const read = call._read.bind(call)
    let reads = 0
    call._read = (size) => {
      if (reads++ === 0) read(size)
    }
    call.read(0)
    for (let requestId = 0; requestId < 200; requestId++) call.write(encodeFetchRequest({ ...fetchRequest, requestId }))
    // Other clients are served meanwhile, many times over: whatever would be asked of the Broker for this one has been.
    for (let round = 0; round < 30; round++) await expectAlive()
    const session = listener.broker.sessions[0]!
    // The client's own window (8 MiB) and the 16 MiB that may wait here.
    expect(session.fetched).toBeGreaterThan(2)
    expect(session.fetched).toBeLessThanOrEqual((8 * MIB + 16 * MIB) / answerBytes + 2)
    call.cancel()
    await ended
    await until(() => session.closed)
  })

  it.each([
    ['a partition each', 1, 8_000],
    ['10,000 partitions each', 10_000, 12],
  ])('fetches that ask for no bytes and wait, %s, are held within 16 MiB too', async (_name, count, requests) => {
    const waiting: (() => void)[] = []
    const answered: number[] = []
    listener.broker.onFetch = (request, reply) => waiting.push(() => reply({ requestId: request.requestId, partitions: [] }))
    const { call } = dial(brokerService.Fetch)
    call.on('data', (bytes: Buffer) => answered.push(decodeFetchResponse(bytes).requestId))
    const partitions = Array.from({ length: count }, (_, partition) => ({ topicId, partition, leaderEpoch: -1, fetchOffset: 0, maxBytes: 0 }))
    for (let requestId = 0; requestId < requests; requestId++) call.write(encodeFetchRequest({ ...fetchRequest, requestId, maxBytes: 0, partitions }))
    const limit = Math.ceil((16 * MIB) / (2_048 + 256 * count))
    await until(() => waiting.length >= limit)
    for (let round = 0; round < 30; round++) await expectAlive()
    expect(waiting.length).toBe(limit)
    // What is answered makes room for what was not read.
    while (answered.length < requests) {
      for (const say of waiting.splice(0)) say()
      await new Promise((resolve) => setImmediate(resolve))
    }
    call.cancel()
  })

  it('a paused node reads no more than the message under way, then all of it (rules 8)', async () => {
    const { call } = dial(brokerService.Produce)
    const answered: number[] = []
    call.on('data', (bytes: Buffer) => {
      for (const { requestId } of decodeProduceReplies(bytes)) answered.push(requestId)
    })
    let pausing = true
    listener.broker.onProduce = (request, reply, session) => {
      if (pausing) session.paused = true
      setImmediate(() => reply({ requestId: request.requestId, partitions: [] }))
    }
    for (let requestId = 0; requestId < 40; requestId++) call.write(encodeProduceRequest(produceRequest(requestId, MIB)))
    await until(() => (listener.broker.sessions[0]?.produced.length ?? 0) > 0)
    const before = process.memoryUsage()
    for (let round = 0; round < 20; round++) await expectAlive()
    const session = listener.broker.sessions[0]!
    expect(session.produced.length).toBeLessThanOrEqual(2)
    const after = process.memoryUsage()
    // Reading ahead would hold 16 messages of 1 MiB in the stream.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(12 * MIB)
    pausing = false
    session.resume()
    await until(() => answered.length === 40)
    expect(session.produced.map(({ requestId }) => requestId)).toEqual(Array.from({ length: 40 }, (_, at) => at))
    call.cancel()
  })

  it('a stream that is opened on a paused node is not read either: to come again and again gets nobody past the limit (rules 8)', async () => {
    listener.broker.isFull = true
    listener.broker.onProduce = (request, reply) => setImmediate(() => reply({ requestId: request.requestId, partitions: [] }))
    const { call } = dial(brokerService.Produce)
    const answered: number[] = []
    call.on('data', (bytes: Buffer) => {
      for (const { requestId } of decodeProduceReplies(bytes)) answered.push(requestId)
    })
    call.write(encodeProduceRequest(produceRequest(1, 100)))
    await until(() => listener.broker.sessions.length === 1)
    for (let round = 0; round < 20; round++) await expectAlive()
    const session = listener.broker.sessions[0]!
    expect(session.produced).toEqual([])
    session.resume()
    await until(() => answered.length === 1)
    call.cancel()
  })

  it('replies of one turn leave in one message', async () => {
    const { call } = dial(brokerService.Produce)
    const messages: number[] = []
    call.on('data', (bytes: Buffer) => messages.push(decodeProduceReplies(bytes).length))
    const replies: (() => void)[] = []
    listener.broker.onProduce = (request, reply) => {
      replies.push(() => reply({ requestId: request.requestId, partitions: [] }))
      if (replies.length < 20) return
      setImmediate(() => {
        for (const say of replies) setImmediate(say)
      })
    }
    for (let requestId = 0; requestId < 20; requestId++) call.write(encodeProduceRequest(produceRequest(requestId, 100)))
    await until(() => messages.reduce((sum, count) => sum + count, 0) === 20)
    expect(messages).toEqual([20])
    call.cancel()
  })

  it('a half-closed produce stream is answered to its end', async () => {
    const { call, ended } = dial(brokerService.Produce)
    const answered: number[] = []
    call.on('data', (bytes: Buffer) => {
      for (const { requestId } of decodeProduceReplies(bytes)) answered.push(requestId)
    })
    const replies: (() => void)[] = []
    listener.broker.onProduce = (request, reply) => replies.push(() => reply({ requestId: request.requestId, partitions: [] }))
    call.write(encodeProduceRequest(produceRequest(1, 10)))
    call.write(encodeProduceRequest(produceRequest(2, 10)))
    call.end()
    await until(() => replies.length === 2)
    for (const say of replies) say()
    expect((await ended).code).toBe(status.OK)
    expect(answered).toEqual([1, 2])
    await until(() => listener.broker.sessions[0]!.closed)
  })

  it('one connection too many is told so, and is no evidence of a dead process', async () => {
    const sockets = Array.from({ length: 8 }, () => connect(listener.address))
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve))))
    const { call, ended } = dial(brokerService.Produce)
    call.on('data', () => {})
    call.write(encodeProduceRequest(produceRequest(1, 10)))
    expect((await ended).code).toBe(status.UNAVAILABLE)
    const said = await new Promise<Buffer>((resolve) => connect(listener.address).once('data', resolve))
    expect(said.toString('latin1')).toContain('limit of 8 connections')
    for (const socket of sockets) socket.destroy()
    let served = false
    while (!served)
      served = await expectAlive().then(
        () => true,
        () => false,
      )
  })

  it('one connection too many that never closes its side is closed all the same', async () => {
    const accepted: Socket[] = []
    const server = createConnectionServer({ maxConnections: 1, logger: silentLogger, accept: (socket) => accepted.push(socket) })
    const sockets: Socket[] = []
    server.on('connection', (socket) => sockets.push(socket))
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
    const { port } = server.address() as AddressInfo
    const first = connect({ host: '127.0.0.1', port })
    await until(() => accepted.length === 1)
    const silent = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    silent.on('error', () => {})
    const said = await new Promise<Buffer>((resolve) => silent.once('data', resolve))
    expect(holdsGoAway(said)).toBe(true)
    await until(() => sockets[1]?.destroyed === true)
    expect(accepted[0]?.destroyed).toBe(false)
    first.destroy()
    silent.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })

  it('a port in use is named, with what to do', async () => {
    const other = createGrpcServer({ broker: new FakeBroker(), logger: silentLogger, traffic: new Traffic(), maxConnections: 1 })
    const error = await new Promise<Error | undefined>((resolve) => other.bind('127.0.0.1', listener.address.port, (failure) => resolve(failure)))
    expect(error?.message).toContain(`cannot listen on 127.0.0.1:${listener.address.port}: another process listens there`)
    await new Promise<void>((resolve) => other.stop(0, () => resolve()))
  })
})
