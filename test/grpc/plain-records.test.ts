import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import type { ProduceRecordsRequest } from '../../src/wire/plain-api.ts'
import { fetchRecordsRequestCodec, fetchRecordsResponseCodec, produceRecordsRequestCodec, produceRecordsResponseCodec } from '../../src/wire/plain-codec.ts'
import { type Codec, decode, encode } from '../../src/wire/proto-message.ts'
import { decodeRichStatus, RICH_STATUS_KEY } from '../../src/wire/rich-status.ts'
import { type Listener, startListener, until } from './harness.ts'

const record = { key: null, value: Buffer.from('v'), headers: [], timestamp: null }
const produceRequest: ProduceRecordsRequest = { topic: 't', partition: 0, acks: null, timeoutMs: 0, records: [record], idempotence: null }
const fetchRequest = { topic: 't', partition: 0, offset: 0, maxWaitMs: 0, minBytes: 0, maxBytes: 0, maxRecords: 0 }
const pass = (bytes: Buffer): Buffer => bytes

describe('ProduceRecords and FetchRecords at the listener', () => {
  let listener: Listener
  let client: Client

  beforeEach(async () => {
    listener = await startListener()
    client = new Client(`127.0.0.1:${listener.address.port}`, credentials.createInsecure())
  })

  afterEach(async () => {
    client.close()
    await listener.stop()
  })

  function call<Q, A>(method: string, request: Codec<Q>, response: Codec<A>, value: Q): { readonly answer: Promise<A>; cancel(): void } {
    let cancel = (): void => {}
    const answer = new Promise<A>((resolve, reject) => {
      const bytes = encode(request, value).toBuffer()
      const sent = client.makeUnaryRequest(`/oxbow.v1.Broker/${method}`, pass, pass, bytes, new Metadata(), (error, answered) =>
        error === null ? resolve(decode(response, answered as Buffer)) : reject(error),
      )
      cancel = () => sent.cancel()
    })
    return { answer, cancel: () => cancel() }
  }

  const produce = (changes: Partial<ProduceRecordsRequest> = {}) =>
    call('ProduceRecords', produceRecordsRequestCodec, produceRecordsResponseCodec, { ...produceRequest, ...changes })
  const fetch = (changes: Partial<typeof fetchRequest> = {}) =>
    call('FetchRecords', fetchRecordsRequestCodec, fetchRecordsResponseCodec, { ...fetchRequest, ...changes })

  it('what is asked reaches the Broker as it was, and its answer comes back', async () => {
    const asked: unknown[] = []
    listener.broker.onProduceRecords = (request, done) => {
      asked.push(request)
      setImmediate(() => done(undefined, { partition: 3, baseOffset: 70 }))
    }
    listener.broker.onFetchRecords = (request, done) => {
      asked.push(request)
      const records = [{ offset: 5, timestamp: 9, key: null, value: Buffer.alloc(5_000, 1), headers: [{ key: 'h', value: null }], leaderEpoch: 2 }]
      setImmediate(() => done(undefined, { records, highWatermark: 6, logStartOffset: 1, nextOffset: 6 }))
    }
    expect(await produce().answer).toEqual({ partition: 3, baseOffset: 70 })
    expect(await fetch().answer).toMatchObject({ records: [{ offset: 5, key: null, value: Buffer.alloc(5_000, 1) }], nextOffset: 6 })
    expect(asked).toEqual([produceRequest, fetchRequest])
    expect(listener.broker.sessions.map(({ closed }) => closed)).toEqual([true, true])
  })

  it('takes requests of up to 8 MiB, larger than those of other calls', async () => {
    listener.broker.onProduceRecords = (_request, done) => done(undefined, { partition: 0, baseOffset: 0 })
    const value = (mebibytes: number): ProduceRecordsRequest['records'] => [{ ...record, value: Buffer.alloc(mebibytes * 1024 * 1024) }]
    expect(await produce({ records: value(7) }).answer).toEqual({ partition: 0, baseOffset: 0 })
    await expect(produce({ records: value(8) }).answer).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('8388608') })
  })

  it.each([
    [() => produce({ records: [] }), 'the number of records'],
    [() => produce({ records: Array.from({ length: 10_001 }, () => record) }), 'the number of records'],
    [() => produce({ partition: -2 }), 'partition'],
    [() => produce({ timeoutMs: -1 }), 'timeout_ms'],
    [() => fetch({ offset: -3 }), 'offset'],
    [() => fetch({ maxWaitMs: 30_001 }), 'max_wait_ms'],
    [() => fetch({ minBytes: -1 }), 'min_bytes'],
    [() => fetch({ maxBytes: -1 }), 'max_bytes'],
    [() => fetch({ maxRecords: -1 }), 'max_records'],
  ])('refuses what no Broker should see: %#', async (ask, name) => {
    await expect(ask().answer).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining(`INVALID_REQUEST: ${name}`) })
  })

  it('an error carries all that a program needs to follow the leader, in both trailers', async () => {
    const leader = { nodeId: 2, host: '127.0.0.1', grpcPort: 9193, leaderEpoch: 3 }
    listener.broker.onProduceRecords = (_request, done) => done(new BrokerError('NOT_LEADER_OR_FOLLOWER', 'node 2 leads', { leader }), undefined as never)
    const failure = (await produce().answer.catch((error: unknown) => error)) as ServiceError
    expect(failure).toMatchObject({ code: status.FAILED_PRECONDITION, details: 'NOT_LEADER_OR_FOLLOWER: node 2 leads' })
    expect(decodeRichStatus(failure.metadata.get(RICH_STATUS_KEY)[0] as Buffer)).toMatchObject({
      code: failure.code,
      message: failure.details,
      info: {
        reason: 'NOT_LEADER_OR_FOLLOWER',
        domain: 'oxbow',
        metadata: new Map([
          ['retriable', 'true'],
          ['definite', 'true'],
          ['leader', '127.0.0.1:9193'],
          ['leaderId', '2'],
          ['leaderEpoch', '3'],
        ]),
      },
    })
  })

  it('a client that gives up takes what it waits for with it', async () => {
    const waiting = fetch({ maxWaitMs: 30_000 })
    await until(() => listener.broker.sessions.length === 1)
    expect(listener.broker.sessions[0]?.closed).toBe(false)
    waiting.cancel()
    await expect(waiting.answer).rejects.toMatchObject({ code: status.CANCELLED })
    await until(() => listener.broker.sessions[0]?.closed === true)
  })

  it('a node that stops ends what waits, with an unknown outcome', async () => {
    const waiting = produce().answer.catch((error: unknown) => error)
    await until(() => listener.broker.sessions.length === 1)
    await new Promise<void>((resolve) => listener.server.stop(5_000, () => resolve()))
    const failure = (await waiting) as ServiceError
    expect(failure.code).toBe(status.UNAVAILABLE)
    expect(decodeRichStatus(failure.metadata.get(RICH_STATUS_KEY)[0] as Buffer).info?.metadata.get('definite')).toBe('false')
  })
})
