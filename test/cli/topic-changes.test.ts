import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'

function cluster(): CliCluster {
  const made = new CliCluster()
  for (const name of ['orders', 'orders-eu', 'logs']) made.fake.addTopic(name, 2)
  return made
}

describe('topic alter', () => {
  it('asks for all of it in one request, and shows the topic then', async () => {
    const made = cluster()
    const args = [
      '--partitions',
      '3',
      '--assignment',
      '2:3:1',
      '--config',
      'retention.ms=5',
      '--config',
      'segment.bytes=65536',
      '--delete-config',
      'max.message.bytes',
    ]
    const run = await oxbow(['topic', 'alter', 'orders', ...args], { cluster: made })
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toContain('PartitionCount:    3\n')
    expect(run.stdout).toContain('Configs:           retention.ms=5,segment.bytes=65536\n')
    expect(made.altered).toMatchObject([
      {
        partitions: 3,
        assignment: [[2, 3, 1]],
        set: new Map([
          ['retention.ms', '5'],
          ['segment.bytes', '65536'],
        ]),
        delete: ['max.message.bytes'],
        validateOnly: false,
      },
    ])
  })

  it('changes nothing with --dry-run', async () => {
    const made = cluster()
    const run = await oxbow(['topic', 'alter', 'orders', '--partitions', '4', '--dry-run', '-o', 'json'], { cluster: made })
    expect((JSON.parse(run.stdout) as { partitions: unknown[] }).partitions).toHaveLength(4)
    expect(run.stderr).toBe('Nothing was changed: this is how it would be.\n')
    expect(made.altered[0]?.validateOnly).toBe(true)
    expect(made.fake.topics.get('orders')?.partitions).toHaveLength(2)
  })

  it.each([
    [['orders'], 2, 'USAGE: nothing is to be changed (add --partitions N, --config KEY=VALUE or --delete-config KEY)'],
    [['orders', '--assignment', '1:2'], 2, 'USAGE: --assignment places partitions that are added (add --partitions, how many there shall be)'],
    [['orders', '--config', 'a=1', '--delete-config', 'a'], 2, 'USAGE: a is to be set and deleted (leave one of them out)'],
    [['order', '--partitions', '3'], 1, 'UNKNOWN_TOPIC_OR_PARTITION: there is no topic "order" (did you mean orders?)'],
  ])('refuses %j', async (args, code, line) => {
    const made = cluster()
    expect(await oxbow(['topic', 'alter', ...args], { cluster: made })).toEqual({ code, stdout: '', stderr: `error: ${line}\n` })
    expect(made.altered).toEqual([])
  })
})

describe('config', () => {
  it('shows what is no default, and how to see the rest', async () => {
    const made = cluster()
    made.configs.set('orders', new Map([['retention.ms', '5']]))
    const run = await oxbow(['config', 'describe', 'topic', 'orders'], { cluster: made })
    expect(run).toEqual({
      code: 0,
      stdout: 'Config        Value    Default  Unit  Source  Doc\nretention.ms      5  604800000  ms    topic   how long\n',
      stderr: '1 more have their defaults: oxbow config describe topic orders --all\n',
    })
    const json = await oxbow(['config', 'describe', 'topic', 'orders', '--all', '-o', 'json'], { cluster: made })
    expect(json.stderr).toBe('')
    expect(JSON.parse(json.stdout)).toEqual({
      type: 'topic',
      name: 'orders',
      configs: [
        { name: 'min.insync.replicas', value: null, default: null, source: 'DEFAULT_CONFIG', unit: 'count', doc: 'how many', readOnly: false },
        { name: 'retention.ms', value: '5', default: '604800000', source: 'DYNAMIC_TOPIC_CONFIG', unit: 'ms', doc: 'how long', readOnly: false },
      ],
    })
  })

  it('shows those of a broker', async () => {
    const run = await oxbow(['config', 'describe', 'broker', '1'], { cluster: cluster() })
    expect(run.stdout).toBe('Config             Value    Default  Unit   Source  Doc\nlog.segment.bytes  65536  536870912  bytes  broker  how large\n')
    expect((await oxbow(['config', 'describe', 'broker', 'one'])).stderr).toBe('error: USAGE: "one" is no broker id (see: oxbow cluster describe)\n')
    expect((await oxbow(['config', 'describe', 'topics', 'x'])).code).toBe(2)
  })

  it('alters a topic', async () => {
    const made = cluster()
    const run = await oxbow(['config', 'alter', 'topic', 'orders', '--set', 'retention.ms=7', '--delete', 'segment.bytes'], { cluster: made })
    expect(run.code).toBe(0)
    expect(run.stdout).toContain('retention.ms      7')
    expect(made.altered).toMatchObject([{ partitions: 0, set: new Map([['retention.ms', '7']]), delete: ['segment.bytes'] }])
    expect((await oxbow(['config', 'alter', 'topic', 'orders'], { cluster: made })).code).toBe(2)
    expect((await oxbow(['config', 'alter', 'topic', 'orders', '--set', 'a=1', '--delete', 'a'], { cluster: made })).code).toBe(2)
    const dry = await oxbow(['config', 'alter', 'topic', 'orders', '--set', 'retention.ms=9', '--dry-run'], { cluster: made })
    expect(dry.stderr).toContain('Nothing was changed: this is how it would be.\n')
    expect(dry.stdout).toMatch(/\nretention\.ms +9 .* topic /)
    expect(made.configs.get('orders')?.get('retention.ms')).toBe('7')
  })
})

