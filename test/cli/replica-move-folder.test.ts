import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'
import { wellReplica } from './sample-folders.ts'

const ORDERS = { ...wellReplica, topic: 'orders', partition: 1 }

/** Node 1 holds orders-1 in /a, and has the folder /b too. */
function cluster(): CliCluster {
  const made = new CliCluster()
  made.fake.addTopic('orders', 2)
  const folder = { error: null, totalBytes: 1000, usableBytes: 500 }
  made.folders.set(1, [
    { ...folder, path: '/a', partitions: [ORDERS] },
    { ...folder, path: '/b', partitions: [] },
  ])
  return made
}

const TO_B = ['replica', 'move-folder', 'orders:1', '--node', '1', '--to', '/b']

describe('replica move-folder', () => {
  it('begins a move, under a limit', async () => {
    const made = cluster()
    const run = await oxbow([...TO_B, '--throttle', '20M'], { cluster: made })
    expect(run).toEqual({ code: 0, stderr: '', stdout: 'Topic   Partition  NodeId  Folder  To  Outcome\norders          1       1  /a      /b  moving\n' })
    expect(made.folderMoves.requests).toMatchObject([{ partitions: [{ partition: 1 }], path: '/b', bytesPerSecond: 20 * 1024 * 1024, validateOnly: false }])
    const dirs = await oxbow(['log-dirs', '--node', '1', '--partitions'], { cluster: cluster() })
    expect(dirs.stdout).toMatch(/\/a +orders +1 +ok /)
  })

  it('log-dirs shows the copy on its way', async () => {
    const made = cluster()
    made.folderMoves.looks = 9
    await oxbow(TO_B, { cluster: made })
    const dirs = await oxbow(['log-dirs', '--node', '1', '--partitions'], { cluster: made })
    expect(dirs.stdout).toMatch(/\/a +orders +1 +ok +1\.5 KiB .*\n +1 +\/b +orders +1 +moving here +12 B /)
    expect((await oxbow(['log-dirs', '--node', '1'], { cluster: made })).stdout).toMatch(/\/b +ok .* 0 +12 B\n/)
  })

  it('--wait ends when it is there', async () => {
    const run = await oxbow([...TO_B, '--wait', '-o', 'json'], { cluster: cluster() })
    expect([run.code, JSON.parse(run.stdout)]).toEqual([0, [{ topic: 'orders', partition: 1, nodeId: 1, folder: '/b', to: '/b', outcome: 'done' }]])
  })

  it('--wait ends with 1 and the reason when it has ended without success', async () => {
    const made = cluster()
    made.folderMoves.error = 'there is too little room left on /b'
    const run = await oxbow([...TO_B, '--wait'], { cluster: made })
    expect([run.code, run.stderr]).toEqual([1, 'error: KAFKA_STORAGE_ERROR: orders-1: there is too little room left on /b\n'])
    expect(run.stdout).toMatch(/\/a +\/b +failed\n$/)
  })

  it('--dry-run checks only; --cancel leaves it where it is', async () => {
    const made = cluster()
    const dry = await oxbow([...TO_B, '--dry-run'], { cluster: made })
    expect([dry.code, dry.stderr, dry.stdout]).toEqual([0, 'Nothing was moved.\n', expect.stringMatching(/ allowed\n$/)])
    const cancel = await oxbow(['replica', 'move-folder', 'orders:1', '--node', '1', '--cancel', '-o', 'json'], { cluster: made })
    expect(JSON.parse(cancel.stdout)).toMatchObject([{ folder: '/a', to: null, outcome: 'cancelled' }])
    expect(made.folderMoves.requests).toMatchObject([
      { path: '/b', validateOnly: true },
      { path: null, validateOnly: false },
    ])
  })

  it('says what the node said', async () => {
    const run = await oxbow(['replica', 'move-folder', 'orders:1', '--node', '1', '--to', '/c'], { cluster: cluster() })
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(/^error: LOG_DIR_NOT_FOUND: orders-1: /)])
    const unknown = await oxbow(['replica', 'move-folder', 'order:1', '--node', '1', '--to', '/b'], { cluster: cluster() })
    expect(unknown.stderr).toMatch(/^error: UNKNOWN_TOPIC_OR_PARTITION: .*orders/)
  })

  it.each([
    [[]],
    [['orders:1', '--to', '/b']],
    [['orders:1', '--node', '1']],
    [['orders', '--node', '1', '--to', '/b']],
    [['orders:1', '--node', '1', '--to', '/b', '--cancel']],
    [['orders:1', '--node', '1', '--cancel', '--wait']],
    [['orders:1', '--node', '1', '--to', '/b', '--throttle', 'fast']],
  ])('refuses %j', async (args) => {
    const made = cluster()
    expect([(await oxbow(['replica', 'move-folder', ...args], { cluster: made })).code, made.folderMoves.requests]).toEqual([2, []])
  })
})
