import { describe, expect, it } from 'vitest'
import { type ClusterLook, healthReasons } from '../../src/cli/health-reasons.ts'
import { CliCluster, oxbow } from './harness.ts'
import { unreadReplica, workingFolder } from './sample-folders.ts'

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

function healthy(): CliCluster {
  const made = new CliCluster()
  made.fake.addTopic('orders', 3)
  made.brokers = made.brokers.map((broker) => ({ ...broker, state: 'running' }))
  return made
}

async function reasonsOf(cluster: CliCluster): Promise<string[]> {
  const run = await oxbow(['cluster', 'health', '-o', 'json'], { cluster })
  const { healthy: isHealthy, reasons } = JSON.parse(run.stdout) as { healthy: boolean; reasons: string[] }
  expect(isHealthy).toBe(reasons.length === 0)
  expect(run.code).toBe(isHealthy ? 0 : 1)
  return reasons
}

describe('cluster health', () => {
  it('is 0 and says so when all is well', async () => {
    const made = healthy()
    expect(await oxbow(['cluster', 'health'], { cluster: made })).toEqual({ code: 0, stdout: 'The cluster is healthy.\n', stderr: '' })
    expect(await reasonsOf(made)).toEqual([])
  })

  it('names brokers that are not running, and the line that starts one', async () => {
    const made = new CliCluster()
    expect(await reasonsOf(made)).toEqual(['Broker 2 (10.0.0.2:9192) is offline: start node 2 again: oxbow server --config FILE --node 2.'])
    made.brokers = made.brokers.map((broker) => ({ ...broker, replicas: 0 }))
    expect(await reasonsOf(made)).toEqual([expect.stringMatching(/ It holds no replica; if it is gone for good: oxbow broker unregister 2\.$/)])
    made.brokers = made.brokers.map((broker) => ({ ...broker, state: broker.nodeId === 1 ? 'fenced' : 'draining' }))
    const [fenced, draining] = await reasonsOf(made)
    expect(fenced).toMatch(/^Broker 1 \(10\.0\.0\.1:9192\) is fenced: it is up, but has not caught up/)
    expect(draining).toMatch(/^Broker 2 \(10\.0\.0\.2:9192\) is draining/)
  })

  it('names voters that are not heard, and how many more may be lost', async () => {
    const made = healthy()
    made.silentMs = { 2: 12_000, 3: 12_000 }
    expect(await reasonsOf(made)).toEqual([
      'Voter 2 is not heard by the active controller; 1 of 2 are left, and if one more is lost, nothing can change any more. Next: start node 2 again: oxbow server --config FILE --node 2.',
    ])
    made.silentMs = { 2: 3_000 }
    expect(await reasonsOf(made)).toEqual([])
  })

  it('says who cannot be reached when no controller is active', async () => {
    const made = healthy()
    made.controllerId = -1
    made.closedHosts.add('10.0.0.2')
    const [reason, ...rest] = await reasonsOf(made)
    expect(reason).toMatch(/^No controller is active: a majority of the voters must be up .* Node 2 cannot be reached\. Next: start node 2 again/)
    expect(rest).toEqual([])
    made.closedHosts.clear()
    expect((await reasonsOf(made))[0]).toMatch(/Next: every known broker still listens, so look at their logs/)
  })

  it('names partitions without a leader, below their minimum, and behind, each once', async () => {
    const made = healthy()
    made.fake.moveLeader('orders', 0, -1)
    made.isr.set('orders-0', [])
    made.isr.set('orders-1', [2])
    made.isr.set('orders-2', [1, 3])
    expect(await reasonsOf(made)).toEqual([
      'One partition has no leader, so that nothing is written or read there: orders-0. Next: bring back the brokers of their replicas (brokers 1, 2 and 3). If those are gone for good: oxbow partition elect --all --unclean --dry-run says what a leader would cost.',
      'One partition has fewer in-sync replicas than min.insync.replicas, so that acks=all is refused: orders-1. Next: bring back brokers 1 and 3.',
      'One partition has a replica that is not in sync: orders-2. Missing: broker 2; each comes back in sync by itself once it is up and has caught up.',
    ])
  })

  it('tells replicas whose folder failed, which stay away, from those that come back by themselves', async () => {
    const made = healthy()
    made.isr.set('orders-0', [2, 3])
    made.isr.set('orders-1', [2, 3])
    made.isr.set('orders-2', [1, 3])
    const offline = (partition: number) => ({ ...unreadReplica, topic: 'orders', partition })
    made.folders.set(1, [workingFolder, { ...workingFolder, path: '/disk2', error: 'EIO', partitions: [offline(0), offline(1)] }])
    made.folders.set(2, [{ ...workingFolder, partitions: [offline(2), { ...offline(1), isDamaged: true }] }])
    expect(await reasonsOf(made)).toEqual([
      'Broker 1: its data folder /disk2 failed (EIO): its 2 replicas are offline, the others serve. Next: mend that disk, or put an empty folder there, then restart node 1; what is missing comes from the other replicas.',
      'Broker 2: the logs of orders-2 in /data failed and are offline. Next: oxbow replica list --unhealthy says why; then restart node 2.',
      'Broker 2: the logs of orders-1 in /data are damaged, and serve nothing before its next start. Next: oxbow replica list --unhealthy says why; then restart node 2, which repairs them.',
    ])
    made.folders.delete(2)
    expect((await reasonsOf(made)).at(-1)).toBe(
      'One partition has a replica that is not in sync: orders-2. Missing: broker 2; each comes back in sync by itself once it is up and has caught up.',
    )
  })

  it('names five partitions and counts the rest', () => {
    const partitions = Array.from({ length: 8 }, (_, partition) => ({
      partition,
      leader: 1,
      leaderEpoch: 1,
      replicas: [1, 2],
      isr: [1],
      elr: [],
      addingReplicas: [],
      removingReplicas: [],
    }))
    const look: ClusterLook = {
      cluster: { clusterId: null, controllerId: 1, brokers: [] },
      quorum: {
        status: {
          clusterId: null,
          leaderId: 1,
          leaderEpoch: 1,
          highWatermark: 1,
          maxFollowerLag: 0,
          maxFollowerLagTimeMs: 0,
          voters: [1],
          observers: [],
          snapshotEndOffset: 0,
          snapshotTimestamp: -1,
          logStartOffset: 0,
        },
        replicas: [{ nodeId: 1, directoryId: null, logEndOffset: 1, lag: 0, lastFetchTimestamp: 5, lastCaughtUpTimestamp: 5, status: 'Leader' }],
      },
      unreachable: [],
      folders: [],
      topics: [{ name: 't', topicId: '', configs: new Map(), partitions }],
      minIsr: new Map([['t', 1]]),
    }
    expect(healthReasons(look)).toEqual([
      expect.stringContaining('8 partitions have a replica that is not in sync: t-0, t-1, t-2, t-3, t-4 and 3 more. Missing: broker 2;'),
    ])
    expect(healthReasons({ ...look, quorum: undefined, topics: [] })).toEqual([
      'The active controller, node 1, does not answer: see its log, and oxbow quorum status.',
    ])
  })

  it('that nobody answers is 3', async () => {
    const made = healthy()
    for (const nodeId of made.fake.nodeIds) made.fake.dead.add(nodeId)
    expect(await oxbow(['cluster', 'health', '--timeout', '300'], { cluster: made })).toMatchObject({ code: 3, stdout: '' })
  })
})

