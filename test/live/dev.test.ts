import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPortBase } from '../../chaos/live/cluster-process.ts'
import type { ClusterJson } from '../../src/cli/dev-folder.ts'
import { isAlive } from '../../chaos/live/is-alive.ts'

const BIN = join(import.meta.dirname, '../../bin/oxbow.cjs')
const PORT_BASE = await findPortBase(3)

/** A started command and what it has said. */
interface Started {
  readonly child: ChildProcess
  stdout: string
  stderr: string
  readonly ended: Promise<number | null>
}

function start(args: readonly string[]): Started {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const started: Started = { child, stdout: '', stderr: '', ended: new Promise((resolve) => child.once('close', (code) => resolve(code))) }
  child.stdout?.on('data', (chunk: Buffer) => {
    started.stdout += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    started.stderr += chunk.toString()
  })
  return started
}

async function run(args: readonly string[], input = ''): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const started = start(args)
  started.child.stdin?.end(input)
  const code = await started.ended
  return { code, stdout: started.stdout, stderr: started.stderr }
}

async function until<T>(what: string, look: () => T | undefined | false, timeoutMs = 40_000): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

describe('oxbow dev', () => {
  const root = mkdtempSync(join(tmpdir(), 'oxbow-live-'))
  const folder = join(root, 'data')
  const bootstrap = ['--bootstrap', [1, 2, 3].map((id) => `127.0.0.1:${PORT_BASE + 100 + id}`).join(',')]
  let dev: Started
  let restarted: Started | undefined

  const state = (): ClusterJson => JSON.parse(readFileSync(join(folder, 'cluster.json'), 'utf8')) as ClusterJson
  const pidOf = (nodeId: number): number | null => state().nodes.find((node) => node.nodeId === nodeId)?.pid ?? null

  beforeAll(async () => {
    dev = start(['dev', '--data', folder, '--port-base', String(PORT_BASE)])
    await until('dev is ready', () => dev.stdout.includes('Ctrl-C stops all nodes.') || (dev.child.exitCode !== null && Promise.reject(new Error(dev.stderr))))
  })
  afterAll(async () => {
    dev.child.kill('SIGKILL')
    restarted?.child.kill('SIGKILL')
    await dev.ended
    rmSync(root, { recursive: true, force: true })
  })

  it('names its nodes, the milliseconds to the first record, and three lines to try', () => {
    expect(dev.stdout).toMatch(/^Node +Pid +Grpc +Kafka +Http +Folder\n/)
    expect(dev.stdout).toMatch(/First acknowledged record after \d+ ms/)
    expect(dev.stdout.match(/^ {2}(?:npx|echo) .*oxbow.*$/gm)).toHaveLength(3)
    const { clusterId, nodes } = state()
    expect(clusterId).toMatch(/^[0-9a-f]{32}$/)
    expect(nodes.map((node) => ({ ...node, pid: typeof node.pid }))).toEqual(
      [1, 2, 3].map((nodeId) => ({
        nodeId,
        pid: 'number',
        grpc: `127.0.0.1:${PORT_BASE + 100 + nodeId}`,
        kafka: null,
        http: `127.0.0.1:${PORT_BASE + 200 + nodeId}`,
        dataDir: join(folder, String(nodeId)),
      })),
    )
    for (const { nodeId, pid } of nodes) expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(-3)).toEqual(['--node', String(nodeId), ''])
  })

  it('serves metrics and health', async () => {
    const [node] = state().nodes
    const health = await fetch(`http://${node?.http}/healthz`)
    expect(health.status).toBe(200)
    expect(await health.json()).toMatchObject({ status: 'ok', nodeId: 1 })
    const ready = await fetch(`http://${node?.http}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true, missing: [] }])
    const metrics = await (await fetch(`http://${node?.http}/metrics`)).text()
    expect(metrics).toMatch(/^oxbow_serving 1$/m)
    expect(metrics).toMatch(/^kafka_server_replicamanager_partitioncount 6$/m)
    expect(metrics).toMatch(/^oxbow_log_appended_bytes_total [1-9]\d*$/m)
  })

  it('has every command answer from the real thing', async () => {
    const created = await run(['topic', 'create', 'orders', '--partitions', '2', '-o', 'json', ...bootstrap])
    expect(created).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(created.stdout)).toMatchObject({ name: 'orders', partitions: 2, replicationFactor: 3 })
    const produced = await run(['produce', 'orders', '-o', 'json', ...bootstrap], 'one\ntwo\n')
    expect(produced.code).toBe(0)
    expect(produced.stdout.trim().split('\n')).toHaveLength(2)
    const consumed = await run(['consume', 'orders', '--from-beginning', '--exit-at-end', ...bootstrap])
    expect(consumed.stdout.split('\n').sort()).toEqual(['', 'one', 'two'])
    const quorum = await run(['quorum', 'status', '-o', 'json', ...bootstrap])
    expect(JSON.parse(quorum.stdout)).toMatchObject({ clusterId: state().clusterId, voters: [1, 2, 3], observers: [] })
    const cluster = await run(['cluster', 'describe', '-o', 'json', ...bootstrap])
    expect((JSON.parse(cluster.stdout) as { brokers: { state: string }[] }).brokers.map((broker) => broker.state)).toEqual(['running', 'running', 'running'])
    expect(await run(['topic', 'delete', 'orders', '--yes', '-o', 'json', ...bootstrap])).toMatchObject({ code: 0, stdout: '["orders"]\n' })
  })

  it('names a node that dies, with the line that restarts it, and knows it again', async () => {
    const pid = pidOf(2) as number
    process.kill(pid, 'SIGKILL')
    const command = await until('dev names the dead node', () => /node 2 \(pid \d+\) died: SIGKILL.*\n {2}npx oxbow (server .*)\n/.exec(dev.stderr)?.[1])
    expect(command).toBe(`server --config ${join(folder, 'cluster.yaml')} --node 2`)
    await until('cluster.json has no pid for it', () => pidOf(2) === null)
    expect(dev.child.exitCode).toBeNull()
    restarted = start(command.split(' '))
    const again = restarted.child.pid
    await until('cluster.json has the pid of the new process', () => pidOf(2) === again)
    expect(dev.stderr).toContain(`node 2 is back (pid ${again})`)
    expect((await run(['produce', 'hello', ...bootstrap], 'still here\n')).code).toBe(0)
  })

  it('refuses a second start on the same folder, and a second node on it', async () => {
    const second = await run(['dev', '--data', folder])
    expect(second).toMatchObject({ code: 2, stdout: '' })
    expect(second.stderr).toMatch(/^error: USAGE: node 1 of .* runs already \(pid \d+\)/)
    const wiped = await run(['dev', '--data', folder, '--fresh'])
    expect(wiped.code).toBe(2)
    expect(existsSync(join(folder, '1', 'meta.properties'))).toBe(true)
  })

  it('stops everything in under 5 s when interrupted, the adopted node too, and starts again where it was', async () => {
    const pids = state().nodes.map((node) => node.pid as number)
    const began = performance.now()
    dev.child.kill('SIGINT')
    expect(await dev.ended).toBe(0)
    expect(performance.now() - began).toBeLessThan(5_000)
    await until('no node is left', () => pids.every((pid) => !isAlive(pid)))
    expect(state().nodes.map((node) => node.pid)).toEqual([null, null, null])
    expect(dev.stderr).not.toContain('was killed')
    dev = start(['dev', '--data', folder])
    await until('dev is ready again', () => dev.stdout.includes('Ctrl-C stops all nodes.'))
    const consumed = await run(['consume', 'hello', '--from-beginning', '--exit-at-end', ...bootstrap])
    expect(consumed.stdout.split('\n').filter((line) => line === 'still here')).toHaveLength(1)
    dev.child.kill('SIGINT')
    expect(await dev.ended).toBe(0)
  })
})

