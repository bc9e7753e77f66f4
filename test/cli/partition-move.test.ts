import { describe, expect, it } from 'vitest'
import { parseByteRate } from '../../src/cli/byte-rate.ts'
import { CliCluster, oxbow } from './harness.ts'

function cluster(): CliCluster {
  const made = new CliCluster()
  made.fake.addTopic('orders', 2)
  return made
}

describe('partition move', () => {
  it('asks for all of them at once, under the limit, and shows them on their way', async () => {
    const made = cluster()
    const run = await oxbow(['partition', 'move', 'orders:0=2,3,4', 'orders:1=1,2,3', '--throttle', '20M', '-o', 'json'], { cluster: made })
    expect([run.code, run.stderr]).toEqual([0, ''])
    expect(JSON.parse(run.stdout)).toEqual([
      { topic: 'orders', partition: 0, replicas: [1, 2, 3, 4], addingReplicas: [4], removingReplicas: [1], outcome: 'moving' },
      { topic: 'orders', partition: 1, replicas: [1, 2, 3], addingReplicas: [], removingReplicas: [], outcome: 'done' },
    ])
    expect(made.moved).toMatchObject([
      { bytesPerSecond: 20 * 1024 * 1024, validateOnly: false, partitions: [{ replicas: [2, 3, 4] }, { replicas: [1, 2, 3] }] },
    ])
  })

  it('--wait looks until they are there', async () => {
    const run = await oxbow(['partition', 'move', 'orders:0=2,3,4', '--wait'], { cluster: cluster() })
    expect(run).toEqual({
      code: 0,
      stderr: '',
      stdout: 'Topic   Partition  Replicas  Adding  Removing  Outcome\norders          0  2,3,4     -       -         done\n',
    })
  })

  it('--wait takes as long as the move: --timeout is for each question', async () => {
    const run = await oxbow(['partition', 'move', 'orders:0=2,3,4', '--wait', '--timeout', '400'], { cluster: cluster() })
    expect([run.code, run.stderr]).toEqual([0, ''])
  })

  it('--list shows what is under way, topic describe who comes and who goes', async () => {
    const made = cluster()
    const none = await oxbow(['partition', 'move', '--list'], { cluster: made })
    expect(none).toEqual({ code: 0, stdout: '', stderr: 'No partition is being moved.\n' })
    made.moving.set('orders-1', { to: [4, 2, 3], looks: 9 })
    const listed = await oxbow(['partition', 'move', '--list', '-o', 'json'], { cluster: made })
    expect(JSON.parse(listed.stdout)).toEqual([{ topic: 'orders', partition: 1, replicas: [1, 2, 3, 4], addingReplicas: [4], removingReplicas: [1] }])
    const described = await oxbow(['topic', 'describe', 'orders'], { cluster: made })
    expect(described.stdout).toMatch(/Replicas +Isr +Elr +Adding +Removing\n/)
    expect(described.stdout).toMatch(/1,2,3,4 +1,2,3 +- +4 +1\n$/)
  })

  it('--cancel takes them back, --dry-run moves nothing', async () => {
    const made = cluster()
    made.moving.set('orders-1', { to: [4, 2, 3], looks: 9 })
    const back = await oxbow(['partition', 'move', 'orders:1', '--cancel', '-o', 'json'], { cluster: made })
    expect(JSON.parse(back.stdout)).toMatchObject([{ replicas: [1, 2, 3], outcome: 'done' }])
    const dry = await oxbow(['partition', 'move', 'orders:1=4,2,3', '--dry-run', '-o', 'json'], { cluster: made })
    expect([dry.stderr, JSON.parse(dry.stdout)]).toMatchObject(['Nothing was moved.\n', [{ replicas: [1, 2, 3], outcome: 'allowed' }]])
  })

  it('ends with 1 and the reason of each that is refused; the others go on', async () => {
    const made = cluster()
    made.refused.add('orders-0')
    const run = await oxbow(['partition', 'move', 'orders:0=9,8,7', 'orders:1=2,3,4'], { cluster: made })
    expect(run.code).toBe(1)
    expect(run.stdout).toMatch(/orders +0 .* failed\norders +1 .* moving\n$/)
    expect(run.stderr).toMatch(/^error: INVALID_REPLICA_ASSIGNMENT: orders-0: said the fake/)
  })

  it('a misspelt topic is told what was meant', async () => {
    const run = await oxbow(['partition', 'move', 'order:0=1,2'], { cluster: cluster() })
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('did you mean orders?')])
  })

  it.each([
    [[]],
    [['orders:0']],
    [['orders=1,2']],
    [['orders:0=1,x']],
    [['orders:0=1', '--cancel']],
    [['orders:0=1', '--list']],
    [['orders:0=1', '--throttle', 'fast']],
    [['orders:0=1', '--throttle', '1000']],
  ])('refuses %j', async (args) => {
    const made = cluster()
    expect((await oxbow(['partition', 'move', ...args], { cluster: made })).code).toBe(2)
    expect(made.moved).toEqual([])
  })

  it.each([
    ['1024', 1024],
    ['512K', 524_288],
    ['20M', 20_971_520],
    ['20MiB/s', 20_971_520],
    ['1.5g', 1_610_612_736],
  ])('%s is %d bytes a second', (text, rate) => {
    expect(parseByteRate(text)).toBe(rate)
  })
})
