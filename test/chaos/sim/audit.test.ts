import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type ConfiguredWorld, startConfigured } from '../../../chaos/sim/configured-cluster.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import { type AuditedPartition, PartitionAudit } from '../../../src/cli/audit/partition-audit.ts'
import type { OxbowClient } from '../../../src/client/client.ts'
import { type ConfiguredCluster, loadCluster } from '../../../src/node/config.ts'

const TOPIC = 'orders'
const LONG_MS = 120_000
const SEEDS = 6
const PORT = 9092
/** Three batches or so: a page ends, and another begins. */
const PAGE_BYTES = 300
/** In the header of a batch, in front of what its checksum covers. */
const LEADER_EPOCH_AT = 15
/** Behind the header. */
const RECORDS_AT = 70
/** One record of 60 bytes. */
const BATCH_BYTES = 129

/** Segments of some batches, and retention that looks often. */
async function smallSegments(): Promise<ConfiguredCluster> {
  const cluster = await loadCluster(join(import.meta.dirname, '../../../cluster-configs/three-node.yaml'))
  const nodes = cluster.nodes.map((node) => {
    const config = { ...node.options.config, segmentBytes: 700, retentionCheckIntervalMs: 200, tailCacheBytes: 2 * 1024 * 1024 }
    return { ...node, options: { ...node.options, config } }
  })
  return { ...cluster, nodes }
}

async function auditAll(client: OxbowClient, world: ConfiguredWorld): Promise<AuditedPartition[]> {
  const admin = client.admin({ totalTimeoutMs: 5_000 })
  const [topic] = await admin.describeTopics([TOPIC])
  const results: AuditedPartition[] = []
  for (const { partition, leader, replicas, isr } of topic?.partitions ?? []) {
    const options = {
      ask: (nodeId: number, range: { readonly startOffset: number; readonly endOffset: number }) =>
        admin.digestBatches({ host: `node-${nodeId}`, port: PORT }, { topicId: topic?.topicId ?? '', partition, ...range, maxBytes: PAGE_BYTES }),
      sleep: (ms: number) => world.sleep(ms),
      pace: () => Promise.resolve(),
      isInterrupted: () => false,
    }
    results.push(await new PartitionAudit({ topic: TOPIC, partition, leader, replicas, isr }, options).run())
  }
  return results
}

function outcomes(results: readonly AuditedPartition[]): (readonly string[])[] {
  return results.map(({ audited = [] }) => audited.map(({ outcome }) => outcome))
}

const AGREED = [
  ['agrees', 'agrees', 'agrees'],
  ['agrees', 'agrees', 'agrees'],
]

/** Nodes die and come back, records come, retention and deletions move log starts; audits go on all the while. */
function story(seed: number, met: { compared: number; interrupted: number; starts: number }): (client: OxbowClient, world: ConfiguredWorld) => Promise<void> {
  return async (client, world) => {
    const random = new SeededRandom(seed)
    const admin = client.admin()
    const assignment = [
      [1, 2, 3],
      [2, 3, 1],
    ]
    await admin.createTopic({ name: TOPIC, assignment, configs: { 'retention.bytes': '2000' } })
    const producer = client.producer({ lingerMs: 0 })
    let isOver = false
    const sending = (async () => {
      for (let at = 0; !isOver; at++) {
        producer.send({ topic: TOPIC, partition: at % 2, value: Buffer.alloc(60, at) }).catch(() => undefined)
        await world.sleep(random.integer(40))
      }
    })()
    const killing = (async () => {
      while (!isOver) {
        await world.sleep(1_000 + random.integer(2_000))
        const node = world.node(1 + random.integer(3))
        node.crash(random.integer(2) === 0 ? 'kill' : 'powerLoss')
        await world.sleep(random.integer(800))
        node.start()
      }
    })()
    for (let left = 6; left > 0; left--) {
      await world.sleep(random.integer(700))
      const results = await auditAll(client, world).catch(() => [])
      for (const outcome of outcomes(results).flat()) {
        expect(['agrees', 'notCompared']).toContain(outcome)
        if (outcome === 'agrees') met.compared++
        else met.interrupted++
      }
      met.starts += results.filter(({ startOffset }) => startOffset > 0).length
    }
    isOver = true
    await Promise.all([sending, killing])
    await world.sleep(10_000)
    expect(outcomes(await auditAll(client, world))).toEqual(AGREED)
    for (const nodeId of [1, 2, 3]) for (const replica of world.node(nodeId).liveReplicas) expect(replica.damaged).toBe(false)
  }
}

