import { LiveCluster, waitForFullIsr } from '../chaos/live/cluster-process.ts'
import type { OxbowClient } from '../src/client/client.ts'
import { makeTopic } from './load.ts'

/** What a measurement that kills nodes works on: three nodes, and a topic of one partition that all of them hold. */
export interface KillBench {
  readonly cluster: LiveCluster
  readonly client: OxbowClient
  /** The killed node is started, and everybody holds everything again. */
  restart(nodeId: number): Promise<void>
}

/** The data of a cluster that was not measured to the end is kept, for whoever wants to know why. */
export async function withKillBench(topic: string, measure: (bench: KillBench) => Promise<void>): Promise<void> {
  const cluster = await LiveCluster.create(topic)
  let isDone = false
  try {
    cluster.startAll()
    await makeTopic(cluster.bootstrap, topic, 1)
    const client = cluster.client()
    await waitForFullIsr(client, topic)
    const restart = async (nodeId: number): Promise<void> => {
      cluster.start(nodeId)
      await waitForFullIsr(client, topic)
    }
    await measure({ cluster, client, restart })
    await client.close()
    await cluster.stopAll()
    isDone = true
  } finally {
    await cluster.dispose({ keep: !isDone })
  }
}
