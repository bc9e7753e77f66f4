import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'
import { wellReplica, workingFolder } from './sample-folders.ts'

type Partition = (typeof workingFolder)['partitions'][number]

/** Topic `orders` with two partitions on nodes 1, 2 and 3. */
function cluster(changes: Partial<Partition> = {}): CliCluster {
  const made = new CliCluster()
  const [broker] = made.brokers as [(typeof made.brokers)[number]]
  made.brokers = [1, 2, 3].map((nodeId) => ({ ...broker, nodeId, host: `n${nodeId}`, state: 'running' }))
  made.fake.addTopic('orders', 2)
  made.moveLooks = 0
  for (const nodeId of [1, 2, 3]) {
    const partitions = [0, 1].map((partition) => ({ ...wellReplica, topic: 'orders', partition, ...(nodeId === 2 ? changes : {}) }))
    made.folders.set(nodeId, [{ ...workingFolder, partitions }])
  }
  return made
}

function refetch(made: CliCluster, ...args: readonly string[]): ReturnType<typeof oxbow> {
  return oxbow(['replica', 'refetch', 'orders:0', '--node', '2', ...args], { cluster: made })
}

describe('replica refetch', () => {
  it('takes the replica off, and when its node has set the copy aside puts it there again, as it stood', async () => {
    const made = cluster()
    const run = await refetch(made, '--yes', '--throttle', '20M')
    expect(run).toEqual({
      code: 0,
      stdout: 'Topic   Partition  NodeId     Size  Outcome\norders          0       2  1.5 KiB  fetching\n',
      stderr: '',
    })
    expect(made.moved).toMatchObject([
      { partitions: [{ partition: 0, replicas: [1, 3] }], bytesPerSecond: null, validateOnly: false },
      { partitions: [{ partition: 0, replicas: [1, 2, 3] }], bytesPerSecond: 20 * 1024 * 1024 },
    ])
    const json = await oxbow(['replica', 'refetch', 'orders:1', '--node', '3', '--yes', '--wait', '-o', 'json'], { cluster: cluster() })
    expect(json.code).toBe(0)
    expect(JSON.parse(json.stdout)).toEqual([{ topic: 'orders', partition: 1, nodeId: 3, sizeBytes: 1536, outcome: 'done' }])
  })

  it('asks first, and drops nothing without a yes or with --dry-run', async () => {
    const made = cluster()
    const args = ['replica', 'refetch', 'orders:0', '--node', '2']
    const asked = await oxbow(args, { cluster: made, isTerminal: true, stdin: ['no\n'] })
    expect(asked).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Drop what node 2 has of orders-0 (1.5 KiB), and fetch it anew from the other replicas?'),
    })
    expect(await oxbow(args, { cluster: made })).toMatchObject({ code: 2, stderr: expect.stringContaining('add --yes') })
    const dry = await refetch(made, '--dry-run')
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringMatching(/\norders +0 +2 +1\.5 KiB +allowed\n$/), stderr: 'Nothing was dropped.\n' })
    expect(made.moved).toEqual([])
  })

  it.each([
    ['too few others are in sync', (made: CliCluster) => made.isr.set('orders-0', [1, 2]), 'without node 2 only 1 of its replicas would be in sync'],
    [
      'an in-sync one is fenced',
      (made: CliCluster) => (made.brokers = made.brokers.map((one) => (one.nodeId === 3 ? { ...one, state: 'fenced' } : one))),
      'only 1 of',
    ],
    ['there is no leader', (made: CliCluster) => made.fake.moveLeader('orders', 0, -1), 'it has no leader to fetch it from'],
    ['it is being moved', (made: CliCluster) => made.moving.set('orders-0', { to: [1, 2, 4], looks: 99 }), 'it is being moved'],
    [
      'its node is away',
      (made: CliCluster) => (made.brokers = made.brokers.map((one) => (one.nodeId === 2 ? { ...one, state: 'offline' } : one))),
      'node 2 is offline',
    ],
    ['the others have more to give', (made: CliCluster) => made.configs.set('orders', new Map([['min.insync.replicas', '3']])), 'min.insync.replicas is 3'],
  ])('refuses where %s, and says so', async (_, prepare, reason) => {
    const made = cluster()
    prepare(made)
    const run = await refetch(made, '--yes')
    expect(run.code).toBe(1)
    expect(run.stderr).toContain(`error: INVALID_REQUEST: orders-0: `)
    expect(run.stderr).toContain(reason)
    expect(run.stderr).toContain('Nothing was dropped.')
    expect(made.moved).toEqual([])
  })

  it.each([
    ['found damaged', { isOffline: true, isDamaged: true }, 'serves nothing before the next start of node 2, which repairs it by itself'],
    ['failed', { isOffline: true, reason: 'EIO' }, 'the replica is offline: EIO'],
  ])('leaves a replica alone that %s in this life of its node', async (_, condition, reason) => {
    const made = cluster(condition)
    made.isr.set('orders-0', [1, 3])
    expect(await refetch(made, '--yes')).toMatchObject({ code: 1, stderr: expect.stringContaining(reason) })
    expect(made.moved).toEqual([])
  })

  it('refuses all where one is refused, and what is not there', async () => {
    const made = cluster()
    made.isr.set('orders-1', [1, 2])
    const run = await refetch(made, 'orders:1', 'orders:9', '--yes')
    expect(run.code).toBe(1)
    expect(run.stdout).toMatch(/\norders +0 .* allowed\norders +1 .* failed\norders +9 .* failed\n$/)
    expect(run.stderr).toContain('orders-9: topic orders has no partition 9')
    expect(made.moved).toEqual([])
    expect(await oxbow(['replica', 'refetch', 'orders:0', '--node', '7', '--yes'], { cluster: cluster() })).toMatchObject({
      stderr: expect.stringContaining('node 7 has no replica of it'),
    })
    expect(await oxbow(['replica', 'refetch', 'orders', '--node', '2'], { cluster: made })).toMatchObject({ code: 2 })
    expect(await oxbow(['replica', 'refetch', 'orders:0'], { cluster: made })).toMatchObject({ code: 2 })
  })

  it('takes it back where the controller waits for the others, who went out of sync just then', async () => {
    const made = cluster()
    made.moveLooks = 99
    const run = await refetch(made, '--yes')
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('one of the others went out of sync just now: nothing was dropped') })
    expect(made.moved.map(({ partitions }) => partitions[0]?.replicas)).toEqual([[1, 3], null])
  })

  it('says what is left to do where it is cut off half way', async () => {
    const made = cluster()
    const push = made.moved.push.bind(made.moved)
    made.moved.push = (...moves) => {
      if (made.moved.length > 0) made.refused.add('orders-0')
      return push(...moves)
    }
    const next = 'the copy was dropped, and is not fetched again yet: INVALID_REPLICA_ASSIGNMENT: said the fake (oxbow partition move orders:0=1,2,3)'
    expect(await refetch(made, '--yes')).toMatchObject({ code: 1, stderr: expect.stringContaining(next) })
  })
})
