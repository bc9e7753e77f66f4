import type { ClientHttp2Session } from 'node:http2'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { status } from '@grpc/grpc-js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { LiveCluster, waitFor, waitForFullIsr, waitForBrokers } from '../../chaos/live/cluster-process.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { OxbowClient } from '../../src/client/client.ts'
import { sealBatch } from '../../src/record/batch.ts'
import { encodeBatch } from '../../src/record/records.ts'
import type { PartitionInfo, TopicInfo } from '../../src/wire/api.ts'
import { decodeFetchResponse, encodeFetchRequest } from '../../src/wire/fetch-codec.ts'
import { decodeProduceReplies, encodeProduceRequest } from '../../src/wire/produce-codec.ts'
import { Ledger, peakRssMb } from './ledger.ts'
import { dial, framed, RawCall } from './raw-call.ts'

const MIB = 1 << 20
const HUGE_BYTES = 200 * MIB
const TOPIC = 'ledger'
const PARTITIONS = 3
/** What every node must stay below, in MB, whatever is thrown at it. */
const MAX_RSS_MB = 300
/** 2^63 − 1 and −2^63 as varints. */
const GREATEST = Buffer.from('ffffffffffffffff7f', 'hex')
const LEAST = Buffer.from('80808080808080808001', 'hex')
/** That are never read, to one leader. */
const STREAMS = 5
const UNKNOWN_ID = 'f'.repeat(32)
const PRODUCE = '/oxbow.v1.Broker/Produce'
const FETCH = '/oxbow.v1.Broker/Fetch'

/** Varint field `number` of a message. */
function varintField(number: number, varint: Buffer): Buffer {
  return Buffer.concat([Buffer.from([number << 3]), varint])
}

/** A batch that is right but for the bytes at `at`, its checksum included. */
function spoiltBatch(spoil: (batch: Buffer) => void): Buffer {
  const batch = encodeBatch([{ timestamp: 1, key: null, value: Buffer.from('hostile') }])
  spoil(batch)
  sealBatch(batch)
  return batch
}