describe('partition elect', () => {
  it('gives back what others lead, and says what needed nothing', async () => {
    const made = cluster()
    made.fake.moveLeader('orders', 0, 3)
    const run = await oxbow(['partition', 'elect', 'orders'], { cluster: made })
    expect(run).toEqual({ code: 0, stderr: '', stdout: 'Topic   Partition  Outcome\norders          0  elected\norders          1  notNeeded\n' })
    expect(made.fake.partition('orders', 0).leader).toBe(1)
  })

  it('takes single partitions, and all there are', async () => {
    const made = cluster()
    made.fake.moveLeader('orders', 1, 3)
    made.fake.moveLeader('logs', 0, 3)
    const one = await oxbow(['partition', 'elect', 'orders:1', 'orders:1', 'logs', '-o', 'json'], { cluster: made })
    expect(JSON.parse(one.stdout)).toEqual([
      { topic: 'orders', partition: 1, outcome: 'elected' },
      { topic: 'logs', partition: 0, outcome: 'elected' },
      { topic: 'logs', partition: 1, outcome: 'notNeeded' },
    ])
    made.fake.moveLeader('logs', 1, 3)
    const all = await oxbow(['partition', 'elect', '--all', '-o', 'json'], { cluster: made })
    expect(JSON.parse(all.stdout)).toEqual([{ topic: 'logs', partition: 1, outcome: 'elected' }])
  })

  it('says when there is nothing to do', async () => {
    const run = await oxbow(['partition', 'elect', '--all'], { cluster: cluster() })
    expect(run).toEqual({ code: 0, stdout: '', stderr: 'Nothing to do: preferred leaders lead every partition.\n' })
  })

  it('ends with 1 and the reason when one cannot be had', async () => {
    const made = cluster()
    made.refused.add('orders-1')
    const run = await oxbow(['partition', 'elect', 'orders'], { cluster: made })
    expect(run.code).toBe(1)
    expect(run.stdout).toContain('orders          1  failed\n')
    expect(run.stderr).toMatch(/^error: PREFERRED_LEADER_NOT_AVAILABLE: orders-1: said the fake/)
  })

  it.each([[[]], [['--all', 'orders']], [['orders:x']]])('refuses %j', async (args) => {
    expect((await oxbow(['partition', 'elect', ...args], { cluster: cluster() })).code).toBe(2)
  })
})

describe('partition elect --unclean', () => {
  function leaderless(): CliCluster {
    const made = cluster()
    made.fake.moveLeader('orders', 0, -1)
    made.isr.set('orders-0', [1, 2])
    return made
  }
  const plan = 'Topic   Partition  WouldLead  LogEndOffset  LastEpoch  GivenUp\norders          0          3             7          1  1,2\n'

  it('says what would be lost, and changes nothing, with --dry-run', async () => {
    const made = leaderless()
    const run = await oxbow(['partition', 'elect', 'orders', '--unclean', '--dry-run'], { cluster: made })
    expect(run).toMatchObject({ code: 0, stdout: plan })
    expect(run.stderr).toMatch(/^Records from LogEndOffset on that only brokers under GivenUp hold are lost for good.*\nNothing was changed\.\n$/)
    expect(made.fake.partition('orders', 0).leader).toBe(-1)
    const json = await oxbow(['partition', 'elect', '--all', '--unclean', '--dry-run', '-o', 'json'], { cluster: made })
    expect(JSON.parse(json.stdout)).toEqual([{ topic: 'orders', partition: 0, wouldLead: 3, lastEpoch: 1, logEndOffset: 7, givenUp: [1, 2] }])
  })

  it('elects only after a yes, and has said by then what is lost', async () => {
    const made = leaderless()
    const asked = await oxbow(['partition', 'elect', '--all', '--unclean'], { cluster: made })
    expect(asked.code).toBe(2)
    expect(asked.stderr).toContain('GivenUp')
    expect(asked.stderr).toContain('an unclean election of 1 partition needs a yes, and there is no terminal to ask (add --yes)')
    expect(made.fake.partition('orders', 0).leader).toBe(-1)
    const run = await oxbow(['partition', 'elect', '--all', '--unclean', '--yes'], { cluster: made })
    expect(run).toMatchObject({ code: 0, stdout: 'Topic   Partition  Outcome\norders          0  elected\n' })
    expect(run.stderr).toContain(plan)
    expect(made.fake.partition('orders', 0).leader).toBe(3)
    const again = await oxbow(['partition', 'elect', '--all', '--unclean'], { cluster: made })
    expect(again).toEqual({ code: 0, stdout: '', stderr: 'Nothing to do: every partition has a leader.\n' })
  })

  it('goes by what was said before the yes: of what is lost after that nothing is given up', async () => {
    const made = leaderless()
    made.electionOffset = 41
    await oxbow(['partition', 'elect', '--all', '--unclean', '--yes'], { cluster: made })
    expect(made.elected.map(({ validateOnly, metadataOffset }) => [validateOnly, metadataOffset])).toEqual([
      [true, null],
      [false, 41],
    ])
  })

  it('ends with 1 where nobody is left', async () => {
    const made = leaderless()
    made.refused.add('orders-0')
    const run = await oxbow(['partition', 'elect', 'orders:0', '--unclean', '--yes'], { cluster: made })
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/^error: ELIGIBLE_LEADERS_NOT_AVAILABLE: orders-0: .*start one of its brokers/)
  })

  it.each([[['--dry-run']], [['--yes']]])('refuses %j without it', async (args) => {
    expect((await oxbow(['partition', 'elect', 'orders', ...args], { cluster: cluster() })).code).toBe(2)
  })
})

