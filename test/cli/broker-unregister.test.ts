import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'

describe('broker unregister', () => {
  it('takes the broker off, and cluster describe shows it no more', async () => {
    const cluster = new CliCluster()
    const run = await oxbow(['broker', 'unregister', '2'], { cluster })
    expect(run).toEqual({ code: 0, stderr: '', stdout: 'Unregistered broker 2. A process started under that id again joins as a new broker.\n' })
    expect((await oxbow(['cluster', 'describe'], { cluster })).stdout).not.toMatch(/^ +2 /m)
  })

  it('--dry-run asks whether it may, and changes nothing', async () => {
    const cluster = new CliCluster()
    const run = await oxbow(['broker', 'unregister', '2', '--dry-run', '-o', 'json'], { cluster })
    expect([run.code, JSON.parse(run.stdout)]).toEqual([0, { nodeId: 2, unregistered: false, dryRun: true }])
    expect(cluster.unregistered).toEqual([{ nodeId: 2, validateOnly: true, timeoutMs: expect.any(Number) }])
    expect(cluster.brokers.map(({ nodeId }) => nodeId)).toEqual([1, 2])
  })

  it('a refusal says what comes first', async () => {
    const run = await oxbow(['broker', 'unregister', '1'])
    expect([run.code, run.stderr]).toEqual([1, 'error: BROKER_IN_USE: broker 1 is running: stop its process first\n'])
    const json = await oxbow(['broker', 'unregister', '1', '-o', 'json'])
    expect(json.stderr).toContain('"code":"BROKER_IN_USE"')
  })

  it.each([[[]], [['x']], [['-1']]])('refuses %j', async (args) => {
    const cluster = new CliCluster()
    expect([(await oxbow(['broker', 'unregister', ...args], { cluster })).code, cluster.unregistered]).toEqual([2, []])
  })
})
