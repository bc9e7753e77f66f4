import { expect, it, vi } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { encodeBatch, NO_PRODUCER } from '../../src/record/records.ts'
import { build } from './producer-world.ts'

vi.mock('snappy', () => {
  throw new Error('no prebuild for this platform')
})

const MISSING = /^UNSUPPORTED_COMPRESSION_TYPE: the package snappy does not load here: .*\(npm install snappy\)$/

it('without the package of its codec every send is rejected, definitely, and close still ends', async () => {
  const { client, clock, cluster } = build({})
  const producer = client.producer({ compression: 'snappy' })
  const errors: BrokerError[] = []
  // The first waits while the package is looked for, the second comes when it is known to be missing.
  for (let sent = 0; sent < 2; sent++) {
    void producer.send({ topic: 't', value: 'x' }).catch((error: BrokerError) => errors.push(error))
    for (let turns = 0; errors.length <= sent && turns < 20_000; turns++) await clock.runWithPromises(5, 5)
  }
  expect(errors.map(({ code, definite, retriable, message }) => [code, definite, retriable, MISSING.test(message)])).toEqual(
    Array(2).fill(['UNSUPPORTED_COMPRESSION_TYPE', true, false, true]),
  )
  let isClosed = false
  void producer.close().then(() => (isClosed = true))
  await clock.runWithPromises(100)
  expect(isClosed).toBe(true)
  expect(cluster.produced).toEqual([])
})

it('while a package is looked for there is no room; there is when it is known', async () => {
  const { client, clock } = build({})
  const producer = client.producer({ compression: 'snappy' })
  expect(producer.trySend({ topic: 't', value: 'x' }, () => undefined)).toBe(false)
  let taken: boolean | undefined
  void producer.whenRoom().then(() => {
    taken = producer.trySend({ topic: 't', value: 'x' }, () => undefined)
  })
  for (let turns = 0; taken === undefined && turns < 20_000; turns++) await clock.runWithPromises(5, 5)
  expect(taken).toBe(true)
})

it('a consumer says which package it lacks, and goes on after a seek past the batch', async () => {
  const { client, clock, cluster } = build({})
  const state = cluster.partition('t', 0)
  const record = { timestamp: 0, key: null, value: Buffer.from('after') }
  state.append(encodeBatch([record], { ...NO_PRODUCER, attributes: 2 }))
  state.append(encodeBatch([record]))
  state.highWatermark = state.endOffset
  const consumer = client.consumer()
  const told: string[] = []
  const reading = (async () => {
    await consumer.assign([{ topic: 't', partition: 0, offset: 1 }])
    for (;;) {
      try {
        told.push(...(await consumer.poll({ timeoutMs: 1_000 })).map(({ offset }) => `${offset}`))
      } catch (error) {
        if (!(error instanceof BrokerError) || error.code === 'CLIENT_CLOSED') return
        told.push(error.message)
        await consumer.seek({ topic: 't', partition: 0, offset: 2 })
      }
    }
  })()
  for (let turns = 0; told.length < 2 && turns < 20_000; turns++) await clock.runWithPromises(5, 5)
  await consumer.close()
  await clock.runWithPromises(10)
  await reading
  expect(told[0]).toMatch(MISSING)
  expect(told[1]).toBe('2')
})
