import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'
import { unreadReplica, wellReplica, workingFolder } from './sample-folders.ts'

const ORDERS = { ...wellReplica, topic: 'orders', partition: 1 }
const LOST = { ...unreadReplica, topic: 'logs', partition: 0 }

function cluster(): CliCluster {
  const made = new CliCluster()
  made.brokers = made.brokers.map((broker) => ({ ...broker, state: 'running' }))
  made.folders.set(1, [{ ...workingFolder, partitions: [ORDERS] }])
  return made
}

describe('log-dirs', () => {
  it('shows the folders of every broker, and how much room there is', async () => {
    const run = await oxbow(['log-dirs'], { cluster: cluster() })
    expect(run).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'NodeId  Folder  State    Total   Usable  Partitions     Held\n',
        '     1  /data   ok     4.0 GiB  3.0 GiB           1  1.5 KiB\n',
        '     2  /data   ok     4.0 GiB  3.0 GiB           0      0 B\n',
      ].join(''),
    })
    const json = await oxbow(['log-dirs', '--node', '1', '-o', 'json'], { cluster: cluster() })
    expect(JSON.parse(json.stdout)).toEqual([{ nodeId: 1, folders: [{ ...workingFolder, partitions: [ORDERS] }] }])
  })

  it('--partitions: a line each, what is not known as such', async () => {
    const made = cluster()
    made.folders.set(2, [{ ...workingFolder, path: '/disk2', error: 'EIO', totalBytes: -1, usableBytes: -1, partitions: [LOST] }])
    const run = await oxbow(['log-dirs', '--partitions'], { cluster: made })
    expect(run).toEqual({
      code: 1,
      stderr: 'warning: node 2: /disk2 failed: EIO\n',
      stdout: [
        'NodeId  Folder  Topic   Partition  State       Size  LogStartOffset  LogEndOffset\n',
        '     1  /data   orders          1  ok       1.5 KiB               5            42\n',
        '     2  /disk2  logs            0  offline        -               -             -\n',
      ].join(''),
    })
    expect((await oxbow(['log-dirs', '--node', '2'], { cluster: made })).stdout).toMatch(/2 {2}\/disk2 {2}failed +- +- +1 +0 B\n$/)
  })

  it('says which broker did not say, and exits 1', async () => {
    const made = cluster()
    made.brokers = made.brokers.map((broker) => (broker.nodeId === 2 ? { ...broker, state: 'offline' } : broker))
    const run = await oxbow(['log-dirs', '-o', 'json'], { cluster: made })
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('warning: node 2: it is offline\n')
    expect(JSON.parse(run.stdout)).toMatchObject([{ nodeId: 1 }, { nodeId: 2, folders: [], error: 'it is offline' }])
  })

  it('refuses a broker that there is not', async () => {
    const run = await oxbow(['log-dirs', '--node', '9'], { cluster: cluster() })
    expect([run.code, run.stderr]).toEqual([2, 'error: USAGE: the cluster has no broker 9 (one of 1, 2)\n'])
  })
})
