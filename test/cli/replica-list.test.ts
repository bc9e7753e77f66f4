import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'
import { unreadReplica, wellReplica, workingFolder } from './sample-folders.ts'

const SINCE = Date.UTC(2026, 10, 29, 12)

/** Topic `orders` with seven partitions on nodes 1 to 3, of which 3 is offline; in each something else is wrong. */
function cluster(): CliCluster {
  const made = new CliCluster()
  const [broker] = made.brokers as [(typeof made.brokers)[number]]
  made.brokers = [1, 2, 3].map((nodeId) => ({ ...broker, nodeId, host: `n${nodeId}`, state: nodeId === 3 ? 'offline' : 'running' }))
  made.fake.addTopic('orders', 7)
  const hurt = { ...wellReplica, topic: 'orders', sinceTimestamp: SINCE }
  made.folders.set(2, [
    {
      ...workingFolder,
      partitions: [
        { ...hurt, partition: 0, isSuspect: true, reason: 'its node did not stop in good order' },
        { ...hurt, partition: 1, isSuspect: true, isDamaged: true, reason: 'a hole' },
        { ...hurt, partition: 2, isSuspect: true, isDamaged: true, isOffline: true, reason: 'a batch is bad' },
        { ...hurt, partition: 4, isSuspect: true, reason: 'its log is new here' },
        // A copy on its way to another folder says nothing of the replica.
        { ...wellReplica, topic: 'orders', partition: 2, sizeBytes: 1, isFuture: true },
      ],
    },
    { ...workingFolder, path: '/disk2', error: 'EIO', partitions: [{ ...unreadReplica, topic: 'orders', partition: 3 }] },
  ])
  for (const partition of [0, 1, 2, 3, 5]) made.isr.set(`orders-${partition}`, [1, 3])
  return made
}

async function states(made: CliCluster, ...args: readonly string[]): Promise<string[]> {
  const run = await oxbow(['replica', 'list', '-o', 'json', ...args], { cluster: made })
  expect(run.code).toBe(0)
  return (JSON.parse(run.stdout) as { topic: string; partition: number; nodeId: number; state: string }[]).map(
    ({ topic, partition, nodeId, state }) => `${topic}-${partition}/${nodeId} ${state}`,
  )
}

describe('replica list', () => {
  it('tells what is wrong with each replica, by what its own node says and by the metadata', async () => {
    expect(await states(cluster(), '--node', '2')).toEqual([
      'orders-0/2 suspect',
      'orders-1/2 damaged',
      'orders-2/2 quarantined',
      'orders-3/2 offline',
      // In sync: whatever it was when it was made, it is trusted.
      'orders-4/2 ok',
      'orders-5/2 behind',
      'orders-6/2 ok',
    ])
    expect(await states(cluster(), '--unhealthy', '--node', '1')).toEqual([])
    expect((await states(cluster(), '--unhealthy')).filter((one) => one.includes('/3 '))).toHaveLength(7)
    const made = cluster()
    made.moving.set('orders-5', { to: [1, 2, 4], looks: 9 })
    made.fake.dead.add(2)
    expect((await states(made, '--timeout', '200')).filter((one) => one.startsWith('orders-5'))).toEqual([
      'orders-5/1 ok',
      'orders-5/2 unknown',
      'orders-5/3 brokerOffline',
      'orders-5/4 brokerOffline',
    ])
  })

  it('says since when, why, what happens by itself and what to do', async () => {
    const run = await oxbow(['replica', 'list', 'orders', '--unhealthy', '--node', '2'], { cluster: cluster() })
    expect(run.code).toBe(0)
    const [heading, first, , third] = run.stdout.split('\n')
    expect(heading).toMatch(/^Topic +Partition +NodeId +State +InSync +Since +Reason$/)
    expect(first).toMatch(/^orders +0 +2 +suspect +no +2026-11-29T12:00:00\.000Z +its node did not stop in good order$/)
    expect(third).toMatch(/^orders +2 +2 +quarantined +no +2026-11-29T12:00:00\.000Z +a batch is bad$/)
    expect(run.stdout).toMatch(
      /\nquarantined: nothing before its node starts again: .*\n {2}Next: look after its disk, and restart its node, or move the partition to another broker\.\n/,
    )
    const json = await oxbow(['replica', 'list', '--node', '2', '-o', 'json'], { cluster: cluster() })
    expect(JSON.parse(json.stdout)[1]).toEqual({
      topic: 'orders',
      partition: 1,
      nodeId: 2,
      isLeader: true,
      isInSync: false,
      since: SINCE,
      reason: 'a hole',
      state: 'damaged',
      byItself: expect.stringContaining('fetched from the leader'),
      next: expect.stringContaining('nothing'),
    })
  })

  it('says that nothing is wrong, or that there is nothing', async () => {
    const made = new CliCluster()
    expect(await oxbow(['replica', 'list'], { cluster: made })).toEqual({ code: 0, stdout: '', stderr: 'There are no replicas.\n' })
    expect(await oxbow(['replica', 'list', '--unhealthy'], { cluster: made })).toMatchObject({ code: 0, stderr: 'Nothing is wrong with any replica.\n' })
    expect(await oxbow(['replica', 'list', 'order'], { cluster: cluster() })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('did you mean orders?'),
    })
  })
})
