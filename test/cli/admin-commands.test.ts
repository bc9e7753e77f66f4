import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'

const ORDERS_ID = 'orders'.padEnd(32, '0')

function clusterWithOrders(): CliCluster {
  const cluster = new CliCluster()
  cluster.fake.addTopic('orders', 2)
  return cluster
}

describe('topic create', () => {
  it('creates with the defaults of the contract and says so', async () => {
    const cluster = new CliCluster()
    const run = await oxbow(['topic', 'create', 'orders'], { cluster })
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(/^Created topic orders: 6 partitions, replication factor 3, id [0-9a-f]{32}\n$/)
    expect(cluster.created).toMatchObject([{ name: 'orders', partitions: 6, replicationFactor: 3, assignment: null, validateOnly: false }])
  })

  it('answers one JSON document with exactly these fields', async () => {
    const run = await oxbow(['topic', 'create', 'orders', '--partitions', '2', '--replication-factor', '1', '-o', 'json'])
    const answer = JSON.parse(run.stdout) as { topicId: string }
    expect(answer).toEqual({ name: 'orders', topicId: expect.stringMatching(/^[0-9a-f]{32}$/), partitions: 2, replicationFactor: 1 })
    expect(run.stdout.endsWith('}\n')).toBe(true)
  })

  it('passes assignment and configs on', async () => {
    const cluster = new CliCluster()
    await oxbow(['topic', 'create', 'a', '--assignment', '1:2:3,2:3:1', '--config', 'min.insync.replicas=2', '--config', 'x=a=b'], { cluster })
    expect(cluster.created[0]).toMatchObject({
      assignment: [
        [1, 2, 3],
        [2, 3, 1],
      ],
      configs: new Map([
        ['min.insync.replicas', '2'],
        ['x', 'a=b'],
      ]),
    })
  })

  it('refuses an existing one with 1, unless --if-not-exists', async () => {
    const cluster = clusterWithOrders()
    const refused = await oxbow(['topic', 'create', 'orders', '-o', 'json'], { cluster })
    expect(refused.code).toBe(1)
    expect(refused.stdout).toBe('')
    const [line, json] = refused.stderr.split('\n')
    expect(line).toBe('error: TOPIC_ALREADY_EXISTS: topic "orders" exists already (add --if-not-exists if that is fine)')
    expect(JSON.parse(json ?? '')).toEqual({
      error: { code: 'TOPIC_ALREADY_EXISTS', message: 'topic "orders" exists already', retriable: false, definite: true },
    })
    const accepted = await oxbow(['topic', 'create', 'orders', '--if-not-exists', '-o', 'json'], { cluster })
    expect(accepted.code).toBe(0)
    expect(JSON.parse(accepted.stdout)).toEqual({ name: 'orders', topicId: ORDERS_ID, partitions: 2, replicationFactor: 3 })
  })

  it('takes one copy where there is one node, and three wherever another may only be late', async () => {
    const single = (): CliCluster => {
      const made = new CliCluster()
      made.brokers = made.brokers.slice(0, 1)
      made.maxReplicationFactor = 1
      made.voters = [1]
      made.observers = []
      return made
    }
    const run = await oxbow(['topic', 'create', 'orders', '-o', 'json'], { cluster: single() })
    expect([run.code, JSON.parse(run.stdout)]).toMatchObject([0, { partitions: 6, replicationFactor: 1 }])
    const late: readonly Partial<CliCluster>[] = [{ voters: [1, 2, 3] }, { voters: [9] }, { observers: [4] }, { brokers: new CliCluster().brokers }]
    for (const change of late) {
      const refused = await oxbow(['topic', 'create', 'orders'], { cluster: Object.assign(single(), change) })
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/^error: INVALID_REPLICATION_FACTOR: /)])
    }
    const said = await oxbow(['topic', 'create', 'orders', '--replication-factor', '3'], { cluster: single() })
    expect(said.code).toBe(1)
  })

  it('creates nothing with --dry-run', async () => {
    const cluster = new CliCluster()
    const run = await oxbow(['topic', 'create', 'orders', '--dry-run'], { cluster })
    expect(run.stdout.split('\n').slice(0, 3)).toEqual([
      'Would create topic orders: 6 partitions, replication factor 3',
      'Partition  Leader  Replicas  Racks',
      '        0       1  1,2,3     -,east,-',
    ])
    const inJson = await oxbow(['topic', 'create', 'orders', '--dry-run', '-o', 'json'], { cluster })
    expect(JSON.parse(inJson.stdout)).toEqual({
      name: 'orders',
      topicId: null,
      partitions: 6,
      replicationFactor: 3,
      assignment: [0, 1, 2, 3, 4, 5].map((at) => [0, 1, 2].map((by) => ((at + by) % 3) + 1)),
    })
    expect(cluster.created[0]?.validateOnly).toBe(true)
    expect(cluster.fake.topics.size).toBe(0)
  })
})

