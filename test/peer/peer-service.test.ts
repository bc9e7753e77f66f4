import { connect } from 'node:net'
import { type Client, type ClientDuplexStream, type StatusObject, status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import type { LogFields, Logger } from '../../src/base/log-line.ts'
import { createGrpcServer, type GrpcServer } from '../../src/grpc/server.ts'
import { GrpcPeerTransport } from '../../src/peer/grpc-transport.ts'
import { addPeerService } from '../../src/peer/peer-service.ts'
import { openChannel } from '../../src/wire/channel.ts'
import { GatheredMessage } from '../../src/wire/gathered.ts'
import type { Hello } from '../../src/wire/peer.ts'
import { decodePeerFrame, encodeFetchFrame, encodePeerFrame } from '../../src/wire/peer-codec.ts'
import { peerService, type RawMethod } from '../../src/wire/services.ts'
import { RecordingHandlers } from '../contract/recording-handlers.ts'
import { FakeBroker } from '../grpc/fake-broker.ts'
import { Traffic } from '../../src/wire/traffic.ts'

const hello = (nodeId: number): Hello => ({
  clusterId: null,
  nodeId,
  directoryId: 'd'.repeat(32),
  incarnationId: 'e'.repeat(32),
  protocolVersion: 1,
  endpoint: null,
  isController: true,
})

/** Keeps warnings for the test to read. */
class WarningLogger implements Logger {
  readonly warnings: { readonly fields: LogFields; readonly message: string }[] = []
  debug(): void {}
  info(): void {}
  error(): void {}
  warn(fields: LogFields, message: string): void {
    this.warnings.push({ fields, message })
  }
  child(): Logger {
    return this
  }
}

async function until(condition: () => boolean, withinMs = 5_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('what peers dial', () => {
  let server: GrpcServer
  let transport: GrpcPeerTransport
  let handlers: RecordingHandlers
  let port: number
  let client: Client

  beforeEach(async () => {
    const logger = new WarningLogger()
    transport = new GrpcPeerTransport({ logger, traffic: new Traffic() })
    handlers = new RecordingHandlers(hello(1), () => performance.now())
    server = createGrpcServer({
      broker: new FakeBroker(),
      logger,
      traffic: new Traffic(),
      addPeerService: (grpc) => addPeerService(grpc, transport),
      maxConnections: 100,
    })
    port = await new Promise<number>((resolve, reject) => {
      server.bind('127.0.0.1', 0, (error, bound) => (error === undefined ? resolve(bound) : reject(error)))
    })
    client = openChannel({ host: '127.0.0.1', port })
  })

  afterEach(async () => {
    client.close()
    transport.stop()
    await new Promise<void>((resolve) => server.stop(0, () => resolve()))
  })

  interface Dialled {
    readonly call: ClientDuplexStream<GatheredMessage, Buffer>
    readonly frames: Buffer[]
    readonly ended: Promise<StatusObject>
  }

  function dial(method: RawMethod = peerService.Control): Dialled {
    const { path, requestSerialize, responseDeserialize } = method
    const call = client.makeBidiStreamRequest<GatheredMessage, Buffer>(path, requestSerialize, responseDeserialize)
    const frames: Buffer[] = []
    call.on('data', (bytes: Buffer) => frames.push(bytes))
    call.on('error', () => {})
    return { call, frames, ended: new Promise((resolve) => call.on('status', resolve)) }
  }

  it('answers a Hello with its own, and hands on what follows', async () => {
    transport.start(handlers)
    const { call, frames } = dial()
    call.write(encodePeerFrame({ hello: hello(2), messages: [] }))
    await until(() => frames.length === 1)
    expect(decodePeerFrame(frames[0]!).hello).toEqual(hello(1))
    call.write(encodePeerFrame({ hello: null, messages: [{ type: 'commandReply', requestId: 1, reply: { type: 'done' } }] }))
    await until(() => handlers.events.length === 1)
    expect(handlers.events).toEqual([{ type: 'message', from: hello(2), message: { type: 'commandReply', requestId: 1, reply: { type: 'done' } } }])
  })

  it('says why a Hello is refused', async () => {
    handlers.refuse = 'node 2 belongs to cluster x, this node to cluster y'
    transport.start(handlers)
    const { call, frames, ended } = dial()
    call.write(encodePeerFrame({ hello: hello(2), messages: [] }))
    expect(await ended).toMatchObject({ code: status.FAILED_PRECONDITION, details: expect.stringContaining(handlers.refuse) })
    expect(frames).toEqual([])
  })

  it('refuses another protocol version', async () => {
    transport.start(handlers)
    const { call, ended } = dial()
    call.write(encodePeerFrame({ hello: { ...hello(2), protocolVersion: 9 }, messages: [] }))
    expect(await ended).toMatchObject({ code: status.FAILED_PRECONDITION, details: expect.stringContaining('version 9') })
  })

  it('ends a stream that does not begin with Hello, that sends rubbish, or that says nothing', async () => {
    transport.start(handlers)
    const noHello = dial()
    noHello.call.write(encodePeerFrame({ hello: null, messages: [] }))
    const rubbish = dial()
    rubbish.call.write(new GatheredMessage([Buffer.alloc(50, 0xff)]))
    const silent = dial()
    expect((await noHello.ended).code).toBe(status.INVALID_ARGUMENT)
    expect((await rubbish.ended).code).toBe(status.INVALID_ARGUMENT)
    expect((await silent.ended).code).toBe(status.DEADLINE_EXCEEDED)
    expect(handlers.events).toEqual([])
  })

  /** What nobody catches while `act` is done. */
  async function uncaught(act: () => void | Promise<void>): Promise<Error> {
    const listeners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    try {
      const unhandled = new Promise<Error>((resolve) => process.once('unhandledRejection', resolve))
      await act()
      return await unhandled
    } finally {
      for (const listener of listeners) process.on('unhandledRejection', listener)
    }
  }

  const half = (): never => {
    throw new BrokerError('CORRUPT_MESSAGE', 'half of it is done')
  }

  it('what fails while a frame is told of is no fault of the frame: it ends the process, and is not taken for a bad peer', async () => {
    handlers.message = half
    transport.start(handlers)
    const error = await uncaught(async () => {
      const { call, frames } = dial()
      call.write(encodePeerFrame({ hello: hello(2), messages: [] }))
      await until(() => frames.length === 1)
      call.write(encodePeerFrame({ hello: null, messages: [{ type: 'commandReply', requestId: 1, reply: { type: 'done' } }] }))
    })
    expect(error.message).toContain('half of it is done')
  })

  it('nor is what fails while a stream is told of a fault of its Hello', async () => {
    handlers.fetchStream = half
    transport.start(handlers)
    const error = await uncaught(() => {
      dial(peerService.Fetch).call.write(encodeFetchFrame({ hello: hello(2), fetches: [] }))
    })
    expect(error.message).toContain('half of it is done')
  })

  it('a peer that dials us is dialled at once, not when the wait after its last refusal is over', async () => {
    const logger = new WarningLogger()
    const other = new GrpcPeerTransport({ logger, traffic: new Traffic() })
    const otherHandlers = new RecordingHandlers(hello(2), () => performance.now())
    otherHandlers.refuse = 'not yet'
    const otherServer = createGrpcServer({
      broker: new FakeBroker(),
      logger,
      traffic: new Traffic(),
      addPeerService: (grpc) => addPeerService(grpc, other),
      maxConnections: 100,
    })
    const otherPort = await new Promise<number>((resolve) => otherServer.bind('127.0.0.1', 0, (_error, bound) => resolve(bound)))
    other.start(otherHandlers)
    transport.start(handlers)
    transport.setPeer(2, { host: '127.0.0.1', port: otherPort })
    await until(() => otherHandlers.vetted === 1)
    otherHandlers.refuse = undefined
    // The refusal may still be on its way to transport 1, which is no wait yet: hence more than once.
    await until(() => {
      dial().call.write(encodePeerFrame({ hello: hello(2), messages: [] }))
      return handlers.of('up').length === 1
    }, 1_500)
    other.stop()
    await new Promise<void>((resolve) => otherServer.stop(0, () => resolve()))
  })

  it.each([
    ['Control', peerService.Control],
    ['Fetch', peerService.Fetch],
  ] as const)('%s: of a first frame nothing but its Hello is read, so that what nobody vouches for costs nothing', async (_name, method) => {
    transport.start(handlers)
    const { call, ended } = dial(method)
    // Field 2 in each kind of frame, 250,000 times what none of them holds: reading it would fail otherwise than the missing Hello does.
    const unreadable = Buffer.alloc(1_000_000)
    for (let at = 0; at < unreadable.length; at += 4) unreadable.set([0x12, 2, 0x0a, 9], at)
    call.write(new GatheredMessage([unreadable]))
    expect(await ended).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('the first frame of a peer stream holds a Hello') })
  })

  it('a command larger than a frame may be is not sent: the stream that carries Raft lives on', async () => {
    const logger = new WarningLogger()
    const other = new GrpcPeerTransport({ logger, traffic: new Traffic() })
    const otherHandlers = new RecordingHandlers(hello(2), () => performance.now())
    transport.start(handlers)
    other.start(otherHandlers)
    other.setPeer(1, { host: '127.0.0.1', port })
    await until(() => otherHandlers.of('up').length === 1)
    const shape = { partitions: 1, replicationFactor: 1, assignment: null, configs: new Map(), topicId: 'f'.repeat(32), validateOnly: false }
    other.send(1, { type: 'command', requestId: 1, command: { type: 'createTopic', name: 'n'.repeat(16 * 1024 * 1024), ...shape } })
    other.send(1, { type: 'command', requestId: 2, command: { type: 'createTopic', name: 'n', ...shape } })
    await until(() => handlers.of('message').length === 1)
    expect(handlers.of('message')[0]).toMatchObject({ message: { requestId: 2 } })
    expect(otherHandlers.of('down')).toEqual([])
    other.stop()
  })

  it('is not there before the node runs', async () => {
    const { call, ended } = dial()
    call.write(encodePeerFrame({ hello: hello(2), messages: [] }))
    expect((await ended).code).toBe(status.UNAVAILABLE)
  })

  it('speaks first to whoever connects, which is how a probe knows that it lives', async () => {
    const socket = connect({ host: '127.0.0.1', port })
    const first = await new Promise<Buffer>((resolve, reject) => {
      socket.on('data', resolve)
      socket.on('error', reject)
    })
    socket.destroy()
    expect(first.length).toBeGreaterThan(0)
  })

  it('a refusal is logged once, however often it is tried', async () => {
    transport.start(handlers)
    handlers.refuse = 'no'
    const logger = new WarningLogger()
    const other = new GrpcPeerTransport({ logger, traffic: new Traffic() })
    other.start(new RecordingHandlers(hello(2), () => performance.now()))
    other.setPeer(1, { host: '127.0.0.1', port })
    await until(() => handlers.vetted >= 3, 10_000) // So two of them were over.
    other.stop()
    expect(logger.warnings).toEqual([{ fields: expect.objectContaining({ peer: 1, reason: 'no' }), message: expect.stringContaining('Hello refused') }])
  })
})
