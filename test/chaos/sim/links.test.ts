import { describe, expect, it } from 'vitest'
import { EventQueue, Owner } from '../../../chaos/sim/event-queue.ts'
import { Links } from '../../../chaos/sim/links.ts'
import { type ConnectionEnd, type Host, Network } from '../../../chaos/sim/network.ts'
import { Trace } from '../../../chaos/sim/trace.ts'
import { SeededRandom } from '../../../src/base/random.ts'

const conditions = { baseDelayUs: 100, jitterUs: 50, reorder: false }
const noise = { lossPerMille: 0, duplicatePerMille: 0, delayMinUs: 0, delayMaxUs: 0, reorder: false }

describe('links', () => {
  it('a one-way cut stops one direction until the last cut heals, and counts what it met', () => {
    const links = new Links(new SeededRandom(1), conditions)
    const healed: string[] = []
    links.onHeal((from, to) => healed.push(`${from}→${to}`))
    const one = links.cut([[1, 2]])
    const two = links.cut([[1, 2]])
    expect([links.stops(1, 2), links.stops(2, 1), links.stops(1, 3)]).toEqual([true, false, false])
    one.end()
    expect(links.isBlocked(1, 2)).toBe(true)
    expect(healed).toEqual([])
    two.end()
    expect(links.isBlocked(1, 2)).toBe(false)
    expect(healed).toEqual(['1→2'])
    expect([one.hits, two.hits]).toEqual([1, 1])
  })

  it('loses and doubles about as many messages as was said, on the links that were named', () => {
    const links = new Links(new SeededRandom(2), conditions)
    const trouble = links.disturb([[1, 2]], { ...noise, lossPerMille: 200, duplicatePerMille: 300 })
    let lost = 0
    let doubled = 0
    for (let sent = 0; sent < 10_000; sent++) {
      if (links.losesMessage(1, 2)) lost += 1
      if (links.doublesMessageAfterUs(1, 2) !== undefined) doubled += 1
      expect(links.losesMessage(2, 1)).toBe(false)
    }
    expect(lost).toBeGreaterThan(1_800)
    expect(lost).toBeLessThan(2_200)
    expect(doubled).toBeGreaterThan(2_800)
    expect(doubled).toBeLessThan(3_200)
    expect(trouble.hits).toBe(lost + doubled)
  })
})

describe('connections', () => {
  interface World {
    readonly queue: EventQueue
    readonly network: Network
    readonly owners: readonly [Owner, Owner]
    readonly hosts: readonly [Host, Host]
    readonly near: ConnectionEnd
    readonly far: ConnectionEnd
    run(forMs: number): void
  }

  function connect(seed = 3): World {
    const queue = new EventQueue()
    const network = new Network({ queue, random: new SeededRandom(seed), trace: new Trace(null), conditions })
    const hosts = [network.addHost(1, 'one'), network.addHost(2, 'two')] as const
    const owners = [new Owner('one'), new Owner('two')] as const
    let near: ConnectionEnd | undefined
    let far: ConnectionEnd | undefined
    hosts[1].process = owners[1]
    hosts[1].accept = (end) => {
      far = end
    }
    const fail = (): never => {
      throw new Error('it listens')
    }
    network.dial(hosts[0], owners[0], 'two', 'client', { opened: (end) => (near = end), refused: fail, timedOut: () => {} })
    const run = (forMs: number): void => {
      const untilUs = queue.nowUs + forMs * 1000
      while ((queue.peekUs() ?? Number.POSITIVE_INFINITY) <= untilUs) queue.step()
    }
    run(10)
    return { queue, network, owners, hosts, near: near!, far: far!, run }
  }

  it('a cut delays a stream, in order, and what arrives is a copy', () => {
    const { network, near, far, run } = connect()
    const heard: unknown[] = []
    far.onMessage((message) => heard.push(message))
    const cut = network.links.cut([[1, 2]])
    const message = { bytes: Buffer.from('x'), at: 1 }
    near.send(message)
    near.send({ at: 2 })
    run(900)
    expect(heard).toEqual([])
    cut.end()
    message.at = 3
    run(10)
    expect(heard).toEqual([{ bytes: Buffer.from('x'), at: 3 }, { at: 2 }])
    expect((heard[0] as { bytes: Buffer }).bytes).not.toBe(message.bytes)
  })

  it('both ends of a connection that is cut for long find out by themselves', () => {
    const { network, near, far, run } = connect()
    const closed: string[] = []
    near.onClose(() => closed.push('near'))
    far.onClose(() => closed.push('far'))
    network.links.cut([
      [1, 2],
      [2, 1],
    ])
    run(1_000)
    expect(closed).toEqual([])
    run(5_500)
    expect([...closed].sort()).toEqual(['far', 'near'])
  })

  it('a killed process resets its connections at once, a machine without power says nothing', () => {
    const killed = connect()
    let closed = 0
    killed.near.onClose(() => (closed += 1))
    killed.owners[1].die()
    killed.network.processDied(killed.owners[1])
    killed.run(10)
    expect(closed).toBe(1)

    const dark = connect()
    dark.near.onClose(() => (closed += 1))
    dark.hosts[1].machineUp = false
    dark.owners[1].die()
    dark.network.processDied(dark.owners[1])
    dark.run(1_000)
    expect(closed).toBe(1)
    dark.run(5_500)
    expect(closed).toBe(2)
  })

  it('a dead process refuses, a dark machine lets the dial time out', () => {
    const { network, owners, hosts, run } = connect()
    const heard: string[] = []
    const dial = (): void =>
      network.dial(hosts[0], owners[0], 'two', 'client', {
        opened: () => heard.push('opened'),
        refused: () => heard.push('refused'),
        timedOut: () => heard.push('timed out'),
      })
    hosts[1].process = null
    dial()
    run(10)
    expect(heard).toEqual(['refused'])
    hosts[1].machineUp = false
    dial()
    run(3_000)
    expect(heard).toEqual(['refused', 'timed out'])
  })
})
