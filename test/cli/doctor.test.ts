import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Check } from '../../src/cli/doctor/check.ts'
import { checkSurroundings, checkVoters, readFileChecks } from '../../src/cli/doctor/cluster-file.ts'
import { checkFolder } from '../../src/cli/doctor/folders.ts'
import { checkBootstrap } from '../../src/cli/doctor/live-cluster.ts'
import { checkMachine } from '../../src/cli/doctor/machine.ts'
import { tcpProbe } from '../../src/cli/tcp-probe.ts'
import { CliCluster, oxbow } from './harness.ts'

const folder = mkdtempSync(join(tmpdir(), 'oxbow-doctor-'))
afterAll(() => rmSync(folder, { recursive: true }))

function healthy(): CliCluster {
  const made = new CliCluster()
  made.fake.addTopic('orders', 1)
  made.brokers = made.brokers.map((broker) => ({ ...broker, state: 'running' }))
  return made
}

/** Every check but those of the machine and the disk, which are what they are here. */
async function checksOf(cluster: CliCluster, ...args: readonly string[]): Promise<{ code: number; checks: Check[] }> {
  const { code, stdout } = await oxbow(['doctor', '--data', folder, ...args, '-o', 'json'], { cluster })
  const { checks } = JSON.parse(stdout) as { checks: Check[] }
  return { code, checks: checks.filter((check) => !['node', 'threads', 'open-files', 'packages', 'folder', 'space', 'disk', 'sync'].includes(check.name)) }
}

function of(checks: readonly Check[], name: string): Check[] {
  return checks.filter((check) => check.name === name)
}

