import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { LiveCluster, waitFor, waitForBrokers } from '../../chaos/live/cluster-process.ts'
import type { ClientWorld } from '../../chaos/live/faults/fault.ts'
import { Network } from '../../chaos/live/faults/network.ts'
import { slowLinks } from '../../chaos/live/faults/slow-links.ts'
import { NamespaceNetwork } from '../../chaos/live/netns/namespace-network.ts'
import { Namespaces, NamespacesError, type Treatment } from '../../chaos/live/netns/namespaces.ts'
import { SeededRandom } from '../../src/base/random.ts'

const PROBE = `oxbow-test-${process.pid}`
/** Linux, root, the commands, and a kernel that does what they say; where these are not, nobody can use this either. */
const isPossible =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  [
    `ip netns add ${PROBE}`,
    `ip -n ${PROBE} link set lo up`,
    `ip netns exec ${PROBE} nft add table inet probe`,
    `tc -n ${PROBE} qdisc add dev lo root tbf rate 1mbit burst 2kb latency 400ms`,
  ].every((command) => spawnSync(command, { shell: true }).status === 0)
if (process.platform === 'linux') spawnSync('ip', ['netns', 'del', PROBE])

const SERVER = "require('node:net').createServer((socket) => socket.pipe(socket)).listen(7, () => console.log('listening'))"
const TEXT = 'what is sent has to be long enough for a bit of it to be flipped, far behind all headers'
/** Says what came back within a second. */
const CLIENT = `const socket = require('node:net').connect(7, process.argv[1], () => socket.write(process.argv[2]))
socket.on('data', (bytes) => { console.log(String(bytes)); process.exit() }).on('error', ({ code }) => { console.log(code); process.exit() })
setTimeout(() => { console.log('nothing'); process.exit() }, 1000)`

const LIMIT_MS = 60_000
const PARTITIONS = [0, 1, 2]

/** Receives this much, and says how long that took, in ms. */
const TIMED = `let [left, began] = [Number(process.argv[2]), Date.now()]
const socket = require('node:net').connect(7, process.argv[1], () => socket.write(Buffer.alloc(left)))
socket.on('data', (bytes) => { if ((left -= bytes.length) === 0) { console.log(Date.now() - began); process.exit() } })`

describe.skipIf(!isPossible)('network namespaces', () => {
  let namespaces: Namespaces
  let server: ReturnType<typeof spawn>
  beforeAll(async () => {
    namespaces = Namespaces.create(2)
    const [command = '', ...args] = [...namespaces.wrap(1), process.execPath, '-e', SERVER]
    server = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve) => server.stdout?.once('data', resolve))
  })
  afterAll(async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGKILL')
    await ended
    namespaces.remove()
    expect(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })).not.toContain(`oxbow-${process.pid}-`)
  })

  const execute = (wrap: readonly string[], script: string, ...args: readonly string[]): string => {
    const [command = '', ...before] = [...wrap, process.execPath, '-e', script, namespaces.host(1)]
    return execFileSync(command, [...before, ...args], { encoding: 'utf8' }).trim()
  }
  const ask = (wrap: readonly string[]): string => execute(wrap, CLIENT, TEXT)
  const treat = (treatment: Partial<Treatment>): void => namespaces.filter(1, [{ from: 2, isCut: false, isReset: false, corruptOneIn: 0, ...treatment }])

  it('reach each other, and are reached from without', () => {
    expect([ask(namespaces.wrap(2)), ask([])]).toEqual([TEXT, TEXT])
  })

  it('lose what comes from a node that is cut off, until it is not any more', () => {
    treat({ isCut: true })
    expect(ask(namespaces.wrap(2))).toBe('nothing')
    expect(namespaces.counts(1).get(2)?.held).toBeGreaterThan(0)
    expect(ask([])).toBe(TEXT)
    namespaces.filter(1, [])
    expect(ask(namespaces.wrap(2))).toBe(TEXT)
  })

  it('have their connections reset, each of which is noted once', () => {
    treat({ isReset: true })
    expect(namespaces.rejected(1)).toEqual([])
    expect([ask(namespaces.wrap(2)), ask(namespaces.wrap(2)), ask([])]).toEqual(['ECONNRESET', 'ECONNRESET', TEXT])
    const name = (host: string): RegExp => new RegExp(`^${host}:7 ${namespaces.host(2)}:\\d+$`)
    expect(namespaces.rejected(1)).toEqual([expect.stringMatching(name(namespaces.host(1))), expect.stringMatching(name(namespaces.host(1)))])
    namespaces.filter(1, [])
    expect(namespaces.rejected(1)).toEqual([])
    expect(ask(namespaces.wrap(2))).toBe(TEXT)
  })

  it.each(['another node', 'without'])('are slow to say and hear anything, seen from %s, which is counted, until they are not any more', (place) => {
    const other = place === 'without' ? [] : namespaces.wrap(2)
    const before = namespaces.throttled(1)
    namespaces.slow(1, 125_000)
    // Greater than the queue lets pass at once.
    expect(Number(execute(other, TIMED, '300000'))).toBeGreaterThan(1_500)
    const after = namespaces.throttled(1)
    expect(after.map((count, at) => count > (before[at] ?? 0))).toEqual([true, true])
    namespaces.slow(1, 250_000)
    namespaces.slow(1, Infinity)
    expect(namespaces.throttled(1)).toEqual(after)
    execute(other, TIMED, '300000')
    expect(namespaces.throttled(1)).toEqual(after)
  })

  it('get one bit changed of what comes, which TCP does not notice', () => {
    treat({ corruptOneIn: 1 })
    const answer = ask(namespaces.wrap(2))
    expect(answer).toHaveLength(TEXT.length)
    expect([...answer].filter((letter, at) => letter !== TEXT[at])).toHaveLength(1)
    expect(namespaces.counts(1).get(2)?.corrupted).toBe(1)
    namespaces.filter(1, [])
  })
})

