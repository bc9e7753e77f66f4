import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startConfigured } from '../../../chaos/sim/configured-cluster.ts'
import type { OxbowClient } from '../../../src/client/client.ts'
import { loadCluster } from '../../../src/node/config.ts'

const CONTROLLERS = [1, 2, 3]
const BROKERS = [11, 12, 13]
const LONG_MS = 60_000

const split = () => loadCluster(join(import.meta.dirname, '../../../cluster-configs/split-roles.yaml'))

async function administer(client: OxbowClient): Promise<void> {
  const admin = client.admin()
  const quorum = await admin.describeQuorum()
  expect(CONTROLLERS).toContain(quorum.status.leaderId)
  expect([quorum.status.voters.toSorted(), quorum.status.observers.toSorted()]).toEqual([CONTROLLERS, BROKERS])
  expect(quorum.replicas.find(({ nodeId }) => nodeId === quorum.status.leaderId)?.status).toBe('Leader')
  const cluster = await admin.describeCluster()
  expect([cluster.controllerId, cluster.brokers.map(({ nodeId }) => nodeId)]).toEqual([quorum.status.leaderId, BROKERS])
  const topic = await admin.createTopic({ name: 'more', partitions: 1, replicationFactor: 3 })
  await admin.alterTopic({ name: 'more', partitions: 2 })
  expect((await admin.describeConfigs({ topics: ['more'] })).map(({ name }) => name)).toEqual(['more'])
  expect((await admin.describeTopics(['more'])).map(({ topicId, partitions }) => [topicId, partitions.length])).toEqual([[topic.topicId, 2]])
  await admin.electLeaders()
  await admin.deleteTopic('more')
}

it('who asks a broker while a node without the broker role leads the quorum has every answer', { timeout: LONG_MS }, async () => {
  for (let seed = 1; seed <= 5; seed++) await startConfigured(await split(), { seed, bootstrap: BROKERS, ask: administer })
})

it('who knows only nodes without the broker role is told of the brokers, and served', { timeout: LONG_MS }, async () => {
  await startConfigured(await split(), { seed: 6, bootstrap: CONTROLLERS, ask: administer })
})