describe('quorum watch', () => {
  it('says a line a change where no terminal is', async () => {
    const made = healthy()
    const run = await oxbow(['quorum', 'watch', '--count', '3', '--interval', '10'], { cluster: made })
    expect(run.code).toBe(0)
    expect(run.stdout).toMatch(/^\d{4}-.*Z leader 1, epoch 4, voters 1,2, observers 3\n$/)
  })

  it('writes over its picture on a terminal', async () => {
    const run = await oxbow(['quorum', 'watch', '--count', '2', '--interval', '10'], { cluster: healthy(), stdoutIsTerminal: true, env: { NO_COLOR: '1' } })
    const pictures = run.stdout.split('\u001b[H\u001b[J')
    expect(pictures[0]).toBe('\u001b[2J')
    expect(pictures).toHaveLength(3)
    expect(pictures[2]).toBe(pictures[1])
    expect(pictures[1]).toMatch(/^ClusterId: .*\n(?:.*\n)*\nNodeId +DirectoryId/)
  })

  it('goes on when nobody answers, tells it once, and ends as interrupted', async () => {
    const made = healthy()
    for (const nodeId of made.fake.nodeIds) made.fake.dead.add(nodeId)
    const seen = { stdout: '', stderr: '' }
    let interrupt: () => void = () => {}
    const running = oxbow(['quorum', 'watch', '--interval', '10', '--timeout', '100'], {
      cluster: made,
      onOutput: (stream, text) => {
        seen[stream] += text
      },
      interruptible: (handler) => {
        interrupt = handler
      },
    })
    await until(() => seen.stderr.includes('error: NETWORK_EXCEPTION'))
    const asked = made.quorumAsked
    // More than one look asks so often.
    await until(() => made.quorumAsked > asked + 30)
    made.fake.dead.clear()
    await until(() => seen.stdout.includes(' leader 1, epoch 4,'))
    interrupt()
    const run = await running
    expect(run.code).toBe(130)
    expect(run.stderr.match(/error: NETWORK_EXCEPTION/g)).toHaveLength(1)
  })

  it('that ends while nobody answers is 3', async () => {
    const made = healthy()
    for (const nodeId of made.fake.nodeIds) made.fake.dead.add(nodeId)
    expect((await oxbow(['quorum', 'watch', '--count', '1', '--timeout', '100'], { cluster: made })).code).toBe(3)
  })
})