describe('topic list, describe, delete', () => {
  it('lists as a table, sorted, without internal topics', async () => {
    const cluster = clusterWithOrders()
    cluster.fake.addTopic('a-b', 1)
    cluster.fake.addTopic('__internal', 1)
    const run = await oxbow(['topic', 'list'], { cluster })
    expect(run).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'Topic   TopicId                           PartitionCount  ReplicationFactor  UnderReplicated',
        `a-b     ${'a-b'.padEnd(32, '0')}               1                  3                0`,
        `orders  ${ORDERS_ID}               2                  3                0`,
        '',
      ].join('\n'),
    })
    const all = await oxbow(['topic', 'list', '--internal', '-o', 'json'], { cluster })
    expect((JSON.parse(all.stdout) as { name: string }[]).map((topic) => topic.name)).toEqual(['__internal', 'a-b', 'orders'])
  })

  it('lists as JSON, and only what is unhealthy if asked', async () => {
    const cluster = clusterWithOrders()
    const all = await oxbow(['topic', 'list', '-o', 'json'], { cluster })
    expect(JSON.parse(all.stdout)).toEqual([{ name: 'orders', topicId: ORDERS_ID, partitions: 2, replicationFactor: 3, underReplicated: 0 }])
    expect(JSON.parse((await oxbow(['topic', 'list', '--unhealthy', '-o', 'json'], { cluster })).stdout)).toEqual([])
    cluster.fake.moveLeader('orders', 1, -1)
    expect(JSON.parse((await oxbow(['topic', 'list', '--unhealthy', '-o', 'json'], { cluster })).stdout)).toHaveLength(1)
  })

  it('describes as a table with Kafka headings', async () => {
    const run = await oxbow(['topic', 'describe', 'orders'], { cluster: clusterWithOrders() })
    expect(run.stdout.split('\n')).toEqual([
      'Topic:             orders',
      `TopicId:           ${ORDERS_ID}`,
      'PartitionCount:    2',
      'ReplicationFactor: 3',
      'Configs:           -',
      'Partition  Leader  LeaderEpoch  Replicas  Isr    Elr',
      '        0       1            1  1,2,3     1,2,3  -',
      '        1       2            1  1,2,3     1,2,3  -',
      '',
    ])
  })

  it('describes as JSON, and fails when one is missing', async () => {
    const cluster = clusterWithOrders()
    const run = await oxbow(['topic', 'describe', '-o', 'json'], { cluster })
    expect(JSON.parse(run.stdout)).toEqual([
      {
        name: 'orders',
        topicId: ORDERS_ID,
        configs: {},
        partitions: [
          { partition: 0, leader: 1, leaderEpoch: 1, replicas: [1, 2, 3], isr: [1, 2, 3], elr: [], addingReplicas: [], removingReplicas: [] },
          { partition: 1, leader: 2, leaderEpoch: 1, replicas: [1, 2, 3], isr: [1, 2, 3], elr: [], addingReplicas: [], removingReplicas: [] },
        ],
      },
    ])
    const missing = await oxbow(['topic', 'describe', 'orders', 'oders'], { cluster })
    expect(missing).toEqual({ code: 1, stdout: '', stderr: 'error: UNKNOWN_TOPIC_OR_PARTITION: there is no topic "oders" (did you mean orders?)\n' })
  })

  it('deletes with --yes only, and nothing when a name is wrong', async () => {
    const cluster = clusterWithOrders()
    cluster.fake.addTopic('logs', 1)
    const unasked = await oxbow(['topic', 'delete', 'orders'], { cluster })
    expect(unasked.code).toBe(2)
    expect(unasked.stderr).toBe('error: USAGE: deleting orders needs a yes, and there is no terminal to ask (add --yes)\n')
    expect((await oxbow(['topic', 'delete', 'orders', 'nope', '--yes'], { cluster })).code).toBe(1)
    expect(cluster.deleted).toEqual([])
    const run = await oxbow(['topic', 'delete', 'orders', 'logs', '--yes', '-o', 'json'], { cluster })
    expect(run).toMatchObject({ code: 0, stdout: '["orders","logs"]\n' })
    expect(cluster.deleted).toEqual(['orders', 'logs'])
  })
})

