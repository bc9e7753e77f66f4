import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'

/** Topic `orders` with two partitions on three nodes that run, three records in partition 0. */
async function cluster(): Promise<CliCluster> {
  const made = new CliCluster()
  const [broker] = made.brokers as [(typeof made.brokers)[number]]
  made.brokers = [1, 2, 3].map((nodeId) => ({ ...broker, nodeId, host: `n${nodeId}`, state: 'running' }))
  made.fake.addTopic('orders', 2)
  for (let left = 3; left > 0; left--) await oxbow(['produce', 'orders', '--partition', '0'], { cluster: made, stdin: ['v\n'] })
  return made
}

describe('audit', () => {
  it('says that all replicas agree, a line a topic', async () => {
    const run = await oxbow(['audit'], { cluster: await cluster() })
    expect(run).toEqual({
      code: 0,
      stdout: [
        'Topic   Partitions  Agree  Differ  Incomplete  Batches   Size\n', //
        'orders           2      2       0           0        3  207 B\n',
      ].join(''),
      stderr: 'All replicas agree.\n',
    })
    const json = await oxbow(['audit', 'orders:1', '-o', 'json'], { cluster: await cluster() })
    expect([json.code, json.stderr]).toEqual([0, ''])
    const agrees = [1, 2, 3].map((nodeId) => ({ nodeId, outcome: 'agrees', comparedTo: 0, reason: null }))
    const compared = { topic: 'orders', partition: 1, leader: 2, startOffset: 0, endOffset: 0, batches: 0, bytes: 0 }
    expect(JSON.parse(json.stdout)).toEqual({ result: 'agree', batches: 0, bytes: 0, partitions: [{ ...compared, replicas: agrees, differences: [] }] })
  })

  it('names the first difference: where, what each node has, in which file, who is alone; and exits 1', async () => {
    const made = await cluster()
    made.rotten.set('2/orders-0', (digest) => (digest.baseOffset === 1 ? { ...digest, leaderEpoch: 9, checksum: 0xbad } : digest))
    const run = await oxbow(['audit', 'orders'], { cluster: made })
    expect(run.code).toBe(1)
    expect(run.stdout).toMatch(/^Topic .*\norders +2 +1 +1 +0 +3 +207 B\norders-0: replicas differ, first at offset 1:\n/)
    expect(run.stdout).toMatch(
      /\n {2}node 1 \(leader\): offsets 1 to 1, leader epoch \d, 69 bytes, checksum [0-9a-f]{8}, in \/data\/1\/orders-0\.log at byte 0\n/,
    )
    expect(run.stdout).toContain('\n  node 2: offsets 1 to 1, leader epoch 9, 69 bytes, checksum 00000bad, in /data/2/orders-0.log at byte 0\n')
    expect(run.stdout).toMatch(/\n {2}most replicas have the same there, node 2 has not\n$/)
    expect(run.stderr).toMatch(/^Replicas differ, or are damaged\. Next: /)
    const json = JSON.parse((await oxbow(['audit', 'orders:0', '-o', 'json'], { cluster: made })).stdout)
    expect(json).toMatchObject({ result: 'differ', partitions: [{ replicas: [{}, { nodeId: 2, outcome: 'differs', comparedTo: 1 }, {}] }] })
    const [{ differences }] = json.partitions
    expect(differences).toMatchObject([{ offset: 1, minority: [2], versions: [{ nodeId: 1 }, { nodeId: 2, batch: { checksum: 0xbad } }, { nodeId: 3 }] }])
  })

  it('names a replica that its node finds damaged while it is read, and exits 1', async () => {
    const made = await cluster()
    made.rotten.set('3/orders-0', (digest) => (digest.baseOffset === 2 ? undefined : digest))
    const run = await oxbow(['audit'], { cluster: made })
    expect(run.code).toBe(1)
    expect(run.stdout).toMatch(/\norders-0: node 3 found its replica damaged at offset 2: the checksum of a batch is wrong\n$/)
  })

  it('exits 4 where what was compared agrees, and says what was not', async () => {
    const made = await cluster()
    made.brokers = made.brokers.map((broker) => (broker.nodeId === 2 ? { ...broker, state: 'offline' } : broker))
    const run = await oxbow(['audit', 'orders:0'], { cluster: made })
    expect(run.code).toBe(4)
    expect(run.stdout).toMatch(/\norders +1 +0 +0 +1 +3 +207 B\norders-0: node 2 was not compared: NETWORK_EXCEPTION: the node is offline\n$/)
    expect(run.stderr).toBe('What was compared agrees; not everything was compared.\n')
    made.brokers = made.brokers.filter(({ nodeId }) => nodeId !== 2)
    const json = await oxbow(['audit', 'orders:0', '-o', 'json'], { cluster: made })
    expect([json.code, JSON.parse(json.stdout).result]).toEqual([4, 'incomplete'])
  })

  it('gives a node that cannot be reached its time once', async () => {
    const made = await cluster()
    made.fake.dead.add(3)
    const before = performance.now()
    const run = await oxbow(['audit', '--timeout', '300'], { cluster: made })
    expect(run.code).toBe(4)
    expect(run.stdout).toMatch(/\norders-0, orders-1: node 3 was not compared: /)
    expect(performance.now() - before).toBeLessThan(2_000)
  })

  it('names five of the partitions of which a node was not compared, and counts the rest', async () => {
    const made = await cluster()
    made.brokers = made.brokers.filter(({ nodeId }) => nodeId !== 2)
    made.fake.addTopic('many', 8)
    const run = await oxbow(['audit', 'many'], { cluster: made })
    expect(run.stdout).toContain('\nmany-0, many-1, many-2, many-3, many-4 and 3 more: node 2 was not compared: BROKER_ID_NOT_REGISTERED: ')
  })

  it('keeps to its rate on each node', async () => {
    const made = await cluster()
    const before = performance.now()
    expect((await oxbow(['audit', '--throttle', '1K'], { cluster: made })).code).toBe(0)
    expect(performance.now() - before).toBeGreaterThan(190)
  })

  it('shows on a terminal how far it is, and nothing of it elsewhere', async () => {
    const run = await oxbow(['audit'], { cluster: await cluster(), stderrIsTerminal: true })
    expect(run.stderr).toContain('0 of 0 partitions, 0 B read on each replica')
    expect(run.stderr.endsWith('\r\u001b[KAll replicas agree.\n')).toBe(true)
  })

  it('ends in good order when it is interrupted, with what it has', async () => {
    const made = await cluster()
    const run = await oxbow(['audit'], { cluster: made, interruptible: (interrupt) => interrupt() })
    expect([run.code, run.stdout.split('\n')[0]]).toEqual([130, 'Topic  Partitions  Agree  Differ  Incomplete  Batches  Size'])
  })

  it('refuses what there is not', async () => {
    const made = await cluster()
    expect(await oxbow(['audit', 'orders:7'], { cluster: made })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('topic "orders" has no partition 7'),
    })
    expect(await oxbow(['audit', 'order'], { cluster: made })).toMatchObject({ code: 1, stderr: expect.stringContaining('did you mean orders?') })
    expect(await oxbow(['audit', 'a:b'], { cluster: made })).toMatchObject({ code: 2 })
    expect(await oxbow(['audit', '--throttle', '1'], { cluster: made })).toMatchObject({ code: 2 })
  })
})