describe.skipIf(!isPossible)('a cluster in network namespaces', () => {
  it('has to wait for what a slow node says and hears, at a load that is no more than a trickle', async () => {
    const namespaces = Namespaces.create(3)
    const cluster = await LiveCluster.create('namespaces', { nodes: 3, places: namespaces })
    const client = cluster.client()
    try {
      cluster.startAll()
      await waitForBrokers(client, 3, LIMIT_MS)
      await client.admin().createTopic({ name: 'letters', assignment: PARTITIONS.map(() => [1, 2, 3]) })
      const network = new NamespaceNetwork(namespaces, new Network(new SeededRandom(1)))
      const world = { cluster: { nodeIds: [1, 2, 3], upNodes: [1], clientHosts: 0, network }, random: new SeededRandom(1) }
      const rate = await slowLinks.find(({ name }) => name === 'rate')?.begin(world as unknown as ClientWorld)
      const producer = client.producer({ lingerMs: 0 })
      const seen = await waitFor('something has to wait', LIMIT_MS, async () => {
        await Promise.all(PARTITIONS.map((partition) => producer.send({ topic: 'letters', partition, value: Buffer.from('a') })))
        const observation = await rate?.observe()
        return observation?.isSeen === true ? observation : undefined
      })
      expect(seen.what).toMatch(/^throttled [1-9]\d* times on [12] of 2 ways$/)
      await rate?.heal()
      await producer.close()
    } finally {
      await client.close()
      await cluster.dispose({ keep: false })
      namespaces.remove()
    }
  })
})

describe.skipIf(!isPossible)('network namespaces are refused at once, and nothing of them stays,', () => {
  const path = process.env.PATH ?? ''
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oxbow-commands-'))
  })
  afterEach(() => {
    process.env.PATH = path
    rmSync(folder, { recursive: true })
    expect(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })).not.toContain(`oxbow-${process.pid}-`)
    expect(execFileSync('ip', ['link'], { encoding: 'utf8' })).not.toContain(`oxb${process.pid}`)
  })
  const where = (command: string): string => execFileSync('which', [command], { encoding: 'utf8' }).trim()

  it.each(['ip', 'nft', 'tc'])('without the command %s', (lacking) => {
    for (const command of ['ip', 'nft', 'tc']) if (command !== lacking) symlinkSync(where(command), join(folder, command))
    process.env.PATH = folder
    const create = (): unknown => Namespaces.create(2)
    expect(create).toThrow(NamespacesError)
    expect(create).toThrow(`there is no command ${lacking} on this machine`)
  })

  it.each([
    ['nft', 'drop', 'packets cannot be dropped and counted (nf_tables)'],
    ['nft', 'reject with', 'connections cannot be reset (nft_reject_inet)'],
    ['nft', 'numgen', 'bits cannot be flipped (nft_numgen)'],
    ['tc', 'tbf', 'nodes cannot be slowed (sch_tbf)'],
  ])('where %s cannot do %j', (command, words, lack) => {
    const script = [
      '#!/bin/sh',
      'input=$(cat)',
      `case "$* $input" in *"${words}"*) echo "there is no such thing" >&2; exit 1;; esac`,
      `printf '%s\\n' "$input" | ${where(command)} "$@"`,
    ]
    writeFileSync(join(folder, command), script.join('\n'), { mode: 0o755 })
    process.env.PATH = `${folder}:${path}`
    const create = (): unknown => Namespaces.create(2)
    expect(create).toThrow(NamespacesError)
    expect(create).toThrow(lack)
    expect(create).toThrow('there is no such thing')
  })
})
