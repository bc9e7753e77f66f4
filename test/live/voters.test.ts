import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../chaos/live/cli-process.ts'
import { LiveCluster, waitFor, waitForBrokers, waitForFullIsr } from '../../chaos/live/cluster-process.ts'
import { OxbowClient } from '../../src/client/client.ts'
import { SteadyLoad } from './steady-load.ts'

const LIMIT_MS = 120_000
const TEST_LIMIT_MS = 300_000

interface VoterAnswer {
  readonly changed: boolean
  readonly dryRun: boolean
  readonly voters: readonly { readonly nodeId: number; readonly directoryId: string | null }[]
  readonly warnings: readonly string[]
}

describe('the voters of a loaded cluster', () => {
  let cluster: LiveCluster
  let client: OxbowClient
  let isFailed = true

  beforeAll(async () => {
    cluster = await LiveCluster.create('voters', { nodes: 5, firstVoters: 1 })
    // Node 1 runs with a file that knows nobody else, as a cluster of one does.
    const lines = readFileSync(cluster.configPath, 'utf8').split('\n')
    writeFileSync(join(cluster.folder, 'alone.yaml'), lines.filter((line) => !line.includes('firstVoter: false')).join('\n'))
    cluster.start(1, join(cluster.folder, 'alone.yaml'))
    client = new OxbowClient({ bootstrap: cluster.bootstrap, requestTimeoutMs: LIMIT_MS })
    await waitForBrokers(client, 1, LIMIT_MS)
    await client.admin().createTopic({ name: 'alone', partitions: 2, replicationFactor: 1 })
  }, TEST_LIMIT_MS)

  afterEach(({ task }) => {
    isFailed = task.result?.state === 'fail'
  })

  afterAll(async () => {
    await client.close()
    await cluster.dispose({ keep: isFailed })
  })

  async function change(...args: readonly string[]): Promise<VoterAnswer> {
    const run = await runCli(['quorum', ...args, '--bootstrap', cluster.bootstrap.join(','), '--timeout', String(LIMIT_MS), '-o', 'json'])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    return JSON.parse(run.stdout) as VoterAnswer
  }

  const votersOf = ({ voters }: VoterAnswer): number[] => voters.map(({ nodeId }) => nodeId)

  async function observe(...nodeIds: readonly number[]): Promise<void> {
    for (const nodeId of nodeIds) cluster.start(nodeId)
    await waitFor(`nodes ${nodeIds.join(', ')} observe`, LIMIT_MS, async () => {
      const { status } = await client.admin().describeQuorum()
      return nodeIds.every((nodeId) => status.observers.includes(nodeId)) ? true : undefined
    })
  }

  it(
    'grow from 1 to 3 to 5 and shrink to 3, their leader among those that go, without a failed send',
    async () => {
      const loads = [new SteadyLoad(client, 'alone', 2)]
      await loads[0]?.more(500)
      await observe(2, 3)
      expect(votersOf(await change('add-voter', '2', '--dry-run'))).toEqual([1, 2])
      expect(votersOf(await change('add-voter', '2'))).toEqual([1, 2])
      expect(votersOf(await change('add-voter', '3'))).toEqual([1, 2, 3])
      await waitForBrokers(client, 3, LIMIT_MS)
      await client.admin().createTopic({ name: 'three', partitions: 6, replicationFactor: 3 })
      await waitForFullIsr(client, 'three', LIMIT_MS)
      loads.push(new SteadyLoad(client, 'three', 6))
      await observe(4, 5)
      await change('add-voter', '4')
      expect(votersOf(await change('add-voter', '5'))).toEqual([1, 2, 3, 4, 5])
      for (const load of loads) await load.more(500)
      const leader = (await client.admin().describeQuorum()).status.leaderId
      const other = leader === 5 ? 4 : 5
      await change('remove-voter', String(leader))
      const left = await change('remove-voter', String(other))
      expect(votersOf(left)).toEqual([1, 2, 3, 4, 5].filter((nodeId) => nodeId !== leader && nodeId !== other))
      expect(left).toMatchObject({ changed: true, dryRun: false, warnings: [] })
      for (const load of loads) await load.more(500)
      for (const load of loads) await load.stop()
      for (const load of loads) expect([load.failures, load.acknowledged.length]).toEqual([[], load.sent.length])
      const { status } = await client.admin().describeQuorum()
      expect([status.voters, status.observers]).toEqual([votersOf(left), [leader, other].sort()])
    },
    TEST_LIMIT_MS,
  )

  it(
    'take a voter back whose disk was wiped, by its command alone',
    async () => {
      const before = await client.admin().describeQuorum()
      const wiped = before.status.voters.find((nodeId) => nodeId !== before.status.leaderId) as number
      const folderBefore = before.replicas.find(({ nodeId }) => nodeId === wiped)?.directoryId
      const load = new SteadyLoad(client, 'three', 6)
      await cluster.kill(wiped)
      rmSync(cluster.dataDir(wiped), { recursive: true })
      await observe(wiped)
      const answer = await change('add-voter', String(wiped))
      expect(votersOf(answer)).toEqual(before.status.voters)
      const folder = answer.voters.find(({ nodeId }) => nodeId === wiped)?.directoryId
      expect(folder).not.toBe(folderBefore)
      expect(await change('add-voter', String(wiped))).toMatchObject({ changed: false })
      await waitFor('it votes', LIMIT_MS, async () => {
        const { replicas } = await client.admin().describeQuorum()
        return replicas.some((one) => one.nodeId === wiped && one.directoryId === folder && one.status === 'Voter') ? true : undefined
      })
      await load.more(300)
      await load.stop()
      expect([load.failures, load.acknowledged.length]).toEqual([[], load.sent.length])
    },
    TEST_LIMIT_MS,
  )
})