describe('filters', () => {
  /** orders-0 has no leader, orders-1 is below its minimum, orders-eu-0 is at it, logs-1 is behind but above. */
  function ill(): CliCluster {
    const made = cluster()
    made.fake.moveLeader('orders', 0, -1)
    made.isr.set('orders-1', [2])
    made.isr.set('orders-eu-0', [1, 2])
    made.configs.set('logs', new Map([['min.insync.replicas', '1']]))
    made.isr.set('logs-1', [1, 2])
    return made
  }

  it.each([
    ['--unhealthy', ['logs-1', 'orders-0', 'orders-1', 'orders-eu-0']],
    ['--under-replicated-partitions', ['logs-1', 'orders-1', 'orders-eu-0']],
    ['--unavailable-partitions', ['orders-0']],
    ['--under-min-isr-partitions', ['orders-1']],
    ['--at-min-isr-partitions', ['orders-eu-0']],
  ])('%s shows %j', async (filter, found) => {
    const made = ill()
    const described = await oxbow(['topic', 'describe', filter, '-o', 'json'], { cluster: made })
    const topics = JSON.parse(described.stdout) as { name: string; partitions: { partition: number }[] }[]
    expect(topics.flatMap(({ name, partitions }) => partitions.map(({ partition }) => `${name}-${partition}`))).toEqual(found)
    const listed = await oxbow(['topic', 'list', filter, '-o', 'json'], { cluster: made })
    const names = JSON.parse(listed.stdout) as { name: string; partitions: number }[]
    expect(names.map((one) => one.name)).toEqual([...new Set(found.map((one) => one.slice(0, -2)))])
    // A topic that is listed is listed whole.
    expect(names.every((one) => one.partitions === 2)).toBe(true)
  })

  it('show topics with configs of their own', async () => {
    const run = await oxbow(['topic', 'list', '--topics-with-overrides', '-o', 'json'], { cluster: ill() })
    expect((JSON.parse(run.stdout) as { name: string }[]).map((one) => one.name)).toEqual(['logs'])
  })

  it('take names, and regular expressions for whole names', async () => {
    const made = cluster()
    const names = async (...args: readonly string[]): Promise<string[]> =>
      (JSON.parse((await oxbow(['topic', 'list', ...args, '-o', 'json'], { cluster: made })).stdout) as { name: string }[]).map((one) => one.name)
    expect(await names('orders')).toEqual(['orders'])
    expect(await names('--regex', 'orders.*')).toEqual(['orders', 'orders-eu'])
    // 'log.' alone would match.
    expect(await oxbow(['topic', 'list', '--regex', 'order', 'log.'], { cluster: made })).toMatchObject({ code: 1, stdout: '' })
    expect(await oxbow(['topic', 'describe', '-r', 'order'], { cluster: made })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: UNKNOWN_TOPIC_OR_PARTITION: no topic matches "order" (see: oxbow topic list)\n',
    })
    expect((await oxbow(['topic', 'list', '-r', '('], { cluster: made })).code).toBe(2)
    const deleted = await oxbow(['topic', 'delete', '--regex', 'orders.*', '--yes', '-o', 'json'], { cluster: made })
    expect(JSON.parse(deleted.stdout)).toEqual(['orders', 'orders-eu'])
    expect(made.deleted).toEqual(['orders', 'orders-eu'])
  })
})

describe('topic describe --configs', () => {
  it('shows every config, in both outputs', async () => {
    const made = cluster()
    made.configs.set('orders', new Map([['retention.ms', '5']]))
    const json = await oxbow(['topic', 'describe', 'orders', '--configs', '-o', 'json'], { cluster: made })
    expect(JSON.parse(json.stdout)).toMatchObject([
      {
        configs: { 'retention.ms': '5' },
        configEntries: [{ name: 'min.insync.replicas' }, { name: 'retention.ms', value: '5', source: 'DYNAMIC_TOPIC_CONFIG' }],
      },
    ])
    const table = await oxbow(['topic', 'describe', 'orders', '--configs'], { cluster: made })
    expect(table.stdout).toMatch(/\n\nConfig +Value +Default +Unit +Source +Doc\nmin\.insync\.replicas .*\nretention\.ms .*\n$/)
  })
})
