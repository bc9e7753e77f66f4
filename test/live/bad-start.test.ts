import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BIN, LiveCluster, waitForBrokers } from '../../chaos/live/cluster-process.ts'
import { Ledger } from './ledger.ts'

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `oxbow server ARGS` to its end. A node that starts after all is killed, and answers no code. */
function server(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [BIN, 'server', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const limit = setTimeout(() => child.kill('SIGKILL'), 15_000)
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
      if (stdout.includes('"listening"')) child.kill('SIGKILL')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    child.once('close', (code) => {
      clearTimeout(limit)
      resolve({ code, stdout, stderr })
    })
  })
}

/** Every file below a folder with its content. */
function contentOf(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return new Map(
    files
      .map((file) => join(file.parentPath, file.name))
      .map((path) => [path.slice(folder.length), createHash('sha256').update(readFileSync(path)).digest('hex')]),
  )
}

/** cli.md: one line, with a code, what happened and what to do next. */
function expectRefusal(ended: Ended, expected: { readonly code: number; readonly says: RegExp }): void {
  expect(ended.stderr).toMatch(/^error: [A-Z_]+: .+\n$/)
  expect(ended.stderr).toMatch(expected.says)
  expect(ended.code).toBe(expected.code)
  expect(ended.stdout).not.toContain('"listening"')
}

