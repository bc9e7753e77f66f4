import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'

/** Topic orders with two partitions on brokers 1, 2, 3 of four. */
function cluster(): CliCluster {
  const made = new CliCluster()
  made.fake.addTopic('orders', 2)
  const [first] = made.brokers
  made.brokers = [1, 2, 3, 4].map((nodeId) => ({ ...first!, nodeId, state: 'running' as const, leaders: 0, replicas: nodeId === 4 ? 0 : 2 }))
  return made
}

describe('broker decommission', () => {
  it('--dry-run shows where its partitions would go, and changes nothing', async () => {
    const made = cluster()
    const run = await oxbow(['broker', 'decommission', '2', '--dry-run'], { cluster: made })
    expect(run).toEqual({
      code: 0,
      stderr: 'Nothing was moved.\n',
      stdout: 'Topic   Partition  Replicas  Outcome\norders          0  1,4,3     planned\norders          1  1,4,3     planned\n',
    })
    expect([made.marked, made.moved]).toEqual([[], []])
  })

  it('marks the broker, then moves all of its partitions under the limit', async () => {
    const made = cluster()
    const run = await oxbow(['broker', 'decommission', '2', '--yes', '--throttle', '20M', '-o', 'json'], { cluster: made })
    expect([run.code, made.marked]).toEqual([0, [{ nodeId: 2, maintenance: true }]])
    expect(made.moved).toMatchObject([{ bytesPerSecond: 20 * 1024 * 1024, partitions: [{ replicas: [1, 4, 3] }, { replicas: [1, 4, 3] }] }])
    const moves = [0, 1].map((partition) => ({ topic: 'orders', partition, replicas: [1, 4, 3], outcome: 'moving' }))
    expect(JSON.parse(run.stdout)).toEqual({ nodeId: 2, replicas: 2, moves })
  })

  it('--wait ends when it holds nothing', async () => {
    const made = cluster()
    made.brokers = made.brokers.map((broker) => ({ ...broker, replicas: 0 }))
    const run = await oxbow(['broker', 'decommission', '2', '--yes', '--wait'], { cluster: made })
    expect([run.code, run.stderr]).toEqual([
      0,
      'Broker 2 holds nothing any more. Next: oxbow quorum remove-voter 2, then stop it, then oxbow broker unregister 2.\n',
    ])
  })

  it('changes nothing where a partition has nowhere to go', async () => {
    const made = cluster()
    made.brokers = made.brokers.filter(({ nodeId }) => nodeId !== 4)
    const run = await oxbow(['broker', 'decommission', '2', '--yes'], { cluster: made })
    expect([run.code, run.stderr]).toEqual([1, 'Nothing was moved: 2 of 2 have nowhere to go. Start more brokers first.\n'])
    expect([made.marked, made.moved]).toEqual([[], []])
  })

  it('without --wait says how much is left, and what comes then', async () => {
    const made = cluster()
    made.voters = [1, 3]
    const run = await oxbow(['broker', 'decommission', '2', '--yes'], { cluster: made })
    expect([run.code, run.stderr]).toEqual([0, 'Broker 2 still holds 2 replicas. Once it holds none: stop it, then oxbow broker unregister 2.\n'])
  })

  it('names what has lost its place between the first look and the mark', async () => {
    const made = cluster()
    made.onMark = () => {
      made.brokers = made.brokers.filter(({ nodeId }) => nodeId !== 4)
    }
    const run = await oxbow(['broker', 'decommission', '2', '--yes', '--wait'], { cluster: made })
    expect([run.code, run.stderr, made.moved]).toEqual([1, expect.stringMatching(/^Nowhere to go for orders-0, orders-1: start more brokers/), []])
    expect(run.stdout).toMatch(/\norders +1 +- +no room\n$/)
  })

  it('--cancel takes back what is under way, then the mark', async () => {
    const made = cluster()
    made.moving.set('orders-1', { to: [1, 4, 3], looks: 9 })
    const run = await oxbow(['broker', 'decommission', '2', '--cancel', '-o', 'json'], { cluster: made })
    expect([run.code, made.marked]).toEqual([0, [{ nodeId: 2, maintenance: false }]])
    expect(JSON.parse(run.stdout)).toMatchObject({ moves: [{ topic: 'orders', partition: 1, replicas: null, outcome: 'back' }] })
    expect(run.stderr).toMatch(
      /^Broker 2 is in maintenance no more; 1 move taken back\. What had arrived at other brokers before stays there; oxbow partition move /,
    )
  })

  it('ends with 1 and the reason of each move that is refused', async () => {
    const made = cluster()
    made.refused.add('orders-0')
    const run = await oxbow(['broker', 'decommission', '2', '--yes', '--wait'], { cluster: made })
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(/^error: INVALID_REPLICA_ASSIGNMENT: orders-0: said the fake/)])
  })

  it.each([[['2']], [['2', '--cancel', '--wait']], [['2', '--yes', '--throttle', 'fast']], [[]]])('refuses %j without a change', async (args) => {
    const made = cluster()
    expect([(await oxbow(['broker', 'decommission', ...args], { cluster: made })).code, made.marked, made.moved]).toEqual([2, [], []])
  })
})
