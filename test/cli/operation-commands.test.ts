import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { CliCluster, oxbow } from './harness.ts'

const DAY_OF_FAKE = { kafkaPort: null, rack: null, leaders: 2, replicas: 6, maintenance: false }

/** Hosts n1, n2, n3 as the fake has them; nodes keep a level, and one folder each. */
function cluster(): { readonly fake: CliCluster; readonly levels: Map<number, string> } {
  const fake = new CliCluster()
  const levels = new Map([1, 2, 3].map((nodeId) => [nodeId, 'info']))
  fake.brokers = [1, 2, 3].map((nodeId) => ({ ...DAY_OF_FAKE, nodeId, host: `n${nodeId}`, grpcPort: 9192, httpPort: null, state: 'running' as const }))
  const connect = fake.connect.bind(fake)
  fake.connect = (address) => {
    const nodeId = Number(address.host.slice(1))
    return {
      ...connect(address),
      getLogLevel: (_timeoutMs, done) => setImmediate(() => done(undefined, { level: levels.get(nodeId) ?? '' })),
      setLogLevel: ({ level }, _timeoutMs, done) => {
        if (nodeId === 3) {
          setImmediate(() => done(new BrokerError('UNSUPPORTED_VERSION', 'this node cannot'), undefined as never))
          return
        }
        levels.set(nodeId, level)
        setImmediate(() => done(undefined, { level }))
      },
      describeLogDirs: (_timeoutMs, done) => setImmediate(() => done(undefined, { nodeId, folders: [] })),
    }
  }
  return { fake, levels }
}

describe('log-level', () => {
  it('shows every node that is not offline', async () => {
    const { fake } = cluster()
    const [one, two, three] = fake.brokers
    fake.brokers = [one, { ...two, state: 'offline' }, three].flatMap((broker) => (broker === undefined ? [] : [broker as NonNullable<typeof one>]))
    const table = await oxbow(['log-level'], { cluster: fake })
    expect(table).toEqual({ code: 0, stdout: 'NodeId  Level\n     1  info\n     3  info\n', stderr: '' })
    const json = await oxbow(['log-level', '-o', 'json'], { cluster: fake })
    expect(JSON.parse(json.stdout)).toEqual([
      { nodeId: 1, level: 'info' },
      { nodeId: 3, level: 'info' },
    ])
  })

  it('changes one node, or all of them; a node that refuses is named, and the exit code is 1', async () => {
    const { fake, levels } = cluster()
    const one = await oxbow(['log-level', 'debug', '--node', '2'], { cluster: fake })
    expect(one).toMatchObject({ code: 0, stdout: 'NodeId  Level\n     2  debug\n' })
    expect([...levels.values()]).toEqual(['info', 'debug', 'info'])
    const all = await oxbow(['log-level', 'warn', '-o', 'json'], { cluster: fake })
    expect(all.code).toBe(1)
    expect(JSON.parse(all.stdout)).toEqual([
      { nodeId: 1, level: 'warn' },
      { nodeId: 2, level: 'warn' },
      { nodeId: 3, level: null, error: 'UNSUPPORTED_VERSION: this node cannot' },
    ])
    expect(all.stderr).toBe('warning: node 3: UNSUPPORTED_VERSION: this node cannot\n')
  })

  it('refuses a level or a node that is none', async () => {
    const level = await oxbow(['log-level', 'loud'], { cluster: cluster().fake })
    expect(level).toMatchObject({ code: 2, stderr: 'error: USAGE: "loud" is not a log level (one of debug, info, warn, error)\n' })
    const node = await oxbow(['log-level', '--node', '9'], { cluster: cluster().fake })
    expect(node.code).toBe(2)
    expect(node.stderr).toContain('the cluster has no node 9 (one of 1, 2, 3; see: oxbow cluster describe)')
  })
})

interface Manifest {
  readonly bootstrap: readonly string[]
  readonly clusterId: string
  readonly nodes: readonly { readonly nodeId: number; readonly http: string | null; readonly reached: boolean }[]
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly from: string }[]
  readonly missing: readonly { readonly what: string; readonly reason: string }[]
}

