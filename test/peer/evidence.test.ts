import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { probeGone } from '../../src/peer/evidence.ts'

const servers: Server[] = []
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

/** A port that does what `meet` says with each connection. */
async function listen(meet: (socket: Socket) => void): Promise<{ host: string; port: number }> {
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    meet(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return { host: '127.0.0.1', port: address.port }
}

function probe(address: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    probeGone(address, resolve)
  })
}

describe('evidence that a process is gone (rules R5.5 a)', () => {
  it('a port that refuses twice, well within 200 ms', async () => {
    const address = await listen(() => {})
    servers.pop()?.close()
    await new Promise((resolve) => setImmediate(resolve))
    const startedAt = performance.now()
    expect(await probe(address)).toBe(true)
    expect(performance.now() - startedAt).toBeLessThan(200)
  })

  it('a connection that is closed or reset without a byte, twice', async () => {
    expect(await probe(await listen((socket) => socket.end()))).toBe(true)
    expect(await probe(await listen((socket) => socket.resetAndDestroy()))).toBe(true)
  })

  it('not one that is closed once and then speaks', async () => {
    let connections = 0
    const address = await listen((socket) => {
      connections += 1
      if (connections === 1) socket.end()
      else socket.write('x')
    })
    expect(await probe(address)).toBe(false)
    expect(connections).toBe(2)
  })

  it('not a listener that speaks', async () => {
    expect(await probe(await listen((socket) => socket.write('x')))).toBe(false)
  })

  it('not silence: a paused process still accepts', async () => {
    expect(await probe(await listen(() => {}))).toBe(false)
  })

  it('nothing is said after it was stopped', async () => {
    let said = 0
    const address = await listen((socket) => socket.end())
    probeGone(address, () => {
      said += 1
    })()
    await probe(await listen(() => {}))
    expect(said).toBe(0)
  })
})
