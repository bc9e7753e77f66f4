import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkHistory, conclusionOf } from '../../../chaos/check/anomalies/check-history.ts'
import { Workload, type WorkloadOptions } from '../../../chaos/workload/workload.ts'
import { HistoryWriter, readHistory } from '../../../chaos/operations/history-file.ts'
import type { Operation } from '../../../chaos/operations/operation.ts'
import type { Place } from '../../../chaos/workload/places.ts'
import { OxbowClient } from '../../../src/client/client.ts'
import { SystemClock } from '../../../src/client/system-clock.ts'
import { CliCluster } from '../../cli/harness.ts'
import type { FakeTopic } from '../../client/fake-cluster.ts'

let folder = ''
let cluster: CliCluster
let writer: HistoryWriter
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-workload-'))
  cluster = new CliCluster()
  writer = new HistoryWriter(join(folder, 'history.jsonl'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function workload(options: Partial<WorkloadOptions> = {}): Workload {
  return new Workload({
    clock: new SystemClock(),
    seed: 5,
    rate: 600,
    threads: 3,
    openClient: () => new OxbowClient({ bootstrap: cluster.fake.bootstrap, transport: cluster, requestTimeoutMs: 1_000 }),
    history: writer,
    topic: { replicationFactor: 3, configs: {} },
    producer: { lingerMs: 0, deliveryTimeoutMs: 400 },
    ...options,
  })
}

async function history(): Promise<Operation[]> {
  const operations: Operation[] = []
  for await (const operation of readHistory(join(folder, 'history.jsonl'))) operations.push(operation)
  return operations
}

async function run(load: Workload, forMs: number): Promise<boolean> {
  load.start()
  await new Promise((resolve) => setTimeout(resolve, forMs))
  await load.stop()
  cluster.fake.produceVerdict = () => undefined
  const isComplete = (await load.pollEverything(10_000)).length === 0
  await load.close()
  return isComplete
}

describe('Workload', () => {
  it('writes a history that is valid where the cluster keeps its promises', async () => {
    let acknowledged = 0
    const load = workload({ onAcknowledged: () => acknowledged++ })
    expect(await run(load, 1_200)).toBe(true)
    const operations = await history()
    const verdict = checkHistory(operations)
    expect(verdict.anomalies).toEqual([])
    expect(conclusionOf(verdict)).toBe('valid')
    expect(verdict.outcomes).toEqual(load.outcomes)
    const sends = operations.filter(({ f, type }) => f === 'send' && type === 'ok')
    expect(sends.length).toBeGreaterThan(20)
    expect(acknowledged).toBe(sends.length)
    expect(new Set(operations.map(({ f }) => f))).toEqual(new Set(['send', 'poll', 'assign', 'crash', 'debug-topic-partitions']))
    // Each thread reads everything in the end, as a process that was not there before.
    const last = operations.filter(({ f, type, seekToBeginning }) => f === 'assign' && type === 'ok' && seekToBeginning === true)
    expect(new Set(last.map(({ process }) => process % 4)).size).toBeGreaterThanOrEqual(3)
    for (const { process } of last) expect(process).toBeGreaterThan(3)
    // Before that it says how they stand.
    const asked = operations.filter(({ f, type }) => f === 'debug-topic-partitions' && type === 'ok')
    expect(new Set(asked.map(({ process }) => process))).toEqual(new Set(last.map(({ process }) => process)))
    for (const { value, partitions = {} } of asked) {
      expect(Object.keys(partitions).map(Number)).toEqual(value)
      for (const state of Object.values(partitions)) expect(state).toMatchObject({ leader: expect.any(Number), replicas: [1, 2, 3], isr: [1, 2, 3] })
    }
  })

  it('says fail only of what surely did not happen, and goes on as another process after what is unknown', async () => {
    let at = 0
    cluster.fake.produceVerdict = () => (++at % 9 === 0 ? 'loseAnswer' : at % 11 === 0 ? 'MESSAGE_TOO_LARGE' : undefined)
    const load = workload({ producer: { lingerMs: 0, deliveryTimeoutMs: 200, idempotent: false } })
    expect(await run(load, 1_500)).toBe(true)
    const operations = await history()
    const verdict = checkHistory(operations)
    expect(verdict.anomalies).toEqual([])
    expect(verdict.outcomes.fail).toBeGreaterThan(0)
    const unknown = operations.filter(({ f, type }) => f === 'send' && type === 'info')
    expect(unknown.length).toBeGreaterThan(0)
    for (const { process, index } of unknown) expect(operations.filter((one) => one.process === process && one.index > index)).toEqual([])
  })

  it('polls in the end what was acknowledged without an offset', async () => {
    expect(await run(workload({ producer: { lingerMs: 0, deliveryTimeoutMs: 400, acks: 0 } }), 1_500)).toBe(true)
    const operations = await history()
    const sends = operations.filter(({ f, type }) => f === 'send' && type === 'ok')
    expect(sends.length).toBeGreaterThan(20)
    for (const { value } of sends) expect(value).toEqual([['send', expect.any(Number), [null, expect.any(Number)]]])
    expect(conclusionOf(checkHistory(operations))).toBe('valid')
  })

  it('shows what a cluster loses', async () => {
    const load = workload()
    const losing = setInterval(() => {
      for (const [name, { partitions }] of cluster.fake.topics) {
        for (const [partition, log] of partitions.entries()) {
          if (log.highWatermark === 0) continue
          log.highWatermark--
          cluster.fake.moveLeader(name, partition, (log.leader % 3) + 1, { cut: true })
        }
      }
    }, 100)
    load.start()
    await new Promise((resolve) => setTimeout(resolve, 800))
    clearInterval(losing)
    await load.stop()
    expect(await load.pollEverything(1_000)).toEqual(expect.arrayContaining([expect.stringMatching(/^t\d+-[01]$/)]))
    await load.close()
    expect(conclusionOf(checkHistory(await history()))).toBe('anomalies')
  })

  it('deletes a topic and makes it again, all along', async () => {
    const load = workload()
    expect(await run(load, 1_800)).toBe(true)
    expect(load.lives).toBeGreaterThan(0)
    const operations = await history()
    expect(checkHistory(operations).anomalies).toEqual([])
    const keys = operations.flatMap(({ f, value }) => (f === 'assign' ? (value as number[]).filter((key) => key >= 1_000_000) : []))
    // The last life may have had no time to be assigned.
    expect([load.lives, load.lives + 1]).toContain(new Set(keys).size / 2)
  })

  it('names what nodes have no copies of, or too few', async () => {
    const load = workload()
    expect(await run(load, 600)).toBe(true)
    const names = [...load.seen.ends().keys()].map((key) => load.nameOf(key))
    const [none, few] = names as [string, string]
    const held = ({ topic, partition }: Place): readonly number[] =>
      `${topic}-${partition}` === none ? [] : `${topic}-${partition}` === few ? [2, 3] : [1, 2, 3]
    const empty = { records: [], damage: undefined }
    const { read, missing } = load.noteCopies({ of: (place) => held(place).map((node) => ({ node, ...empty })) })
    expect(missing).toEqual([`${none}: 0 of 3`, `${few}: 2 of 3`])
    expect(read).toBeGreaterThanOrEqual(3 * (names.length - 2) + 2)
  })

  it('says that a topic that is gone in the end cannot be read', async () => {
    const load = workload()
    load.start()
    await new Promise((resolve) => setTimeout(resolve, 600))
    await load.stop()
    const [name] = [...load.seen.ends().keys()].map((key) => load.nameOf(key)) as [string]
    expect(cluster.fake.topics.delete(name.split('-')[0] as string)).toBe(true)
    cluster.fake.publish(0)
    expect(await load.pollEverything(500)).toContain(name)
    await load.close()
  })

  it('shows what is left of a topic that was deleted in the next one of its name', async () => {
    const load = workload()
    let first: FakeTopic | undefined
    const haunting = setInterval(() => {
      const topic = cluster.fake.topics.get('reborn')
      first ??= topic
      if (topic === undefined || first === undefined || topic.topicId === first.topicId) return
      clearInterval(haunting)
      cluster.fake.topics.set('reborn', { ...topic, partitions: first.partitions })
    }, 2)
    await run(load, 1_800)
    clearInterval(haunting)
    expect(checkHistory(await history()).anomalies.map(({ name }) => name)).toContain('unexpected-read')
  })
})
