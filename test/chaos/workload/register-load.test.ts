import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { RegisterReport } from '../../../chaos/check/registers.ts'
import { RegisterLoad } from '../../../chaos/workload/register-load.ts'
import { readRegisters, RegisterWriter } from '../../../chaos/operations/register-file.ts'
import { judgeRegisterFile } from '../../../chaos/report/registers.ts'
import type { Done } from '../../../src/base/done.ts'
import { BrokerError } from '../../../src/base/errors.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import { SystemClock } from '../../../src/client/system-clock.ts'
import type { ClientConnection, ClientTransport } from '../../../src/client/transport.ts'
import type { AlterTopicRequest, CreateTopicRequest, MetadataRequest } from '../../../src/wire/api.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-register-load-'))
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true, force: true })
})

/** The metadata of a cluster: what was decided, in order. A node of it may be behind. */
class Metadata {
  readonly #topics = new Map<string, ReadonlyMap<string, string>>()
  readonly #decisions: (() => void)[] = []
  /** Of every so many writes one has no answer, and happens all the same. */
  loses = Infinity
  /** What it has acknowledged, it forgets. */
  forgets = false
  #writes = 0

  readonly transport: ClientTransport = { connect: () => this.#connection as ClientConnection, close: () => undefined }

  readonly #connection: Partial<ClientConnection> = {
    createTopic: ({ name }: CreateTopicRequest, _: number, done: Done<never>) => {
      this.#decisions.push(() => this.#topics.set(name, new Map()))
      this.#decisions.at(-1)?.()
      done(undefined, undefined as never)
    },
    alterTopic: ({ topicId, set }: AlterTopicRequest, _: number, done: Done<never>) => {
      const isLost = ++this.#writes % this.loses === 0
      this.#decisions.push(() => undefined)
      if (!this.forgets) this.#topics.set(topicId, set)
      if (isLost) done(new BrokerError('REQUEST_TIMED_OUT', 'no answer', { definite: false }), undefined as never)
      else done(undefined, undefined as never)
    },
    describeQuorum: (_: number, done: Done<never>) => done(undefined, { status: { highWatermark: this.#decisions.length } } as never),
    metadata: ({ topics, minOffset }: MetadataRequest, _: number, done: Done<never>) => {
      expect(minOffset).toBeLessThanOrEqual(this.#decisions.length)
      const found = (topics ?? []).flatMap((name) => (this.#topics.has(name) ? [{ name, topicId: name, configs: this.#topics.get(name) }] : []))
      done(undefined, { topics: found } as never)
    },
    close: () => undefined,
  }
}

async function run(metadata: Metadata, forMs: number): Promise<RegisterReport> {
  const path = join(folder, 'registers.jsonl')
  const begunMs = performance.now()
  const load = new RegisterLoad({
    clock: new SystemClock(),
    nodes: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
    openTransport: () => metadata.transport,
    random: new SeededRandom(1),
    replicationFactor: 3,
    topicPrefix: '',
    history: new RegisterWriter(path),
    nowMs: () => performance.now() - begunMs,
  })
  load.start()
  await vi.advanceTimersByTimeAsync(forMs)
  const stopped = load.stop()
  await vi.advanceTimersByTimeAsync(1_000)
  await stopped
  return judgeRegisterFile(path)
}

it('reads and writes registers, one after the other, with a history that is linearizable where the metadata is', async () => {
  const metadata = new Metadata()
  metadata.loses = 5
  const report = await run(metadata, 70_000)
  expect(report.findings).toEqual([])
  expect(report.reads).toBeGreaterThan(100)
  expect(report.writes).toBeGreaterThan(100)
  const registers = readRegisters(join(folder, 'registers.jsonl'))
  expect([...registers.keys()]).toEqual(['register-0', 'register-1', 'register-2'])
  const values = [...registers.values()].flat().flatMap(({ type, value }) => (type === 'write' ? [value] : []))
  expect(new Set(values).size).toBe(values.length)
  expect([...registers.values()].flat().some(({ returnedAt }) => returnedAt === Infinity)).toBe(true)
})

it('shows a cluster that forgets what it acknowledged', async () => {
  const metadata = new Metadata()
  metadata.forgets = true
  expect((await run(metadata, 10_000)).findings).toEqual([expect.stringMatching(/^register-0 is not linearizable/)])
})
