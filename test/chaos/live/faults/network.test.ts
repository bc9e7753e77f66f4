import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { End } from '../../../../chaos/live/faults/flow.ts'
import { Network, type Ways } from '../../../../chaos/live/faults/network.ts'
import { SeededRandom } from '../../../../src/base/random.ts'

const ONE: End = 'node-1'
const TWO: End = 'node-2'
const everyWay: Ways = () => true
const there: Ways = (from) => from === ONE
const back: Ways = (from) => from === TWO

/** Says everything back, and keeps what it heard. */
class Echo {
  heard = ''
  ended = 0
  readonly sockets: Socket[] = []
  readonly server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    this.sockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      this.heard += bytes.toString('latin1')
      socket.write(bytes)
    })
    socket.on('end', () => {
      this.ended++
      socket.end()
    })
  })
}

let echo: Echo
let network: Network
let port = 0
const sockets: Socket[] = []

beforeEach(async () => {
  echo = new Echo()
  echo.server.listen(0, '127.0.0.1')
  await once(echo.server, 'listening')
  network = new Network(new SeededRandom(1))
  port = await network.link(ONE, TWO, { host: '127.0.0.1', port: (echo.server.address() as AddressInfo).port })
})
afterEach(() => {
  network.close()
  for (const socket of [...sockets.splice(0), ...echo.sockets]) socket.destroy()
  echo.server.close()
})

class Client {
  readonly socket: Socket
  heard = ''
  end: 'open' | 'ended' | 'reset' = 'open'

  constructor() {
    this.socket = connect({ host: '127.0.0.1', port })
    sockets.push(this.socket)
    this.socket.on('data', (bytes) => {
      this.heard += bytes.toString('latin1')
    })
    this.socket.on('end', () => {
      this.end = 'ended'
    })
    this.socket.on('error', () => {
      this.end = 'reset'
    })
  }
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}

async function talking(): Promise<Client> {
  const client = new Client()
  client.socket.write('hello ')
  await expect.poll(() => client.heard).toBe('hello ')
  return client
}

describe('a link', () => {
  it('carries bytes both ways, much of them, and the end', async () => {
    const client = await talking()
    const much = 'x'.repeat(5_000_000)
    client.socket.end(much)
    await expect.poll(() => client.heard.length).toBe(much.length + 6)
    await expect.poll(() => client.end).toBe('ended')
    expect(echo.ended).toBe(1)
  })

  it('is refused where nobody listens, and reset where the other end is', async () => {
    const client = await talking()
    echo.sockets[0]?.resetAndDestroy()
    await expect.poll(() => client.end).toBe('reset')
    await new Promise((resolve) => echo.server.close(resolve))
    const refused = new Client()
    await expect.poll(() => refused.end).toBe('reset')
  })
})

describe('a cut', () => {
  it('holds everything, ends too, and lets it arrive in its order once lifted', async () => {
    const client = await talking()
    const cut = network.impose(everyWay, { isCut: true })
    client.socket.write('one ')
    await sleep(20)
    client.socket.end('two')
    const late = new Client()
    late.socket.write('late')
    await sleep(80)
    expect([echo.heard, echo.ended, echo.sockets.length, client.end, late.end]).toEqual(['hello ', 0, 1, 'open', 'open'])
    expect(cut.effect()).toMatchObject({ held: expect.any(Number), ways: 2, waysAffected: 1 })
    await expect.poll(() => cut.effect().held).toBeGreaterThan(2)
    cut.lift()
    await expect.poll(() => client.heard).toBe('hello one two')
    await expect.poll(() => client.end).toBe('ended')
    await expect.poll(() => late.heard).toBe('late')
  })

  it('of one way lets the other pass', async () => {
    const client = await talking()
    const cut = network.impose(back, { isCut: true })
    client.socket.write('one ')
    await expect.poll(() => echo.heard).toBe('hello one ')
    await sleep(50)
    expect(client.heard).toBe('hello ')
    cut.lift()
    await expect.poll(() => client.heard).toBe('hello one ')
  })

  it('of one way lets nobody connect', async () => {
    const cut = network.impose(there, { isCut: true })
    const client = new Client()
    await sleep(80)
    expect([echo.sockets.length, client.end]).toEqual([0, 'open'])
    cut.lift()
    await expect.poll(() => echo.sockets.length).toBe(1)
  })

  it('stays until the last of those who made it is lifted', async () => {
    const client = await talking()
    const [first, second] = [network.impose(everyWay, { isCut: true }), network.impose(there, { isCut: true })]
    first.lift()
    client.socket.write('one')
    await sleep(50)
    expect(echo.heard).toBe('hello ')
    second.lift()
    await expect.poll(() => client.heard).toBe('hello one')
  })

  it('holds the news that the other end is gone', async () => {
    const client = await talking()
    const cut = network.impose(everyWay, { isCut: true })
    echo.sockets[0]?.resetAndDestroy()
    await sleep(50)
    expect(client.end).toBe('open')
    cut.lift()
    await expect.poll(() => client.end).toBe('reset')
  })
})

describe('other conditions', () => {
  it('delay, each way, and keep the order under jitter', async () => {
    const client = await talking()
    const delay = network.impose(everyWay, { delayMs: 60, jitterMs: 40 })
    const begun = performance.now()
    for (let at = 0; at < 10; at++) {
      client.socket.write(`${at}`)
      // Else a busy machine may take several of them at once.
      await expect.poll(() => delay.effect().delayed, { interval: 2 }).toBeGreaterThan(at)
    }
    await expect.poll(() => client.heard).toBe('hello 0123456789')
    expect(performance.now() - begun).toBeGreaterThan(120)
    delay.lift()
  })

  it('slow down to a rate', async () => {
    const client = await talking()
    const slow = network.impose(there, { bytesPerSecond: 100_000 })
    const begun = performance.now()
    for (let at = 0; at < 5; at++) {
      client.socket.write('x'.repeat(10_000))
      await sleep(5)
    }
    await expect.poll(() => client.heard.length, { timeout: 3_000 }).toBe(50_006)
    expect(performance.now() - begun).toBeGreaterThan(350)
    expect(slow.effect().throttled).toBeGreaterThan(0)
  })

  it('slow down a message that is alone on the way by what it takes itself', async () => {
    const client = await talking()
    const slow = network.impose(there, { bytesPerSecond: 10_000 })
    await sleep(200)
    const begun = performance.now()
    client.socket.write('x'.repeat(1_000))
    await expect.poll(() => client.heard.length, { timeout: 3_000 }).toBe(1_006)
    expect(performance.now() - begun).toBeGreaterThan(95)
    expect(slow.effect().throttled).toBe(1)
  })

  it('flip bits', async () => {
    const client = await talking()
    const flips = network.impose(there, { corruptOneIn: 1 })
    client.socket.write('aaaa')
    await expect.poll(() => client.heard.length).toBe(10)
    const changed = [...Buffer.from(client.heard.slice(6), 'latin1')].filter((byte) => byte !== 0x61)
    expect(changed).toHaveLength(1)
    expect(flips.effect()).toMatchObject({ corrupted: 1, waysAffected: 1 })
    flips.lift()
    client.socket.write('b')
    await expect.poll(() => client.heard.at(-1)).toBe('b')
  })

  it('reset connections', async () => {
    const client = await talking()
    expect(network.reset((from) => from === 'client-1').count()).toBe(0)
    expect(network.reset(back).count()).toBe(1)
    await expect.poll(() => client.end).toBe('reset')
    const again = await talking()
    expect(again.end).toBe('open')
  })
})