describe('debug bundle', () => {
  let folder: string
  let server: Server
  let port: number

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'oxbow-bundle-'))
    server = createServer((request, response) => {
      const isUnready = request.url === '/readyz'
      response.writeHead(isUnready ? 503 : request.url === '/debug/runtime' ? 404 : 200)
      response.end(`page ${request.url}\n`)
    })
    port = await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
  })

  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    rmSync(folder, { recursive: true, force: true })
  })

  function unpack(file: string): { readonly root: string; readonly manifest: Manifest } {
    execFileSync('tar', ['-xzf', file, '-C', folder])
    const [name] = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).split('/')
    const root = join(folder, name ?? '')
    return { root, manifest: JSON.parse(readFileSync(join(root, 'manifest.json'), 'utf8')) as Manifest }
  }

  /** Node 1 serves its pages, node 2 has nobody at its HTTP port, node 3 is offline and serves none. */
  function mixedCluster(): CliCluster {
    const { fake } = cluster()
    const base = { ...DAY_OF_FAKE, host: '127.0.0.1', grpcPort: 9192 }
    fake.brokers = [
      { ...base, nodeId: 1, httpPort: port, state: 'running' },
      { ...base, nodeId: 2, httpPort: 1, state: 'running' },
      { ...base, nodeId: 3, httpPort: null, state: 'offline' },
    ]
    fake.fake.addTopic('orders', 2)
    return fake
  }

  it('gathers what answers, and names in its manifest what does not', async () => {
    const file = join(folder, 'b.tar.gz')
    const run = await oxbow(['debug', 'bundle', '--out', file, '-o', 'json'], { cluster: mixedCluster() })
    expect(run.code).toBe(0)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const { root, manifest } = unpack(file)
    expect(readFileSync(join(root, 'nodes/1/metrics.txt'), 'utf8')).toBe('page /metrics\n')
    expect(readFileSync(join(root, 'nodes/1/readyz.json'), 'utf8')).toBe('page /readyz\n')
    expect(readFileSync(join(root, 'nodes/1/log.ndjson'), 'utf8')).toBe('page /debug/log\n')
    expect(JSON.parse(readFileSync(join(root, 'cluster/topics.json'), 'utf8'))).toMatchObject([{ name: 'orders', configs: {} }])
    expect(JSON.parse(readFileSync(join(root, 'cluster/quorum.json'), 'utf8'))).toMatchObject({ status: { leaderId: 1 } })
    for (const { path, bytes } of manifest.files) expect([path, statSync(join(root, path)).size]).toEqual([path, bytes])
    expect(manifest.nodes).toEqual([
      { nodeId: 1, http: `127.0.0.1:${port}`, reached: true },
      { nodeId: 2, http: '127.0.0.1:1', reached: expect.any(Boolean) },
      { nodeId: 3, http: null, reached: false },
    ])
    const missing = manifest.missing.map(({ what, reason }) => `${what}: ${reason}`)
    expect(missing).toContain(`http://127.0.0.1:${port}/debug/runtime: HTTP status 404`)
    expect(missing.filter((line) => line.startsWith('http://127.0.0.1:1/'))).toEqual([expect.stringContaining('ECONNREFUSED')])
    expect(missing).toContain('pages of node 3: it serves no HTTP: its httpPort is null')
    expect(missing).toContain('data folders of node 3: the node is offline')
    expect(JSON.parse(run.stdout)).toMatchObject({ file, bytes: statSync(file).size, nodes: manifest.nodes, missing: manifest.missing })
    for (const line of missing) expect(run.stderr).toContain(`warning: missing: ${line}\n`)
  })

  it('with nobody there: a manifest that says so, and 1', async () => {
    const fake = cluster().fake
    for (const nodeId of [1, 2, 3]) fake.fake.kill(nodeId)
    const file = join(folder, 'none.tar.gz')
    const run = await oxbow(['debug', 'bundle', '--out', file, '--timeout', '300'], { cluster: fake })
    expect(run).toMatchObject({ code: 1, stdout: `${file}\n` })
    expect(run.stderr).toContain('0 of 0 nodes')
    expect(unpack(file).manifest.missing).toEqual([{ what: 'description of the cluster', reason: expect.stringMatching(/^[A-Z_]+: /) }])
  })

  it('writes over no file', async () => {
    const file = join(folder, 'b.tar.gz')
    expect((await oxbow(['debug', 'bundle', '--out', file], { cluster: mixedCluster() })).code).toBe(0)
    const before = readFileSync(file)
    const again = await oxbow(['debug', 'bundle', '--out', file], { cluster: mixedCluster() })
    expect(again.code).toBe(2)
    expect(again.stderr).toContain(`error: USAGE: ${file} is there already (name another file with --out)`)
    expect(readFileSync(file)).toEqual(before)
    expect(existsSync(file)).toBe(true)
  })
})
