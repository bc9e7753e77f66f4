import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { LiveCluster, waitForBrokers } from '../../chaos/live/cluster-process.ts'
import { GrpcClientTransport } from '../../src/client/grpc-transport.ts'
import type { ClientConnection } from '../../src/client/transport.ts'
import { heading, line, quantile } from '../report.ts'

const TOPICS = 64
const ALONE = 1_000
const TOGETHER = 20_000
const TIMEOUT_MS = 30_000

/** A decision by three voters as a client sees it, beside what one sync costs on the same disk in the same run. */
export async function benchCommit(): Promise<void> {
  heading('a decision of three voters over gRPC on loopback: a config of a topic is set, the answer awaited')
  const cluster = await LiveCluster.create('metadata')
  let isDone = false
  const transport = new GrpcClientTransport()
  try {
    cluster.startAll()
    const { connection, topicIds } = await prepare(cluster, transport)
    const { decided, synced } = await alone(cluster, connection, topicIds)
    line('one at a time', `p50 ${quantile(decided, 0.5).toFixed(2)} ms  p99 ${quantile(decided, 0.99).toFixed(2)} ms`)
    line('one fdatasync, between them', `p50 ${quantile(synced, 0.5).toFixed(2)} ms  p99 ${quantile(synced, 0.99).toFixed(2)} ms`)
    const from = performance.now()
    let next = 0
    await Promise.all(
      topicIds.map(async (topicId) => {
        while (next < TOGETHER) await decide(connection, topicId, next++)
      }),
    )
    line(`${TOPICS} in flight`, `${Math.round((TOGETHER / (performance.now() - from)) * 1_000)} decisions a second`)
    await cluster.stopAll()
    isDone = true
  } finally {
    transport.close()
    await cluster.dispose({ keep: !isDone })
  }
}

async function prepare(
  cluster: LiveCluster,
  transport: GrpcClientTransport,
): Promise<{ readonly connection: ClientConnection; readonly topicIds: readonly string[] }> {
  const client = cluster.client()
  await waitForBrokers(client, cluster.nodeIds.length)
  const admin = client.admin()
  const topicIds: string[] = []
  for (let at = 0; at < TOPICS; at++) topicIds.push((await admin.createTopic({ name: `topic-${at}`, partitions: 1, replicationFactor: 3 })).topicId)
  const { controllerId } = await admin.describeCluster()
  await client.close()
  const [host = '', port = '0'] = (cluster.bootstrap[controllerId - 1] ?? '').split(':')
  return { connection: transport.connect({ host, port: Number(port) }), topicIds }
}

function decide(connection: ClientConnection, topicId: string, number: number): Promise<void> {
  const set = new Map([['retention.ms', String(1_000_000 + number)]])
  const request = { topicId, partitions: 0, assignment: null, set, delete: [], validateOnly: false, timeoutMs: TIMEOUT_MS }
  return new Promise((resolve, reject) => connection.alterTopic(request, TIMEOUT_MS, (error) => (error === undefined ? resolve() : reject(error))))
}

/** Sorted, ms. By turns, so that whatever else the disk does befalls both. */
async function alone(cluster: LiveCluster, connection: ClientConnection, topicIds: readonly string[]) {
  const [decided, synced]: [number[], number[]] = [[], []]
  const file = await open(join(cluster.folder, 'floor'), 'w')
  const bytes = Buffer.alloc(200, 'x')
  for (let number = 0; number < ALONE; number++) {
    decided.push(await msOf(() => decide(connection, topicIds[number % TOPICS] as string, number)))
    synced.push(
      await msOf(async () => {
        await file.write(bytes, 0, bytes.length, number * bytes.length)
        await file.datasync()
      }),
    )
  }
  await file.close()
  const ascending = (list: readonly number[]): number[] => list.toSorted((left, right) => left - right)
  return { decided: ascending(decided), synced: ascending(synced) }
}

async function msOf(work: () => Promise<void>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}