describe('topic delete at a terminal', () => {
  const question = 'Delete orders with all records? Type yes: '

  it('deletes after a yes only', async () => {
    const cluster = clusterWithOrders()
    const no = await oxbow(['topic', 'delete', 'orders'], { cluster, isTerminal: true, stdin: ['y', '\n'] })
    expect(no).toEqual({ code: 1, stdout: '', stderr: `${question}Nothing was deleted.\n` })
    expect(cluster.deleted).toEqual([])
    const yes = await oxbow(['topic', 'delete', 'orders'], { cluster, isTerminal: true, stdin: ['ye', 's\n'] })
    expect(yes).toEqual({ code: 0, stdout: 'Deleted topic orders\n', stderr: question })
  })

  it('takes the end of the input (Ctrl-D) as a no', async () => {
    const cluster = clusterWithOrders()
    const run = await oxbow(['topic', 'delete', 'orders'], { cluster, isTerminal: true, stdin: [] })
    expect(run).toEqual({ code: 1, stdout: '', stderr: `${question}\nNothing was deleted.\n` })
    expect(cluster.deleted).toEqual([])
  })

  it('ends with 130 when it is interrupted (Ctrl-C)', async () => {
    const cluster = clusterWithOrders()
    async function* silent(): AsyncGenerator<string> {
      await new Promise(() => undefined)
      yield 'never'
    }
    const run = await oxbow(['topic', 'delete', 'orders'], {
      cluster,
      isTerminal: true,
      stdin: silent(),
      interruptible: (interrupt) => setImmediate(interrupt),
    })
    expect(run).toEqual({ code: 130, stdout: '', stderr: `${question}\nNothing was deleted.\n` })
    expect(cluster.deleted).toEqual([])
  })
})

describe('topic delete, when not all goes well', () => {
  it.each([
    ['table', 'Deleted topic orders\n'],
    ['json', '["orders"]\n'],
  ])('tells as %s what is gone before it tells what failed', async (output, stdout) => {
    const cluster = clusterWithOrders()
    cluster.fake.addTopic('logs', 1)
    cluster.undeletable.add('logs')
    const run = await oxbow(['topic', 'delete', 'orders', 'logs', '--yes', '-o', output], { cluster })
    expect(run).toMatchObject({ code: 1, stdout })
    expect(run.stderr).toContain('error: INVALID_REQUEST: topic "logs" stays')
  })

  it('takes a name that is given twice once', async () => {
    const cluster = clusterWithOrders()
    const run = await oxbow(['topic', 'delete', 'orders', 'orders', '--yes'], { cluster })
    expect(run).toEqual({ code: 0, stdout: 'Deleted topic orders\n', stderr: '' })
  })
})

describe('--timeout', () => {
  it('is for all that a command asks together', async () => {
    const cluster = clusterWithOrders()
    cluster.fake.addTopic('logs', 1)
    cluster.deletionMs = 200
    expect((await oxbow(['topic', 'delete', 'orders', 'logs', '--yes', '--timeout', '5000'], { cluster })).code).toBe(0)
    expect(cluster.deletionTimeoutsMs).toHaveLength(2)
    expect(cluster.deletionTimeoutsMs[1]).toBeLessThan(4_810)
  })
})