it('never takes anything for damage or a difference while nodes die, records come and log starts move; then all agree', { timeout: LONG_MS }, async () => {
  const cluster = await smallSegments()
  const met = { compared: 0, interrupted: 0, starts: 0 }
  for (let seed = 1; seed <= SEEDS; seed++) await startConfigured(cluster, { seed, ask: story(seed, met) })
  for (const count of Object.values(met)) expect(count).toBeGreaterThan(SEEDS)
})

it('finds a byte that no checksum covers on the disk of a follower, and names it alone', { timeout: LONG_MS }, async () => {
  const cluster = await smallSegments()
  await startConfigured(cluster, {
    seed: 1,
    ask: async (client, world) => {
      await client.admin().createTopic({ name: TOPIC, assignment: [[1, 2, 3]] })
      const producer = client.producer({ lingerMs: 0 })
      for (let at = 0; at < 30; at++) await producer.send({ topic: TOPIC, value: Buffer.alloc(60, at) })
      await world.sleep(1_000)
      expect(outcomes(await auditAll(client, world))).toEqual([['agrees', 'agrees', 'agrees']])
      expect(world.node(3).disk.flipByte(`partitions/${TOPIC}-0/00000000000000000000.log`, LEADER_EPOCH_AT)).toBe(true)
      const [result] = await auditAll(client, world)
      expect(outcomes([result as AuditedPartition])).toEqual([['agrees', 'agrees', 'differs']])
      expect(result?.differences).toMatchObject([{ offset: 0, minority: [3] }])
    },
  })
})

it('takes a replica with a bad batch out of service, and leaves the next one in, without which too few would be in sync', { timeout: LONG_MS }, async () => {
  const cluster = await smallSegments()
  await startConfigured(cluster, {
    seed: 1,
    ask: async (client, world) => {
      const admin = client.admin()
      await admin.createTopic({ name: TOPIC, assignment: [[1, 2, 3]] })
      const producer = client.producer({ lingerMs: 0 })
      for (let at = 0; at < 40; at++) await producer.send({ topic: TOPIC, value: Buffer.alloc(60, at) })
      await world.sleep(1_000)
      const path = `partitions/${TOPIC}-0/00000000000000000000.log`
      expect(world.node(3).disk.flipByte(path, RECORDS_AT)).toBe(true)
      expect(world.node(2).disk.flipByte(path, 4 * BATCH_BYTES + RECORDS_AT)).toBe(true)
      const [result] = await auditAll(client, world)
      expect(result?.audited).toMatchObject([
        { outcome: 'agrees', comparedTo: 40 },
        { outcome: 'damaged', comparedTo: 4, reason: expect.stringMatching(/it goes on serving, for without it/) },
        { outcome: 'damaged', comparedTo: 0, reason: expect.stringMatching(/it serves nothing any more$/) },
      ])
      const [topic] = await admin.describeTopics([TOPIC])
      expect(topic?.partitions[0]).toMatchObject({ leader: 1, isr: [1, 2] })
      await producer.send({ topic: TOPIC, value: Buffer.from('one more') })
    },
  })
})

it('two bad batches in one page, on two nodes: one of them leaves, and the other one is left in', { timeout: LONG_MS }, async () => {
  const cluster = await smallSegments()
  for (const nodes of [
    [2, 3],
    [1, 2],
    [1, 3],
  ] as const) {
    await startConfigured(cluster, {
      seed: 1,
      ask: async (client, world) => {
        const admin = client.admin()
        await admin.createTopic({ name: TOPIC, assignment: [[1, 2, 3]] })
        const producer = client.producer({ lingerMs: 0 })
        for (let at = 0; at < 40; at++) await producer.send({ topic: TOPIC, value: Buffer.alloc(60, at) })
        await world.sleep(1_000)
        const path = `partitions/${TOPIC}-0/00000000000000000000.log`
        for (const nodeId of nodes) expect(world.node(nodeId).disk.flipByte(path, RECORDS_AT)).toBe(true)
        await auditAll(client, world)
        await world.sleep(500)
        const [topic] = await admin.describeTopics([TOPIC])
        expect(topic?.partitions[0]?.isr).toHaveLength(2)
        const dead = nodes.filter((nodeId) => [...world.node(nodeId).liveReplicas].some(({ damaged }) => damaged))
        expect(dead).toHaveLength(1)
        await producer.send({ topic: TOPIC, value: Buffer.from('one more') })
      },
    })
  }
})