describe('oxbow server', () => {
  const root = mkdtempSync(join(tmpdir(), 'oxbow-live-'))
  const config = join(root, 'cluster.yaml')
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  async function writeConfig(text: string): Promise<void> {
    const { writeFileSync } = await import('node:fs')
    writeFileSync(config, text)
  }

  it('says which port is taken, and what to do', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen({ host: '127.0.0.1', port: 0 }, resolve))
    const { port } = taken.address() as { port: number }
    await writeConfig(`nodes: [{ nodeId: 1, grpcPort: ${port}, kafkaPort: null, httpPort: null, dataDirs: [one] }]`)
    const refused = await run(['server', '--config', config, '--node', '1'])
    taken.close()
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(
      new RegExp(`^error: INVALID_CONFIG: cannot listen on 127.0.0.1:${port}: another process listens there; stop it, or change grpcPort`),
    )
    expect(existsSync(join(root, 'one', 'meta.properties'))).toBe(false)
  })

  it('refuses the folder of another node', async () => {
    const ports = `grpcPort: ${PORT_BASE + 150}, kafkaPort: null, httpPort: null`
    await writeConfig(`nodes: [{ nodeId: 1, ${ports}, dataDirs: [one] }]`)
    const first = start(['server', '--config', config, '--node', '1'])
    await until('the node listens', () => first.stdout.includes('"msg":"listening"'))
    first.child.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    expect(first.stdout).toContain('stopped cleanly')
    for (const line of first.stdout.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), time: expect.any(String), node: 1 })
    await writeConfig(`nodes: [{ nodeId: 2, ${ports}, dataDirs: [one] }]`)
    const second = await run(['server', '--config', config, '--node', '2'])
    expect(second.code).toBe(1)
    expect(second.stderr).toMatch(/^error: DATA_FOLDER_MISMATCH: /)
  })

  it('says which nodes there are when it is asked for another', async () => {
    await writeConfig('nodes: [{ nodeId: 1 }, { nodeId: 2 }]')
    const refused = await run(['server', '--config', config, '--node', '9'])
    expect(refused).toMatchObject({
      code: 2,
      stderr: `error: INVALID_CONFIG: there is no node 9 in ${config}, only 1, 2 (name one of them with --node)\n`,
    })
  })
})
