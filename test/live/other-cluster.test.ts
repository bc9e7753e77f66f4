import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LiveCluster, waitForFullIsr, waitForBrokers } from '../../chaos/live/cluster-process.ts'
import { Ledger } from './ledger.ts'

const NODE = 3

/** Starts a cluster and gives it records. */
async function populate(name: string): Promise<{ cluster: LiveCluster; ledger: Ledger }> {
  const cluster = await LiveCluster.create(name)
  cluster.startAll()
  const client = cluster.client()
  await waitForBrokers(client, 3)
  await client.admin().createTopic({ name: 'kept', partitions: 1, replicationFactor: 3 })
  const ledger = new Ledger('kept', 1)
  await ledger.produce(client, 50)
  await client.close()
  return { cluster, ledger }
}

describe('folders of two clusters, swapped (rules R2.3)', () => {
  let ours: { cluster: LiveCluster; ledger: Ledger }
  let theirs: { cluster: LiveCluster; ledger: Ledger }

  beforeAll(async () => {
    theirs = await populate('theirs')
    await theirs.cluster.stopAll()
    ours = await populate('ours')
  })

  afterAll(async () => {
    await Promise.all([ours, theirs].map(({ cluster }) => cluster.dispose({ keep: false })))
  })

  function swap(): void {
    const [mine, other, aside] = [ours.cluster.dataDir(NODE), theirs.cluster.dataDir(NODE), join(ours.cluster.folder, 'aside')]
    renameSync(mine, aside)
    renameSync(other, mine)
    renameSync(aside, other)
  }

  it('the node is refused with a sentence on both sides, the others go on, and with its own folder it is back; neither cluster loses a record', async () => {
    const { cluster, ledger } = ours
    await cluster.end(NODE, 'SIGTERM')
    swap()
    const from = cluster.nodeIds.map((nodeId) => cluster.log(nodeId).length)
    cluster.start(NODE)
    const sentence = /node \d belongs to cluster [0-9a-f]{32}, node \d to [0-9a-f]{32}: check the addresses, or the data folder of the one that is wrong/
    for (const nodeId of cluster.nodeIds) {
      await cluster.waitForLog(nodeId, from[nodeId - 1] as number, 'the refusal', (line) => line.level === 'warn' && sentence.test(String(line.reason)), 15_000)
    }
    const client = cluster.client()
    await ledger.produce(client, 50)
    expect(cluster.isRunning(NODE)).toBe(true)
    expect((await fetch(cluster.metricsUrl(NODE).replace('metrics', 'readyz'))).status).toBe(503)
    await cluster.end(NODE, 'SIGTERM')
    swap()
    cluster.start(NODE)
    await waitForFullIsr(client, 'kept', 20_000)
    expect(await ledger.violations(client)).toEqual([])
    await client.close()
    await cluster.stopAll()
    theirs.cluster.startAll()
    const other = theirs.cluster.client()
    await waitForFullIsr(other, 'kept', 30_000)
    expect(await theirs.ledger.violations(other)).toEqual([])
    await other.close()
  })
})
