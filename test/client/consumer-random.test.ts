import { describe, expect, it } from 'vitest'
import { codeOf } from '../../src/base/errors.ts'
import { type Random, SeededRandom } from '../../src/base/random.ts'
import { ConsumerCore } from '../../src/client/consumer-core.ts'
import type { ConsumedRecord } from '../../src/client/fetch-partition.ts'
import { peekBatchSize } from '../../src/record/batch.ts'
import { CONTROL_FLAG, encodeBatch, NO_PRODUCER } from '../../src/record/records.ts'
import { FakeCluster } from './fake-cluster.ts'
import { shareCluster } from './shared-cluster.ts'
import { VirtualClock } from './virtual-clock.ts'

const PARTITIONS = 4
const BATCHES = 60
const FAULTY_MS = 4_000
const CRC_AT = 17
const HEAL_MS = 30_000

/** Logs that grow, with control batches between, while leaders move, nodes die and fall silent, and bytes flip on the way. */
function load(cluster: FakeCluster, clock: VirtualClock, random: Random): Map<number, string[]> {
  const visible = new Map<number, string[]>(Array.from({ length: PARTITIONS }, (_, partition) => [partition, []]))
  const append = (): void => {
    const partition = random.integer(PARTITIONS)
    const state = cluster.partition('t', partition)
    const isControl = random.integer(10) === 0
    const records = Array.from({ length: isControl ? 1 : 1 + random.integer(5) }, (_, index) => {
      return { timestamp: index, key: null, value: Buffer.from(`${state.endOffset + index}`) }
    })
    if (!isControl) for (const record of records) (visible.get(partition) as string[]).push(`${record.value}`)
    state.append(encodeBatch(records, { ...NO_PRODUCER, attributes: isControl ? CONTROL_FLAG : 0 }))
    state.highWatermark = state.endOffset
  }
  for (let count = 0; count < BATCHES; count++) clock.after(random.integer(FAULTY_MS), append)
  return visible
}

function faults(cluster: FakeCluster, clock: VirtualClock, random: Random): void {
  const codes = ['OFFSET_NOT_AVAILABLE', 'NOT_LEADER_OR_FOLLOWER', 'UNKNOWN_SERVER_ERROR', 'KAFKA_STORAGE_ERROR'] as const
  cluster.fetchVerdict = () => (clock.monotonicMs() < FAULTY_MS && random.integer(15) === 0 ? codes[random.integer(codes.length)] : undefined)
  cluster.damage = (bytes) => {
    if (clock.monotonicMs() >= FAULTY_MS || random.integer(10) > 0) return bytes
    const damaged = Buffer.from(bytes)
    // Within what the CRC of the first batch covers, or the CRC itself.
    const at = CRC_AT + random.integer((peekBatchSize(bytes, 0) ?? 0) - CRC_AT)
    damaged[at] = (damaged[at] as number) ^ 1
    return damaged
  }
  const next = (): void => {
    const nodeId = 1 + random.integer(3)
    if (clock.monotonicMs() >= FAULTY_MS) {
      for (const healed of cluster.nodeIds) {
        cluster.silent.delete(healed)
        cluster.restart(healed)
      }
      return
    }
    const kind = random.integer(4)
    if (kind === 0) cluster.closeStreams(nodeId)
    else if (kind === 1) cluster.moveLeader('t', random.integer(PARTITIONS), nodeId, { lagMs: random.integer(200) })
    else if (kind === 2 && !cluster.silent.delete(nodeId)) cluster.silent.add(nodeId)
    else if (cluster.dead.has(nodeId)) cluster.restart(nodeId)
    else cluster.kill(nodeId)
    clock.after(10 + random.integer(300), next)
  }
  clock.after(50, next)
}

function run(seed: number): void {
  const clock = new VirtualClock()
  const random = new SeededRandom(seed)
  const cluster = new FakeCluster({ clock, random: random.fork('network'), maxDelayMs: 15 })
  cluster.addTopic('t', PARTITIONS)
  const core = new ConsumerCore(shareCluster(cluster, random.fork('client'), 3_000), { maxWaitMs: 100, partitionMaxBytes: 400, maxBytes: 1_000 })
  const visible = load(cluster, clock, random.fork('load'))
  faults(cluster, clock, random.fork('faults'))
  const seen: ConsumedRecord[] = []
  const assignments = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: 't', partition, offset: 0 }))
  core.assign(assignments, () => undefined)
  pollOn(core, clock, random.fork('polls'), seen)
  let expected = 0
  const total = (): number => [...visible.values()].reduce((sum, values) => sum + values.length, 0)
  clock.run(FAULTY_MS)
  for (let healedMs = 0; healedMs < HEAL_MS && seen.length < total(); healedMs += 500) clock.run(500)
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const own = seen.filter((record) => record.partition === partition)
    expect(
      own.map((record) => `${record.value}`),
      `seed ${seed}, partition ${partition}`,
    ).toEqual(visible.get(partition))
    for (const record of own) expect(`${record.offset}`, 'the offset is that of the log').toBe(`${record.value}`)
    expected += own.length
  }
  expect(seen.length).toBe(expected)
}

function pollOn(core: ConsumerCore, clock: VirtualClock, random: Random, seen: ConsumedRecord[]): void {
  core.poll(1 + random.integer(10), 50, (error, records) => {
    // Damage that comes thrice in a row is told once; reading goes on all the same.
    if (error !== undefined) expect(codeOf(error)).toBe('CORRUPT_MESSAGE')
    seen.push(...records)
    clock.after(random.integer(30), () => pollOn(core, clock, random, seen))
  })
}

describe('a consumer above a cluster that moves leaders, dies, falls silent and damages answers', () => {
  it('reads every record once, in order (200 seeds)', () => {
    for (let seed = 1; seed <= 200; seed++) run(seed)
  }, 120_000)
})
