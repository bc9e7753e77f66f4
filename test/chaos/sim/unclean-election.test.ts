import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type ConfiguredWorld, startConfigured } from '../../../chaos/sim/configured-cluster.ts'
import type { OxbowClient } from '../../../src/client/client.ts'
import { loadCluster } from '../../../src/node/config.ts'

const TOPIC = 'orders'
const LONG_MS = 60_000
const PATIENCE = 200
/** By then a node has noted its high watermark: it comes back with it, and a cut below that is no small matter. */
const CHECKPOINTED_MS = 6_000

interface State {
  readonly leader: number
  readonly isr: readonly number[]
}

type Until = (leader: number, ...isr: readonly number[]) => Promise<void>

function watching(client: OxbowClient, world: ConfiguredWorld): Until {
  return async (leader, ...isr) => {
    let state: State | undefined
    for (let look = 0; look < PATIENCE; look++) {
      state = (await client.admin().describeTopics([TOPIC]))[0]?.partitions[0]
      if (state?.leader === leader && state.isr.toSorted().join() === isr.join()) return
      await world.sleep(100)
    }
    throw new Error(`not led by ${leader} with ${isr.join()}: ${JSON.stringify(state)}`)
  }
}

/** Brokers 12 and 13 lack what 11 alone has acknowledged, and 11 does not come back for a while. */
async function lose(client: OxbowClient, world: ConfiguredWorld): Promise<void> {
  const admin = client.admin()
  const send = async (value: string) => await client.producer({ lingerMs: 0 }).send({ topic: TOPIC, value: Buffer.from(value) })
  const until = watching(client, world)
  await admin.createTopic({ name: TOPIC, assignment: [[11, 12, 13]], configs: { 'min.insync.replicas': '1' } })
  await send('a')
  await until(11, 11, 12, 13)
  for (const nodeId of [12, 13]) world.node(nodeId).crash('kill')
  await until(11, 11)
  await send('given up')
  await world.sleep(CHECKPOINTED_MS)
  world.node(11).crash('kill')
  for (const nodeId of [12, 13]) world.node(nodeId).start()
  await world.sleep(5_000)
  await until(-1)
  const asked = { partitions: [{ topic: TOPIC, partition: 0 }], unclean: true }
  const plan = await admin.electLeaders({ ...asked, validateOnly: true })
  expect(plan).toMatchObject([{ topic: TOPIC, partition: 0, elected: { nodeId: 12, lastEpoch: 0, logEndOffset: 1 }, error: null }])
  await until(-1)
  const decidedBy = plan[0]?.metadataOffset as number
  expect(await admin.electLeaders({ ...asked, metadataOffset: decidedBy })).toEqual([{ ...plan[0], metadataOffset: decidedBy + 1 }])
  await until(12, 12, 13)
  await send('b')
  world.node(12).crash('kill')
  await until(13, 13)
  for (const nodeId of [11, 12]) world.node(nodeId).start()
  await until(13, 11, 12, 13)
  await send('c')
  const logs = [11, 12, 13].flatMap((nodeId) => [...world.node(nodeId).liveReplicas].map((replica) => replica.view()).filter(({ topic }) => topic === TOPIC))
  expect(logs.map((replica) => [replica.role === 'offline', replica.log.endOffset])).toEqual(Array(3).fill([false, 3]))
  const consumer = client.consumer()
  await consumer.assign([{ topic: TOPIC, partition: 0, offset: 'earliest' }])
  const values: string[] = []
  for await (const { value } of consumer) if (values.push(String(value)) === 3) break
  expect(values).toEqual(['a', 'b', 'c'])
}

it('R5.7, R6.3: after an unclean election the replica that lacked it is cut and in sync again, be it that a clean election came between', {
  timeout: LONG_MS,
}, async () => {
  const cluster = await loadCluster(join(import.meta.dirname, '../../../cluster-configs/split-roles.yaml'))
  for (let seed = 1; seed <= 5; seed++) await startConfigured(cluster, { seed, bootstrap: [1, 2, 3], ask: lose })
})

/** What 11 alone acknowledged is given up, for the topic allows it. */
async function giveUp(client: OxbowClient, world: ConfiguredWorld): Promise<void> {
  const until = watching(client, world)
  const producer = client.producer({ lingerMs: 0 })
  const unclean = (nodeId: number): number | undefined => world.node(nodeId).running?.view().changes.uncleanLeaderElections
  const configs = { 'min.insync.replicas': '1', 'unclean.leader.election.enable': 'true' }
  await client.admin().createTopic({ name: TOPIC, assignment: [[11, 12, 13]], configs })
  await until(11, 11, 12, 13)
  for (const nodeId of [12, 13]) world.node(nodeId).crash('kill')
  await until(11, 11)
  await producer.send({ topic: TOPIC, value: Buffer.from('kept by a quick restart') })
  world.node(11).crash('kill')
  for (const nodeId of [11, 12, 13]) world.node(nodeId).start()
  await until(11, 11, 12, 13)
  expect([1, 2, 3].map(unclean)).toEqual([0, 0, 0])
  for (const nodeId of [12, 13]) world.node(nodeId).crash('kill')
  await until(11, 11)
  await producer.send({ topic: TOPIC, value: Buffer.from('given up') })
  world.node(11).crash('kill')
  for (const nodeId of [12, 13]) world.node(nodeId).start()
  await until(12, 12, 13)
  expect([1, 2, 3].map(unclean)).toEqual([1, 1, 1])
  const [one] = await client.admin().listOffsets(TOPIC, 'latest')
  expect(one?.offset).toBe(1)
  world.node(2).crash('kill')
  world.node(2).start()
  world.node(11).start()
  await until(12, 11, 12, 13)
  await world.sleep(5_000)
  // What was decided before it came up is not counted once more.
  expect([1, 2, 3].map(unclean)).toEqual([1, 0, 1])
}

it('R5.7: where the topic allows it, those that are left lead by themselves, unless who has more comes back at once; controllers count it as brokers do', {
  timeout: LONG_MS,
}, async () => {
  const cluster = await loadCluster(join(import.meta.dirname, '../../../cluster-configs/split-roles.yaml'))
  for (let seed = 1; seed <= 5; seed++) await startConfigured(cluster, { seed, bootstrap: [1, 2, 3], ask: giveUp })
})