/** One node that was used, holds records, and was stopped cleanly: every refusal must leave it as it is. */
describe('a node that cannot start says why, in one line, and touches nothing', () => {
  let cluster: LiveCluster
  let ledger: Ledger
  let before: ReadonlyMap<string, string>
  let folder: string
  let passed = false

  const write = (name: string, text: string): string => {
    const path = join(cluster.folder, name)
    writeFileSync(path, text)
    return path
  }
  const ownFile = (): string => readFileSync(cluster.configPath, 'utf8')

  beforeAll(async () => {
    cluster = await LiveCluster.create('bad-start', { nodes: 1 })
    folder = cluster.dataDir(1)
    cluster.startAll()
    const client = cluster.client()
    await waitForBrokers(client, 1)
    await client.admin().createTopic({ name: 'kept', partitions: 1, replicationFactor: 1 })
    ledger = new Ledger('kept', 1)
    await ledger.produce(client, 50)
    await client.close()
    await cluster.stopAll()
    before = contentOf(folder)
  })

  afterAll(() => cluster.dispose({ keep: !passed }))

  it.each([
    ['broken YAML', (text: string) => text.replace('nodes:', 'nodes: ['), /INVALID_CONFIG: .+bad\.yaml:\d+: the file is .+ expected YAML/],
    ['an unknown key', (text: string) => text.replace('grpcPort', 'grpcport'), /bad\.yaml:3: nodes\[0\]\.grpcport .+did you mean grpcPort\?/],
    [
      'a port that is none',
      (text: string) => text.replace(/httpPort: \d+/, 'httpPort: 70000'),
      /nodes\[0\]\.httpPort is 70000, expected a port from 1 to 65535/,
    ],
    ['a folder twice', (text: string) => `${text}  - { nodeId: 2, dataDirs: ["1"] }\n`, /nodes\[1\]\.dataDirs is "1", expected a data folder of its own/],
  ])('malformed config: %s', async (_name, spoil, says) => {
    const path = write('bad.yaml', spoil(ownFile()))
    expectRefusal(await server('--config', path, '--node', '1'), { code: 2, says })
  })

  it.each([
    [
      'no file',
      () => ['--config', join(cluster.folder, 'none.yaml'), '--node', '1'],
      /INVALID_CONFIG: there is no file at .+none\.yaml \(name a cluster file; .+\)/,
    ],
    [
      'a node that the file has not',
      () => ['--config', cluster.configPath, '--node', '7'],
      /INVALID_CONFIG: there is no node 7 in .+, only 1 \(name one of them with --node\)/,
    ],
    ['a node id that is none', () => ['--config', cluster.configPath, '--node', 'one'], /--node/],
  ])('wrong command: %s', async (_name, args, says) => {
    expectRefusal(await server(...args()), { code: 2, says })
  })

  it.each(['grpcPort', 'httpPort'])('%s in use', async (key) => {
    const port = Number(new RegExp(`${key}: (\\d+)`).exec(ownFile())?.[1])
    const other = createServer()
    await new Promise<void>((resolve) => other.listen({ host: '127.0.0.1', port }, resolve))
    const ended = await server('--config', cluster.configPath, '--node', '1')
    await new Promise((resolve) => other.close(resolve))
    const says = new RegExp(
      `^error: INVALID_CONFIG: cannot listen on 127.0.0.1:${port}: another process listens there; stop it, or change ${key} in the cluster file`,
    )
    expectRefusal(ended, { code: 1, says })
    expect(contentOf(folder)).toEqual(before)
  })

  it('a folder of another node (rules R2.3)', async () => {
    const path = write('two.yaml', ownFile().replaceAll('nodeId: 1', 'nodeId: 2'))
    const ended = await server('--config', path, '--node', '2')
    const says = /DATA_FOLDER_MISMATCH: the data folder belongs to node 1, this is node 2 \(start node 1 on it, or give node 2 another folder\)/
    expectRefusal(ended, { code: 1, says })
    expect(contentOf(folder)).toEqual(before)
  })

  it('a folder of a newer format (rules R2.3)', async () => {
    const newer = join(cluster.folder, 'newer')
    cpSync(folder, newer, { recursive: true })
    const properties = join(newer, 'meta.properties')
    writeFileSync(properties, readFileSync(properties, 'utf8').replace('version=1', 'version=2'))
    const asMade = contentOf(newer)
    const ended = await server('--config', cluster.configPath, '--node', '1', '--data', newer)
    const says = /DATA_FOLDER_MISMATCH: the data folder has format 2, this program reads up to 1 \(start the newer program, or use another folder\)/
    expectRefusal(ended, { code: 1, says })
    expect(contentOf(newer)).toEqual(asMade)
  })

  it('a folder whose owner cannot be read', async () => {
    const unreadable = join(cluster.folder, 'unreadable')
    cpSync(folder, unreadable, { recursive: true })
    writeFileSync(join(unreadable, 'meta.properties'), Buffer.from([0, 255, 1, 254]))
    const asMade = contentOf(unreadable)
    const ended = await server('--config', cluster.configPath, '--node', '1', '--data', unreadable)
    expectRefusal(ended, { code: 1, says: /DATA_FOLDER_MISMATCH: meta\.properties cannot be read \(restore it, .+\)/ })
    expect(contentOf(unreadable)).toEqual(asMade)
  })

  it('a folder that is a file', async () => {
    const file = write('file', '')
    const ended = await server('--config', cluster.configPath, '--node', '1', '--data', file)
    expectRefusal(ended, { code: 1, says: /DISK_FAILED: .+ \(.+\)/ })
  })

  it('after all of it the node starts, as after the clean stop that it was, and holds what it acknowledged', async () => {
    expect(existsSync(join(folder, 'lock'))).toBe(false)
    const logged = cluster.log(1).length
    cluster.startAll()
    const line = await cluster.waitForLog(1, logged, 'how it recovered', (one) => one.topic === 'kept' && one.msg.startsWith('recovered'))
    expect(line.verdict).toBe('whole')
    expect(line.suspect ?? false).toBe(false)
    const pid = cluster.pid(1)
    // A folder in use: a second process, on ports of its own.
    const moved = write(
      'moved.yaml',
      ownFile().replaceAll(/(\w+Port): (\d+)/g, (_, key, port) => `${key}: ${Number(port) + 40}`),
    )
    const ended = await server('--config', moved, '--node', '1')
    const says = new RegExp(`DATA_FOLDER_IN_USE: process ${pid} uses .+ \\(stop it, or give this node a folder of its own\\)`)
    expectRefusal(ended, { code: 1, says })
    const client = cluster.client()
    await ledger.produce(client, 10)
    expect(await ledger.violations(client)).toEqual([])
    await client.close()
    expect(cluster.pid(1)).toBe(pid)
    expect(cluster.isRunning(1)).toBe(true)
    passed = true
  })
})