describe('offsets, cluster describe, quorum', () => {
  it('shows offsets', async () => {
    const cluster = clusterWithOrders()
    await oxbow(['produce', 'orders', '--partition', '1'], { cluster, stdin: ['a\nb\n'] })
    expect(JSON.parse((await oxbow(['offsets', 'orders', '-o', 'json'], { cluster })).stdout)).toEqual([
      { topic: 'orders', partition: 0, offset: 0 },
      { topic: 'orders', partition: 1, offset: 2 },
    ])
    const earliest = await oxbow(['offsets', 'orders', '--at', 'earliest'], { cluster })
    expect(earliest.stdout).toBe('Topic   Partition  Offset\norders          0       0\norders          1       0\n')
  })

  it('describes the cluster', async () => {
    const table = await oxbow(['cluster', 'describe'])
    expect(table.stdout.split('\n')).toEqual([
      `ClusterId:    ${'c'.repeat(32)}`,
      'ControllerId: 1',
      'NodeId  State    Rack  Grpc           Kafka  Http           Leaders  Replicas',
      '     1  running  -     10.0.0.1:9192  -      10.0.0.1:9292        2         6',
      '     2  offline  east  10.0.0.2:9192  -      -                    0         6',
      '',
    ])
    const json = await oxbow(['cluster', 'describe', '-o', 'json'])
    expect(JSON.parse(json.stdout)).toEqual({
      clusterId: 'c'.repeat(32),
      controllerId: 1,
      brokers: [
        { nodeId: 1, rack: null, state: 'running', maintenance: false, grpc: '10.0.0.1:9192', kafka: null, http: '10.0.0.1:9292', leaders: 2, replicas: 6 },
        { nodeId: 2, rack: 'east', state: 'offline', maintenance: false, grpc: '10.0.0.2:9192', kafka: null, http: null, leaders: 0, replicas: 6 },
      ],
    })
  })

  it('warns of old states when no controller is active', async () => {
    const cluster = new CliCluster()
    cluster.controllerId = -1
    const run = await oxbow(['cluster', 'describe', '-o', 'json'], { cluster })
    expect(run.code).toBe(0)
    expect(JSON.parse(run.stdout)).toMatchObject({ controllerId: -1 })
    expect(run.stderr).toBe('warning: no controller is active, so the states of the nodes may be out of date (see: oxbow quorum status)\n')
    expect((await oxbow(['cluster', 'describe'])).stderr).toBe('')
  })

  it('shows the quorum', async () => {
    const status = await oxbow(['quorum', 'status'])
    expect(status.stdout).toContain('LeaderEpoch:          4\n')
    expect(status.stdout).toContain('CurrentVoters:        [1,2]\n')
    expect(status.stdout).toContain('LogStartOffset:       4\nSnapshotEndOffset:    9\nSnapshotTimestamp:    1700000000000\n')
    expect(JSON.parse((await oxbow(['quorum', 'status', '-o', 'json'])).stdout)).toEqual({
      clusterId: 'c'.repeat(32),
      leaderId: 1,
      leaderEpoch: 4,
      highWatermark: 12,
      maxFollowerLag: 3,
      maxFollowerLagTimeMs: 7,
      voters: [1, 2],
      observers: [3],
      logStartOffset: 4,
      snapshotEndOffset: 9,
      snapshotTimestamp: 1_700_000_000_000,
    })
    const replication = await oxbow(['quorum', 'replication'])
    expect(replication.stdout.split('\n')[0]).toBe(
      'NodeId  DirectoryId                       LogEndOffset  Lag  LastFetchTimestamp  LastCaughtUpTimestamp  Status',
    )
    const json = await oxbow(['quorum', 'replication', '-o', 'json'])
    expect((JSON.parse(json.stdout) as unknown[])[1]).toEqual({
      nodeId: 2,
      directoryId: 'd'.repeat(32),
      logEndOffset: 9,
      lag: 3,
      lastFetchTimestamp: 1_700_000_000_000,
      lastCaughtUpTimestamp: 1_700_000_000_000,
      status: 'Voter',
    })
  })
})