describe('three nodes that hold records, before whatever their ports are sent', () => {
  let cluster: LiveCluster
  let client: OxbowClient
  let topic: TopicInfo
  let pids: readonly number[]
  const ledger = new Ledger(TOPIC, PARTITIONS)
  const sessions: ClientHttp2Session[] = []
  let failed = false

  const grpcPort = (nodeId: number): number => Number(cluster.bootstrap[nodeId - 1]?.split(':')[1])
  const httpPort = (nodeId: number): number => Number(new URL(cluster.metricsUrl(nodeId)).port)
  const leaderOf = (partition: number): number => (topic.partitions[partition] as PartitionInfo).leader

  beforeAll(async () => {
    cluster = await LiveCluster.create('bad-input')
    cluster.startAll()
    client = cluster.client()
    await waitForBrokers(client, 3)
    await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS, replicationFactor: 3 })
    await ledger.produce(client, 3_000)
    await waitForFullIsr(client, TOPIC)
    const [found] = await client.admin().describeTopics([TOPIC])
    topic = found as TopicInfo
    pids = cluster.nodeIds.map((nodeId) => cluster.pid(nodeId))
  })

  /** The node lives, serves, and holds what it promised. */
  afterEach(async ({ task }) => {
    for (const session of sessions.splice(0)) session.destroy()
    failed ||= task.result?.state === 'fail'
    expect(cluster.nodeIds.map((nodeId) => cluster.isRunning(nodeId))).toEqual([true, true, true])
    await ledger.produce(client, 30)
    if (process.env.OXBOW_TEST_SHOW_RSS !== undefined) process.stderr.write(`${task.name}: ${pids.map(peakRssMb).join(', ')} MB\n`)
  })

  afterAll(async () => {
    await client.close()
    await cluster.dispose({ keep: failed })
  })

  function open(nodeId: number, path: string, headers?: Readonly<Record<string, string>>): RawCall {
    const session = dial(grpcPort(nodeId))
    sessions.push(session)
    return new RawCall(session, path, headers)
  }

  /** What an operator sees, behind the first `from` lines. */
  const logged = (nodeId: number, from: number): string[] =>
    cluster
      .log(nodeId)
      .slice(from)
      .map((line) => JSON.stringify(line))

  describe('frames and bytes', () => {
    it.each([PRODUCE, FETCH, '/oxbow.v1.Broker/GetMetadata', '/oxbow.v1.Admin/CreateTopic', '/oxbow.v1.Peer/Control', '/oxbow.v1.Peer/Fetch'])(
      'a message of 200 MiB to %s is refused by its size, before it is held',
      async (path) => {
        const call = open(1, path).read()
        const mib = Buffer.alloc(MIB)
        let goesOn = await call.write(framed(mib, { saysBytes: HUGE_BYTES }))
        for (let sentBytes = MIB; goesOn && sentBytes < HUGE_BYTES; sentBytes += MIB) goesOn = await call.write(mib)
        call.end()
        const end = await call.ended
        expect(end.status).toBe(status.RESOURCE_EXHAUSTED)
        expect(end.message).toMatch(/larger than max \(209715200 vs 16777216\)/)
      },
    )

    it('200 MiB of zeros in a compressed message of 200 KiB are not unpacked', async () => {
      const bomb = gzipSync(Buffer.alloc(HUGE_BYTES), { level: 1 })
      for (const path of [PRODUCE, '/oxbow.v1.Peer/Control']) {
        const call = open(2, path, { 'grpc-encoding': 'gzip' }).read()
        await call.write(framed(bomb, { compressed: true }))
        call.end()
        expect((await call.ended).status).toBe(status.RESOURCE_EXHAUSTED)
      }
    })

    it('a body of 200 MiB to the HTTP port is passed over', async () => {
      const mib = Buffer.alloc(MIB)
      const said = await new Promise<string>((resolve) => {
        const socket = connect(httpPort(1), '127.0.0.1')
        let heard = ''
        let left = HUGE_BYTES / MIB
        const push = (): void => {
          while (left-- > 0) if (!socket.write(mib)) return
          socket.end()
        }
        socket.on('error', () => {})
        socket.on('close', () => resolve(heard))
        socket.on('data', (bytes: Buffer) => (heard += bytes.toString()))
        socket.on('drain', push)
        socket.write(`POST /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: ${HUGE_BYTES}\r\n\r\n`)
        push()
      })
      // Whoever goes on pushing may meet the reset before it reads the answer.
      expect(said).toMatch(/^(HTTP\/1\.1 405 |$)/)
      expect((await fetch(`http://127.0.0.1:${httpPort(1)}/healthz`)).status).toBe(200)
    })

    it('random bytes on every port end their connection alone', async () => {
      const random = new SeededRandom(11)
      const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
      const settings = Buffer.from('000000040000000000', 'hex')
      const openings = [Buffer.alloc(0), preface, Buffer.concat([preface, settings]), Buffer.from('GET /'), Buffer.from('POST /metrics HTTP/1.1\r\n')]
      const ports = cluster.nodeIds.flatMap((nodeId) => [grpcPort(nodeId), httpPort(nodeId)])
      const closed = openings.flatMap((opening) =>
        ports.map((port) => {
          const noise = Buffer.from(Array.from({ length: 20_000 }, () => random.integer(256)))
          return new Promise<void>((resolve) => {
            const socket = connect(port, '127.0.0.1')
            socket.on('error', () => {})
            socket.on('close', () => resolve())
            socket.on('data', () => {})
            socket.end(Buffer.concat([opening, noise]))
          })
        }),
      )
      await Promise.all(closed)
    })

    it.each([PRODUCE, FETCH, '/oxbow.v1.Broker/ListOffsets', '/oxbow.v1.Peer/Control', '/oxbow.v1.Peer/Fetch'])(
      'random messages to %s are refused with a reason',
      async (path) => {
        const random = new SeededRandom(12)
        const from = cluster.log(3).length
        for (let round = 0; round < 20; round++) {
          const noise = Buffer.from(Array.from({ length: 1 + random.integer(300) }, () => random.integer(256)))
          const call = open(3, path).read()
          await call.write(framed(noise))
          call.end()
          const end = await call.ended
          expect(end).toMatchObject({ status: status.INVALID_ARGUMENT, message: expect.stringMatching(/malformed|Hello|field/) })
        }
        if (path === PRODUCE) expect(logged(3, from).some((line) => line.includes('a client stream was ended') && line.includes('malformed'))).toBe(true)
        if (path === '/oxbow.v1.Peer/Control') expect(logged(3, from).some((line) => line.includes('peer: a stream was ended'))).toBe(true)
      },
    )
  })

  describe('numbers and names', () => {
    it.each([
      [PRODUCE, 'request_id', varintField(1, GREATEST)],
      [PRODUCE, 'request_id', varintField(1, LEAST)],
      [PRODUCE, 'timeout_ms', varintField(3, GREATEST)],
      [FETCH, 'request_id', varintField(1, LEAST)],
      [FETCH, 'max_bytes', varintField(4, GREATEST)],
      ['/oxbow.v1.Broker/GetMetadata', 'min_offset', varintField(2, GREATEST)],
    ])('%s with a hostile %s is refused with a reason', async (path, _name, field) => {
      const call = open(1, path).read()
      await call.write(framed(field))
      call.end()
      expect(await call.ended).toMatchObject({ status: status.INVALID_ARGUMENT, message: expect.stringMatching(/is not exact|out of range/) })
    })

    it('positions and epochs that cannot be are answered as errors of their partition', async () => {
      const leader = leaderOf(0)
      const partition = { topicId: topic.topicId, partition: 0, leaderEpoch: -1, fetchOffset: 0, maxBytes: 1_000 }
      const partitions = [
        { ...partition, fetchOffset: Number.MAX_SAFE_INTEGER },
        { ...partition, leaderEpoch: 2_147_483_647 },
        { ...partition, partition: 2_147_483_647 },
        { ...partition, topicId: UNKNOWN_ID },
      ]
      const call = open(leader, FETCH).read()
      await call.write(framed(encodeFetchRequest({ requestId: 1, maxWaitMs: 100, minBytes: 1, maxBytes: MIB, partitions }).toBuffer()))
      const answer = await waitFor('the answer', 5_000, () => call.messages[0])
      const codes = decodeFetchResponse(answer).partitions.map(({ error }) => error?.code)
      expect(codes).toEqual(['OFFSET_OUT_OF_RANGE', 'UNKNOWN_LEADER_EPOCH', 'NOT_LEADER_OR_FOLLOWER', 'UNKNOWN_TOPIC_ID'])
      call.cancel()
    })

    const greatest = Buffer.from('7fffffffffffffff', 'hex')
    const least = Buffer.from('8000000000000000', 'hex')
    it.each([
      ['base offset 2^63 - 1', spoiltBatch((batch) => greatest.copy(batch, 0)), 'CORRUPT_MESSAGE'],
      ['base offset 2^53 - 1', spoiltBatch((batch) => batch.writeBigInt64BE(2n ** 53n - 1n, 0)), 'CORRUPT_MESSAGE'],
      ['base offset -2^63', spoiltBatch((batch) => least.copy(batch, 0)), 'CORRUPT_MESSAGE'],
      ['timestamp 2^63 - 1', spoiltBatch((batch) => greatest.copy(batch, 27)), 'CORRUPT_MESSAGE'],
      ['timestamp -2^63', spoiltBatch((batch) => least.copy(batch, 35)), 'CORRUPT_MESSAGE'],
      ['producer id -2^63', spoiltBatch((batch) => least.copy(batch, 43)), 'CORRUPT_MESSAGE'],
      ['producer id -2', spoiltBatch((batch) => batch.writeInt32BE(-2, batch.writeInt32BE(-1, 43))), 'INVALID_RECORD'],
      ['length -1', spoiltBatch((batch) => batch.writeInt32BE(-1, 8)), 'CORRUPT_MESSAGE'],
      ['length 2^31 - 1', spoiltBatch((batch) => batch.writeInt32BE(2_147_483_647, 8)), 'INVALID_RECORD'],
      ['no records', spoiltBatch((batch) => batch.writeInt32BE(0, 57)), 'INVALID_RECORD'],
      [
        '2^31 - 1 records in 7 bytes',
        spoiltBatch((batch) => {
          batch.writeInt32BE(2_147_483_646, 23)
          batch.writeInt32BE(2_147_483_647, 57)
        }),
        'INVALID_RECORD',
      ],
      ['a control batch', spoiltBatch((batch) => batch.writeInt16BE(0x20, 21)), 'INVALID_RECORD'],
      ['a wrong checksum', encodeBatch([{ timestamp: 1, key: null, value: Buffer.from('a') }]).fill(0xff, 65), 'CORRUPT_MESSAGE'],
      ['a batch of 2 MiB', encodeBatch([{ timestamp: 1, key: null, value: Buffer.alloc(2 * MIB) }]), 'MESSAGE_TOO_LARGE'],
    ])('a batch with %s is refused, surely', async (_name, batch, code) => {
      const call = open(leaderOf(0), PRODUCE).read()
      const partitions = [{ topicId: topic.topicId, partition: 0, leaderEpoch: -1, batch }]
      await call.write(framed(encodeProduceRequest({ requestId: 1, acks: -1, timeoutMs: 5_000, partitions }).toBuffer()))
      const answer = await waitFor('the answer', 5_000, () => call.messages[0])
      expect(decodeProduceReplies(answer)[0]?.partitions[0]).toMatchObject({ baseOffset: -1, error: { code, definite: true } })
      call.cancel()
    })

    it('a topic that cannot be is refused, and one that is not there is named', async () => {
      const admin = client.admin()
      const wrong = [
        [{ name: 'a', partitions: 2_147_483_647, replicationFactor: 3 }, 'INVALID_PARTITIONS'],
        [{ name: 'a', partitions: -5, replicationFactor: 3 }, 'INVALID_PARTITIONS'],
        [{ name: 'a', partitions: 1, replicationFactor: 2_147_483_647 }, 'INVALID_REPLICATION_FACTOR'],
        [{ name: '../../etc', partitions: 1, replicationFactor: 3 }, 'INVALID_TOPIC_EXCEPTION'],
        [{ name: 'a', partitions: 1, replicationFactor: 3, configs: { 'min.insync.replicas': '9999999999999999999' } }, 'INVALID_CONFIG'],
      ] as const
      for (const [options, code] of wrong) await expect(admin.createTopic(options), JSON.stringify(options)).rejects.toMatchObject({ code, definite: true })
      const producer = client.producer({ deliveryTimeoutMs: 1_000 })
      await expect(producer.send({ topic: 'nowhere', value: 'a' })).rejects.toMatchObject({
        code: 'UNKNOWN_TOPIC_OR_PARTITION',
        definite: true,
        message: expect.stringContaining('nowhere'),
      })
      expect((await admin.listTopics()).map(({ name }) => name)).toEqual([TOPIC])
    })

    it('a record larger than max.message.bytes, and one larger than any message, are refused; the producer goes on', async () => {
      const producer = client.producer()
      for (const sizeBytes of [2 * MIB, 20 * MIB])
        await expect(producer.send({ topic: TOPIC, partition: 0, value: Buffer.alloc(sizeBytes) })).rejects.toMatchObject({
          code: 'MESSAGE_TOO_LARGE',
          definite: true,
        })
      await producer.close()
    })
  })

  describe('clients that never read', () => {
    it('fetches: five streams on each node, each with 100 requests of 8 MiB', async () => {
      const request = (requestId: number, partition: number): Buffer => {
        const partitions = [{ topicId: topic.topicId, partition, leaderEpoch: -1, fetchOffset: 0, maxBytes: 8 * MIB }]
        return framed(encodeFetchRequest({ requestId, maxWaitMs: 100, minBytes: 1, maxBytes: 8 * MIB, partitions }).toBuffer())
      }
      const calls: RawCall[] = []
      for (let partition = 0; partition < PARTITIONS; partition++) {
        for (let stream = 0; stream < STREAMS; stream++) {
          const call = open(leaderOf(partition), FETCH)
          calls.push(call)
          void call.write(Buffer.concat(Array.from({ length: 100 }, (_, requestId) => request(requestId, partition))))
        }
      }
      for (let round = 0; round < 5; round++) await ledger.produce(client, 100)
      expect(await ledger.violations(client)).toEqual([])
      for (const call of calls) call.cancel()
    })

    it('replies to produce: the stream is held back', async () => {
      const partitions = [{ topicId: UNKNOWN_ID, partition: 0, leaderEpoch: -1, batch: spoiltBatch(() => {}) }]
      const requests = framed(encodeProduceRequest({ requestId: 1, acks: -1, timeoutMs: 5_000, partitions }).toBuffer())
      const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => requests))
      const call = open(leaderOf(0), PRODUCE)
      let taken = 0
      const pushing = (async () => {
        while (taken < 200 && (await call.write(thousand))) taken += 1
      })()
      for (let round = 0; round < 5; round++) await ledger.produce(client, 20)
      // Replies that are not read hold up the requests: most of the 200,000 stay with the client, and nobody ended the stream.
      expect(taken).toBeGreaterThan(0)
      expect(taken).toBeLessThan(100)
      expect(call.isOver).toBe(false)
      call.cancel()
      await pushing
    })

    it('metrics: 20,000 requests on each of ten connections', async () => {
      const requests = Buffer.from('GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(20_000))
      const sockets = Array.from({ length: 10 }, () => connect(httpPort(1), '127.0.0.1').on('error', () => {}))
      for (const socket of sockets) {
        socket.pause()
        socket.write(requests)
      }
      for (let round = 0; round < 5; round++) await ledger.produce(client, 20)
      const health = await fetch(`http://127.0.0.1:${httpPort(1)}/healthz`)
      expect(health.status).toBe(200)
      for (const socket of sockets) socket.destroy()
    })
  })

  it('after all of it: the same processes, less than 300 MB each, and exactly what was acknowledged', async () => {
    await ledger.produce(client, 500)
    expect(await ledger.violations(client)).toEqual([])
    expect(cluster.nodeIds.map((nodeId) => cluster.pid(nodeId))).toEqual(pids)
    const peaks = pids.map(peakRssMb)
    for (const peak of peaks) expect(peak, `peaks of the nodes: ${peaks.join(', ')} MB`).toBeLessThan(MAX_RSS_MB)
    for (const nodeId of cluster.nodeIds) expect(cluster.log(nodeId).filter((line) => line.level === 'error' || line.level === undefined)).toEqual([])
  })
})
