import { closeSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../chaos/live/cli-process.ts'
import { LiveCluster, sleep, waitForBrokers, waitForFullIsr } from '../../chaos/live/cluster-process.ts'
import { OxbowClient } from '../../src/client/client.ts'
import { type BatchHeader, readBatchHeader } from '../../src/record/batch.ts'
import { SteadyLoad } from './steady-load.ts'

const LIMIT_MS = 120_000
const TEST_LIMIT_MS = 300_000
/** The last of its replicas: it follows. */
const VICTIM = 3
/** Some checkpoints: what is below them is not read at a start. */
const SETTLED_MS = 2_000
/** In the header of a batch, in front of what its checksum covers. */
const LEADER_EPOCH_AT = 15
/** Behind the header. */
const RECORDS_AT = 70

interface Answer {
  readonly result: string
  readonly batches: number
  readonly partitions: readonly {
    readonly partition: number
    readonly startOffset: number
    readonly replicas: readonly { readonly nodeId: number; readonly outcome: string; readonly comparedTo: number; readonly reason: string | null }[]
    readonly differences: readonly { readonly offset: number; readonly minority: readonly number[]; readonly versions: readonly object[] }[]
  }[]
}

describe('audit of a loaded cluster', () => {
  let cluster: LiveCluster
  let client: OxbowClient
  let load: SteadyLoad
  let isFailed = true

  beforeAll(async () => {
    cluster = await LiveCluster.create('audit', {
      config: { 'log.segment.bytes': 65_536, 'log.retention.check.interval.ms': 300, 'replica.high.watermark.checkpoint.interval.ms': 500 },
    })
    cluster.startAll()
    client = new OxbowClient({ bootstrap: cluster.bootstrap, requestTimeoutMs: LIMIT_MS })
    await waitForBrokers(client, 3, LIMIT_MS)
    const assignment = [
      [1, 2, 3],
      [1, 2, 3],
    ]
    await client.admin().createTopic({ name: 'kept', assignment })
    await client.admin().createTopic({ name: 'retained', assignment, configs: { 'retention.bytes': '131072' } })
    load = new SteadyLoad(client, 'kept', 2)
  }, TEST_LIMIT_MS)

  afterEach(({ task }) => {
    isFailed = task.result?.state === 'fail'
  })

  afterAll(async () => {
    await client.close()
    await cluster.dispose({ keep: isFailed })
  })

  async function audit(...args: readonly string[]): Promise<Answer & { readonly code: number | null }> {
    const run = await runCli(['audit', ...args, '--bootstrap', cluster.bootstrap.join(','), '-o', 'json'])
    expect(run.stderr).toBe('')
    return { ...(JSON.parse(run.stdout) as Answer), code: run.code }
  }

  /** Changes a byte of the third batch of the first segment, as the victim has it. */
  function harm(partition: number, at: number): { readonly batch: BatchHeader; readonly path: string; readonly position: number } {
    const folder = join(cluster.dataDir(VICTIM), 'partitions', `kept-${partition}`)
    const segments = readdirSync(folder).filter((name) => name.endsWith('.log'))
    expect(segments.length).toBeGreaterThan(2)
    const path = join(folder, segments.sort()[0] as string)
    const bytes = readFileSync(path)
    let position = 0
    for (let left = 2; left > 0; left--) position += readBatchHeader(bytes, position).sizeBytes
    const file = openSync(path, 'r+')
    const byte = Buffer.alloc(1)
    readSync(file, byte, 0, 1, position + at)
    writeSync(file, Buffer.from([(byte[0] ?? 0) ^ 0x04]), 0, 1, position + at)
    closeSync(file)
    return { batch: readBatchHeader(bytes, position), path, position }
  }

  it(
    'agrees while records come, and while retention moves log starts',
    async () => {
      const retained = new SteadyLoad(client, 'retained', 2)
      for (let left = 4; left > 0; left--) {
        await Promise.all([load.more(500), retained.more(500)])
        const { code, partitions, batches } = await audit()
        expect(partitions.flatMap(({ replicas }) => replicas.filter(({ outcome }) => outcome !== 'agrees'))).toEqual([])
        expect(code).toBe(0)
        expect(batches).toBeGreaterThan(10)
      }
      expect((await audit('retained')).partitions.every(({ startOffset }) => startOffset > 0)).toBe(true)
      await retained.stop()
      await load.stop()
      await sleep(SETTLED_MS)
    },
    TEST_LIMIT_MS,
  )

  it(
    'names what no checksum covers, of which the node itself knows nothing, also after a restart',
    async () => {
      await cluster.end(VICTIM, 'SIGTERM')
      const { batch, path, position } = harm(0, LEADER_EPOCH_AT)
      const logged = cluster.log(VICTIM).length
      cluster.start(VICTIM)
      await waitForBrokers(client, 3, LIMIT_MS)
      await waitForFullIsr(client, 'kept', LIMIT_MS)
      const { code, partitions } = await audit('kept')
      expect(code).toBe(1)
      expect(partitions[0]?.differences).toMatchObject([
        {
          offset: batch.baseOffset,
          minority: [VICTIM],
          versions: [{ nodeId: 1 }, { nodeId: 2 }, { nodeId: VICTIM, file: path, position, batch: { leaderEpoch: batch.leaderEpoch ^ 4 } }],
        },
      ])
      expect(partitions[0]?.replicas[2]).toMatchObject({ nodeId: VICTIM, outcome: 'differs', comparedTo: batch.baseOffset })
      expect(partitions[1]?.replicas.map(({ outcome }) => outcome)).toEqual(['agrees', 'agrees', 'agrees'])
      expect(
        cluster
          .log(VICTIM)
          .slice(logged)
          .filter(({ msg }) => /damaged|offline/.test(msg)),
      ).toEqual([])
      const refetch = ['replica', 'refetch', 'kept:0', '--node', String(VICTIM), '--yes', '--wait', '--bootstrap', cluster.bootstrap.join(',')]
      expect(await runCli(refetch)).toMatchObject({ code: 0, stdout: expect.stringMatching(/ done\n$/) })
      await waitForFullIsr(client, 'kept', LIMIT_MS)
      expect((await audit('kept:0')).code).toBe(0)
    },
    TEST_LIMIT_MS,
  )

  it(
    'has a node find a flipped byte that nobody had read; its next start repairs the replica, and all agree',
    async () => {
      await cluster.end(VICTIM, 'SIGTERM')
      const { batch } = harm(1, RECORDS_AT)
      cluster.start(VICTIM)
      await waitForBrokers(client, 3, LIMIT_MS)
      await waitForFullIsr(client, 'kept', LIMIT_MS)
      const found = await audit('kept:1')
      expect(found.code).toBe(1)
      expect(found.partitions[0]?.replicas[2]).toMatchObject({ nodeId: VICTIM, outcome: 'damaged', comparedTo: batch.baseOffset })
      const offline = await audit('kept:1')
      expect([offline.code, offline.result]).toEqual([4, 'incomplete'])
      const list = await runCli(['replica', 'list', '--unhealthy', '--bootstrap', cluster.bootstrap.join(','), '-o', 'json'])
      const state = { topic: 'kept', partition: 1, nodeId: VICTIM, state: 'quarantined', reason: expect.stringContaining('failed its checksum') }
      expect(JSON.parse(list.stdout)).toMatchObject([state])
      const refused = await runCli(['replica', 'refetch', 'kept:1', '--node', String(VICTIM), '--yes', '--bootstrap', cluster.bootstrap.join(',')])
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`restart node ${VICTIM}`) })
      await cluster.end(VICTIM, 'SIGTERM')
      cluster.start(VICTIM)
      await waitForBrokers(client, 3, LIMIT_MS)
      await waitForFullIsr(client, 'kept', LIMIT_MS)
      expect((await audit('kept:1')).code).toBe(0)
    },
    TEST_LIMIT_MS,
  )
})