describe('doctor, about the cluster', () => {
  it('finds nothing wrong, and warns of an even number of voters', async () => {
    const { code, checks } = await checksOf(healthy())
    expect(code).toBe(0)
    expect(checks.filter((check) => check.status !== 'ok')).toEqual([
      {
        name: 'voters',
        status: 'warning',
        message: '2 voters tolerate no more losses than 1 would',
        advice: 'an odd number of nodes with the controller role: 3 or 5',
      },
      expect.objectContaining({ name: 'topics', status: 'warning', message: 'more copies than there are brokers: orders' }),
    ])
  })

  it('finds brokers that clients are sent to in vain', async () => {
    const made = healthy()
    made.closedHosts.add('10.0.0.2')
    const { code, checks } = await checksOf(made, '--bootstrap', '10.0.0.1:9192')
    expect(code).toBe(1)
    expect(of(checks, 'advertised')).toEqual([
      {
        name: 'advertised',
        status: 'error',
        message: 'broker 2 says it is at 10.0.0.2:9192, which cannot be reached from here (ECONNREFUSED): clients are sent there',
        advice: 'start it if it is down; if not, set host of node 2 in the cluster file to a name or address that clients can reach',
      },
    ])
    made.brokers = made.brokers.map((broker) => ({ ...broker, host: broker.nodeId === 1 ? 'localhost' : '10.0.0.3' }))
    expect(of((await checksOf(made, '--bootstrap', '10.0.0.1:9192')).checks, 'advertised')).toEqual([
      expect.objectContaining({ status: 'error', message: expect.stringContaining('localhost:9192, which on every other machine is that machine itself') }),
    ])
    expect(of((await checksOf(made, '--bootstrap', '127.0.0.1:9192')).checks, 'advertised')).toEqual([expect.objectContaining({ status: 'ok' })])
  })

  it('tells what cluster health tells', async () => {
    const { code, checks } = await checksOf(new CliCluster())
    expect(code).toBe(1)
    expect(of(checks, 'health')).toEqual([
      expect.objectContaining({ status: 'error', message: expect.stringContaining('Broker 2 (10.0.0.2:9192) is offline') }),
    ])
  })

  it('compares clocks', async () => {
    const made = healthy()
    made.clocksMs.set('10.0.0.1', Date.now() + 60_000)
    expect(of((await checksOf(made)).checks, 'clocks')).toEqual([
      expect.objectContaining({ status: 'warning', message: expect.stringMatching(/^the clock of node 1 is \d+ s ahead of this machine's/) }),
    ])
  })

  it('warns when nobody listens, which is an error only when somebody said there is a cluster', async () => {
    const made = healthy()
    made.closedHosts.add('127.0.0.1').add('10.1.1.1')
    const unasked = await checksOf(made)
    expect(unasked.code).toBe(0)
    expect(unasked.checks).toEqual([
      expect.objectContaining({ name: 'bootstrap', status: 'warning', message: expect.stringContaining('127.0.0.1:9192 (ECONNREFUSED)') }),
    ])
    const asked = await checksOf(made, '--bootstrap', '10.1.1.1:1')
    expect(asked.code).toBe(1)
    expect(asked.checks).toEqual([expect.objectContaining({ name: 'bootstrap', status: 'error' })])
    const { checks, answering } = await checkBootstrap(['a:1', 'b:2'], true, (host) => Promise.resolve(host === 'a' ? 'ENOTFOUND' : undefined))
    expect(checks).toEqual([expect.objectContaining({ status: 'warning', message: 'nobody listens on a:1 (ENOTFOUND)' })])
    expect(answering).toEqual(['b:2'])
  })

  it('tells a program that listens and is no node', async () => {
    const made = healthy()
    for (const nodeId of made.fake.nodeIds) made.fake.dead.add(nodeId)
    const { code, checks } = await checksOf(made, '--bootstrap', '10.0.0.1:9192', '--timeout', '300')
    expect(code).toBe(1)
    expect(of(checks, 'cluster')).toEqual([expect.objectContaining({ status: 'error', message: 'somebody listens, but gives no answer: refused' })])
  })

  it('is a list for eyes, with what to do next, and a summary on stderr', async () => {
    const run = await oxbow(['doctor', '--data', folder], { cluster: new CliCluster() })
    expect(run.code).toBe(1)
    expect(run.stdout).toMatch(/\nerror {4}health {6}Broker 2 .*\n {21}→ see: oxbow cluster health\n/)
    expect(run.stderr).toMatch(/^\d+ things? (?:is|are) wrong; \d+ warnings?\.\n$/)
  })
})

describe('doctor, about the machine', () => {
  const good = { nodeVersion: '20.20.0', threads: '16', openFiles: 65_536, missing: [] }
  it('has nothing to say of a good one', () => expect(checkMachine(good).map((check) => check.status)).toEqual(['ok', 'ok', 'ok', 'ok']))

  it.each([
    [{ threads: undefined }, 'threads', 'UV_THREADPOOL_SIZE is not set, which means 4: every file call waits for one of these threads'],
    [{ threads: '2' }, 'threads', 'UV_THREADPOOL_SIZE is 2: every file call waits for one of these threads'],
    [{ openFiles: 1024 }, 'open-files', 'a process may open 1024 files only; connections and partitions need some each'],
    [{ missing: ['snappy'] }, 'packages', 'snappy cannot be loaded: batches cannot be compressed or read with snappy'],
  ])('warns of %j', (facts, name, message) => {
    const found = checkMachine({ ...good, ...facts }).filter((check) => check.status !== 'ok')
    expect(found).toEqual([{ name, status: 'warning', message, advice: expect.any(String) }])
  })

  it.each([
    [1, 'warning'],
    [2, 'warning'],
    [3, 'ok'],
    [4, 'warning'],
    [5, 'ok'],
  ])('judges %d voters as %s', (count, status) => expect(checkVoters(count).status).toBe(status))
})

describe('doctor, about folders', () => {
  it('finds one that can be written, and measures a sync', async () => {
    const checks = await checkFolder(folder)
    expect(checks.map((check) => check.name).filter((name) => name !== 'disk')).toEqual(['folder', 'space', 'sync'])
    expect(checks[0]).toMatchObject({ status: 'ok', message: `${folder} can be written` })
    expect(checks.at(-1)?.message).toMatch(/a synced write takes \d+\.\d ms$/)
  })

  it('looks at what a new folder would stand in, and makes nothing', async () => {
    const path = join(folder, 'not', 'yet')
    expect((await checkFolder(path)).map(({ name, status }) => [name, status]).filter(([name]) => name !== 'disk' && name !== 'space')).toEqual([
      ['folder', 'ok'],
    ])
    expect(await tcpProbe('127.0.0.1', 1, 5_000)).toBe('ECONNREFUSED')
    await expect(checkFolder(path)).resolves.toMatchObject([{ message: `${path} can be made` }, {}])
  })

  it('finds a file in its place', async () => {
    const path = join(folder, 'file')
    writeFileSync(path, '')
    expect(await checkFolder(path)).toEqual([expect.objectContaining({ name: 'folder', status: 'error', message: `${path} is not a folder` })])
  })
})

describe('doctor, about the cluster file', () => {
  const path = join(folder, 'cluster.yaml')
  let taken: Server
  let port = 0
  beforeAll(async () => {
    taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    port = (taken.address() as { port: number }).port
  })
  afterAll(() => taken.close())

  it('finds a port that another program has, unless the node itself runs there', async () => {
    writeFileSync(path, `nodes:\n  - { nodeId: 1, host: 127.0.0.1, grpcPort: ${port}, kafkaPort: null, httpPort: null, dataDirs: [d1] }\n`)
    const { nodes, checks, folders, addresses } = await readFileChecks(path, {})
    expect(await checkSurroundings(nodes, new Set(), tcpProbe)).toEqual([
      expect.objectContaining({ status: 'error', message: `port ${port} of node 1 is taken, and node 1 does not run` }),
    ])
    expect(folders).toEqual([join(folder, 'd1')])
    expect(addresses).toEqual([`127.0.0.1:${port}`])
    expect(await checkSurroundings(nodes, new Set([1]), tcpProbe)).toEqual([expect.objectContaining({ status: 'ok' })])
    expect(checks.filter((check) => check.status === 'warning').map((check) => check.name)).toEqual(['voters', 'brokers'])
  })

  it('finds hosts without an address', async () => {
    writeFileSync(path, 'nodes:\n  - { nodeId: 1, host: nowhere.invalid, dataDirs: [d1] }\n')
    const checks = await checkSurroundings((await readFileChecks(path, {})).nodes, new Set(), () => Promise.resolve('ENOTFOUND'))
    expect(of(checks, 'hosts')).toEqual([expect.objectContaining({ status: 'error', message: 'the host of node 1, nowhere.invalid, has no address' })])
  })

  it('asks the nodes of the file, unless somebody says where the cluster is', async () => {
    writeFileSync(path, 'nodes:\n  - { nodeId: 1, host: 10.9.9.9, grpcPort: 7, dataDirs: [d1] }\n')
    const made = healthy()
    made.closedHosts.add('10.9.9.9')
    const args = ['--config', path]
    expect(of((await checksOf(made, ...args)).checks, 'bootstrap')).toEqual([
      expect.objectContaining({ message: 'nobody listens on 10.9.9.9:7 (ECONNREFUSED)' }),
    ])
    expect(of((await checksOf(made, ...args, '--bootstrap', '10.0.0.1:9192')).checks, 'bootstrap')).toEqual([expect.objectContaining({ status: 'ok' })])
  })

  it('counts faults, and names the first', async () => {
    writeFileSync(path, 'nodes:\n  - { nodeId: 1, grpcport: 1 }\n')
    expect((await readFileChecks(path, {})).checks).toEqual([
      expect.objectContaining({
        name: 'config',
        status: 'error',
        message: expect.stringMatching(/^.*cluster\.yaml has one fault, the first: .*cluster\.yaml:2: .*grpcport/),
      }),
    ])
    expect((await readFileChecks(join(folder, 'none.yaml'), {})).checks).toEqual([expect.objectContaining({ name: 'config', status: 'error' })])
  })
})
