import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'

describe('broker drain', () => {
  it('marks the broker, and ends with 1 while it still leads something', async () => {
    const cluster = new CliCluster()
    const run = await oxbow(['broker', 'drain', '1', '-o', 'json'], { cluster })
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/^Broker 1 is in maintenance, but still leads 1 partition that no other replica in sync can lead now\. Next: /)
    expect(JSON.parse(run.stdout)).toMatchObject({ nodeId: 1, state: 'running', maintenance: true, leaders: 1 })
    expect(cluster.marked).toEqual([{ nodeId: 1, maintenance: true }])
  })

  it('--wait asks until it leads nothing; cluster describe shows the mark', async () => {
    const cluster = new CliCluster()
    const run = await oxbow(['broker', 'drain', '1', '--wait'], { cluster })
    expect(run).toMatchObject({ code: 0, stderr: 'Broker 1 is in maintenance: it leads nothing, and may be stopped.\n' })
    expect(run.stdout).toMatch(/^NodeId +State .*\n +1 +running \(maintenance\) .* 0 +6\n$/)
    expect((await oxbow(['cluster', 'describe'], { cluster })).stdout).toMatch(/\n +1 +running \(maintenance\) /)
  })

  it('--cancel takes the mark off', async () => {
    const cluster = new CliCluster()
    const run = await oxbow(['broker', 'drain', '1', '--cancel'], { cluster })
    expect([run.code, cluster.marked]).toEqual([0, [{ nodeId: 1, maintenance: false }]])
    expect(run.stderr).toContain('oxbow partition elect --all')
    expect(run.stdout).not.toContain('maintenance')
  })

  it('a broker that nobody knows is told at once', async () => {
    const run = await oxbow(['broker', 'drain', '9'])
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(/^error: BROKER_ID_NOT_REGISTERED: broker 9 is not registered/)])
  })

  it.each([[[]], [['x']], [['1', '--cancel', '--wait']]])('refuses %j', async (args) => {
    const cluster = new CliCluster()
    expect([(await oxbow(['broker', 'drain', ...args], { cluster })).code, cluster.marked]).toEqual([2, []])
  })
})
