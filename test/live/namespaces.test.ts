import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Namespaces, type Treatment } from '../../chaos/live/netns/namespaces.ts'

/** Linux, root, and the commands; where they are not, nobody can use this either. */
const isPossible =
  process.platform === 'linux' && process.getuid?.() === 0 && ['ip', 'nft', 'ss'].every((command) => spawnSync('which', [command]).status === 0)

const SERVER = "require('node:net').createServer((socket) => socket.pipe(socket)).listen(7, () => console.log('listening'))"
const TEXT = 'what is sent has to be long enough for a bit of it to be flipped, far behind all headers'
/** Says what came back within a second. */
const CLIENT = `const socket = require('node:net').connect(7, process.argv[1], () => socket.write(process.argv[2]))
socket.on('data', (bytes) => { console.log(String(bytes)); process.exit() }).on('error', ({ code }) => { console.log(code); process.exit() })
setTimeout(() => { console.log('nothing'); process.exit() }, 1000)`

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
  const treat = (treatment: Partial<Treatment>): void =>
    namespaces.filter(1, [{ from: 2, isCut: false, isReset: false, bytesPerSecond: Infinity, corruptOneIn: 0, ...treatment }])

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

  it('have their connections reset', () => {
    treat({ isReset: true })
    expect(ask(namespaces.wrap(2))).toBe('ECONNRESET')
    namespaces.filter(1, [])
  })

  it('lose what comes faster than it may, so that it takes its time', () => {
    treat({ bytesPerSecond: 125_000 })
    expect(Number(execute(namespaces.wrap(2), TIMED, '300000'))).toBeGreaterThan(500)
    expect(namespaces.counts(1).get(2)?.throttled).toBeGreaterThan(0)
    namespaces.filter(1, [])
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
