import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Namespaces } from '../../chaos/live/netns/namespaces.ts'

/** Linux, root, and the commands; where they are not, nobody can use this either. */
const isPossible =
  process.platform === 'linux' && process.getuid?.() === 0 && ['ip', 'nft', 'ss'].every((command) => spawnSync('which', [command]).status === 0)

const SERVER = "require('node:net').createServer((socket) => socket.pipe(socket)).listen(7, () => console.log('listening'))"
/** Says what came back within a second. */
const CLIENT = `const socket = require('node:net').connect(7, process.argv[1], () => socket.write('hello'))
socket.on('data', (bytes) => { console.log(String(bytes)); process.exit() }).on('error', ({ code }) => { console.log(code); process.exit() })
setTimeout(() => { console.log('nothing'); process.exit() }, 1000)`

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

  const ask = (wrap: readonly string[]): string => {
    const [command = '', ...args] = [...wrap, process.execPath, '-e', CLIENT, namespaces.host(1)]
    return execFileSync(command, args, { encoding: 'utf8' }).trim()
  }

  it('reach each other, and are reached from without', () => {
    expect([ask(namespaces.wrap(2)), ask([])]).toEqual(['hello', 'hello'])
  })

  it('lose what comes from a node that is cut off, until it is not any more', () => {
    namespaces.filter(1, { cut: [2], reset: [] })
    expect(ask(namespaces.wrap(2))).toBe('nothing')
    expect(namespaces.dropped(1).get(2)).toBeGreaterThan(0)
    expect(ask([])).toBe('hello')
    namespaces.filter(1, { cut: [], reset: [] })
    expect(ask(namespaces.wrap(2))).toBe('hello')
  })

  it('have their connections reset', () => {
    namespaces.filter(1, { cut: [], reset: [2] })
    expect(ask(namespaces.wrap(2))).toBe('ECONNRESET')
    namespaces.filter(1, { cut: [], reset: [] })
  })
})
