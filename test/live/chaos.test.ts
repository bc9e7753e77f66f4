import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../chaos/live/cli-process.ts'
import { LiveCluster, ROOT, waitFor, waitForBrokers } from '../../chaos/live/cluster-process.ts'

/** It loads its modules one by one, which takes longest. */
const CHAOS_SERVER = join(ROOT, 'dist', 'chaos', 'live', 'chaos-server.js')
const HALT = join(ROOT, 'dist', 'chaos', 'live', 'halt.js')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-chaos-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const small = ['--nodes', '3', '--rate', '100', '--seed', '7']

/** Args of `oxbow`, so that who looks for the test of a command finds it. */
async function oxbow(args: readonly string[]): Promise<Awaited<ReturnType<typeof runCli>>> {
  return await runCli(args)
}

/** Nobody would end it: it runs in a session of its own. */
it('a node whose harness died while it was loading ends by itself', async () => {
  const cluster = await LiveCluster.create('orphan', { nodes: 1 })
  try {
    const child = spawn(process.execPath, [CHAOS_SERVER, cluster.configPath, '1'], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    child.disconnect()
    const limit = setTimeout(() => child.kill('SIGKILL'), 15_000)
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    clearTimeout(limit)
    expect([code, signal]).toEqual([0, null])
  } finally {
    await cluster.dispose({ keep: false })
  }
})

/** Halted, it would never hear of it. */
it('a node that is halted when its harness is killed goes on', async () => {
  const node = spawn('sleep', ['60'], { stdio: 'ignore' })
  const script = `import(${JSON.stringify(HALT)}).then(({ halt }) => { halt([${node.pid}]); console.log('halted'); setInterval(() => undefined, 1000) })`
  const harness = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const state = (): string => execFileSync('ps', ['-o', 'stat=', '-p', String(node.pid)], { encoding: 'utf8' })[0] ?? ''
  try {
    await once(harness.stdout, 'data')
    expect(state()).toBe('T')
    harness.kill('SIGKILL')
    await waitFor('the node goes on', 5_000, () => (state() === 'T' ? undefined : true))
  } finally {
    harness.kill('SIGKILL')
    node.kill('SIGKILL')
  }
})

describe('oxbow chaos run', () => {
  it('does harm, sees it take, heals, and finds a cluster innocent', async () => {
    const out = join(folder, 'faults')
    const { code, stdout, stderr } = await oxbow([
      'chaos',
      'run',
      ...small,
      '--time',
      '6s',
      '--faults',
      'kill',
      '--delivery-timeout',
      '9s',
      '--out',
      out,
      '-o',
      'json',
    ])
    const report = JSON.parse(stdout) as Record<string, unknown>
    expect(report, stderr).toMatchObject({
      verdict: 'valid',
      findings: [],
      doubts: [],
      options: { seed: 7, nodes: 3, faults: ['kill'], producer: { acks: 'all', deliveryTimeoutMs: 9_000 } },
    })
    expect(code).toBe(0)
    expect(report.injected).toEqual([expect.objectContaining({ name: 'kill', isSeen: true, observation: expect.stringMatching(/^SIGKILL ended \d$/) })])
    expect(report.acknowledged).toBeGreaterThan(50)
    expect(report.copies).toMatchObject({ read: expect.toSatisfy((read: number) => read >= 15), damaged: 0 })
    expect(new Set(readFileSync(join(out, 'history.jsonl'), 'utf8').match(/"node":\d/g))).toEqual(new Set(['"node":1', '"node":2', '"node":3']))
    expect(JSON.parse(readFileSync(join(out, 'verdict.json'), 'utf8'))).toEqual(report)
    expect(readFileSync(join(out, 'summary.txt'), 'utf8')).toMatch(/^Verdict: {6}valid\n/)
    expect(readFileSync(join(out, 'history.jsonl'), 'utf8').split('\n').length).toBeGreaterThan(200)
    expect(readFileSync(join(out, 'logs', 'node-1.log'), 'utf8')).toContain('listening')
  })

  it('cuts nodes off, and says what came of it', async () => {
    const { code, stdout } = await oxbow(['chaos', 'run', ...small, '--time', '4s', '--faults', 'partition-one', '--out', join(folder, 'cut')])
    expect(stdout).toMatch(/^Verdict: {6}valid\n/)
    expect(stdout).toMatch(/ partition-one: node \d; \d+ messages were held on \d+ of \d+ ways\n/)
    expect(code).toBe(0)
  })

  it('says at once that no topic can be as asked', async () => {
    const out = join(folder, 'config')
    const { code, stderr } = await oxbow(['chaos', 'run', '--nodes', '1', '--faults', 'none', '--time', '1h', '--topic-config', 'foo=bar', '--out', out])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^error: USAGE: no topic can be as asked: "foo" is not a topic config/)])
    // The same command can be given again, with another config.
    expect(readdirSync(out)).toEqual([])
  })

  it('attaches to a cluster that runs already, and leaves nothing there', async () => {
    const cluster = await LiveCluster.create('attached', { nodes: 3 })
    let isDone = false
    try {
      cluster.startAll()
      const client = cluster.client()
      await waitForBrokers(client, 3)
      await client.admin().createTopic({ name: 'mine', partitions: 1, replicationFactor: 3 })
      const out = join(folder, 'attached')
      const args = ['--bootstrap', cluster.bootstrap.join(','), '--rate', '100', '--seed', '7', '--time', '3s', '--faults', 'clients-cut']
      const { code, stdout, stderr } = await oxbow(['chaos', 'run', ...args, '--out', out])
      expect(stdout, stderr).toMatch(/^Verdict: {6}valid\nCluster: {6}3 nodes, seed 7/)
      expect(stdout).toMatch(/clients-cut: client-\d and nodes \d,\d; \d+ messages were held/)
      expect(code).toBe(0)
      expect((await client.admin().listTopics()).map(({ name }) => name)).toEqual(['mine'])
      expect(readdirSync(out)).not.toContain('1')
      await client.close()
      isDone = true
    } finally {
      await cluster.dispose({ keep: !isDone })
    }
  })
})
