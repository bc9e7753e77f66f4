import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { LiveCluster, waitFor, waitForBrokers, waitForFullIsr } from '../../chaos/live/cluster-process.ts'
import { compareReadBack, type PlacedLine } from '../../chaos/live/read-back.ts'
import { OxbowClient } from '../../src/client/client.ts'
import type { Consumer } from '../../src/client/consumer.ts'
import { SteadyLoad } from './steady-load.ts'

const TOPIC = 'rolling'
const PARTITIONS = 6
const READY_LIMIT_MS = 120_000
const TEST_LIMIT_MS = 300_000

/** Reads along until it has `wanted` records, which is told when it is known. */
async function readAlong(consumer: Consumer, wanted: () => number): Promise<PlacedLine[]> {
  const read: PlacedLine[] = []
  while (read.length < wanted()) {
    for (const { partition, offset, value } of await consumer.poll()) read.push({ partition, offset, value: String(value) })
  }
  return read
}

interface Readyz {
  readonly ready: boolean
  readonly missing: readonly string[]
}

describe('a rolling restart of a loaded cluster, acks=all (R1.1, R5.9)', () => {
  let cluster: LiveCluster
  let client: OxbowClient
  let isFailed = true

  beforeAll(async () => {
    cluster = await LiveCluster.create('rolling')
    cluster.startAll()
    client = new OxbowClient({ bootstrap: cluster.bootstrap, requestTimeoutMs: READY_LIMIT_MS })
    await waitForBrokers(client, 3, READY_LIMIT_MS)
    await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS, replicationFactor: 3 })
    await waitForFullIsr(client, TOPIC, READY_LIMIT_MS)
  }, TEST_LIMIT_MS)

  afterEach(({ task }) => {
    isFailed = task.result?.state === 'fail'
  })

  afterAll(async () => {
    await client.close()
    await cluster.dispose({ keep: isFailed })
  })

  async function readyz(nodeId: number): Promise<Readyz | undefined> {
    try {
      const answer = await fetch(cluster.metricsUrl(nodeId).replace('/metrics', '/readyz'))
      const body = (await answer.json()) as Readyz
      expect(answer.status).toBe(body.ready ? 200 : 503)
      return body
    } catch (error) {
      if (error instanceof TypeError) return undefined
      throw error
    }
  }

  function untilReady(nodeId: number): Promise<Readyz> {
    return waitFor(`node ${nodeId} is ready`, READY_LIMIT_MS, async () => {
      const answer = await readyz(nodeId)
      return answer?.ready === true ? answer : undefined
    })
  }

  it(
    'fails no send, loses and doubles nothing, and is over as soon as each node says that it is ready',
    async () => {
      const load = new SteadyLoad(client, TOPIC, PARTITIONS)
      const consumer = client.consumer()
      await consumer.assign(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition, offset: 'earliest' as const })))
      const progress = { total: Number.POSITIVE_INFINITY }
      const reading = readAlong(consumer, () => progress.total)
      // It is awaited at the end; what fails before is what there is to say.
      reading.catch(() => undefined)
      await load.more(1_000)
      for (const nodeId of cluster.nodeIds) {
        await cluster.end(nodeId, 'SIGTERM')
        await load.more(500)
        cluster.start(nodeId)
        await untilReady(nodeId)
        expect(cluster.log(nodeId).filter((line) => line.msg === 'stopped cleanly')).toHaveLength(1)
      }
      await load.more(500)
      await load.stop()
      expect(load.failures).toEqual([])
      expect(load.acknowledged).toHaveLength(load.sent.length)
      progress.total = load.sent.length
      const read = await reading
      await consumer.close()
      const { violations } = compareReadBack({ sent: load.sent, acknowledged: load.acknowledged, refused: new Set(), read })
      expect(violations).toEqual([])
      expect(read).toHaveLength(load.sent.length)
    },
    TEST_LIMIT_MS,
  )

  it('a node without a quorum is alive, not ready, and names the voters it misses', async () => {
    await Promise.all([2, 3].map((nodeId) => cluster.kill(nodeId)))
    const answer = await waitFor('node 1 misses its quorum', READY_LIMIT_MS, async () => {
      const found = await readyz(1)
      return found?.missing.some((sentence) => sentence.includes('2 are needed')) === true ? found : undefined
    })
    expect(answer.ready).toBe(false)
    const [, two, three] = cluster.bootstrap
    expect(answer.missing).toEqual([
      `the metadata quorum has no leader: 1 of 3 voters can be reached, 2 are needed. Missing: node 2 (${two}), node 3 (${three}): start them, or see why their ports cannot be reached from here`,
    ])
    expect((await fetch(cluster.metricsUrl(1).replace('/metrics', '/healthz'))).status).toBe(200)
  })
})
