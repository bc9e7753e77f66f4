import { SeededRandom } from '../../src/base/random.ts'
import { EventQueue, Owner } from '../../chaos/sim/event-queue.ts'
import { type Host, Network } from '../../chaos/sim/network.ts'
import { plainCodec, type PeerCodec, wireCodec } from '../../chaos/sim/peer-codec.ts'
import { SimTransport } from '../../chaos/sim/peer-transport.ts'
import { Trace } from '../../chaos/sim/trace.ts'
import { type TransportSide, type TransportWorld, transportContract } from './transport-contract.ts'

const PORT = 9092

function makeWorld(codec: PeerCodec): TransportWorld {
  const queue = new EventQueue()
  const random = new SeededRandom(1)
  const network = new Network({ queue, random, trace: new Trace(null), conditions: { baseDelayUs: 300, jitterUs: 500, reorder: false } })
  const hosts: Host[] = [network.addHost(1, 'node-1'), network.addHost(2, 'node-2')]
  const side = (nodeId: number, process: number): TransportSide => {
    const host = hosts[nodeId - 1]!
    const owner = new Owner(`node ${nodeId}/${process}`)
    const transport = new SimTransport({ network, host, owner, random: random.fork(owner.name), codec })
    host.process = owner
    host.accept = (end, purpose) => transport.accept(end, purpose)
    return { nodeId, transport, address: { host: host.name, port: PORT } }
  }
  return {
    one: side(1, 1),
    two: side(2, 1),
    nowMs: () => queue.nowMs,
    until: async (condition, withinMs = 5_000) => {
      const deadlineMs = queue.nowMs + withinMs
      while (!condition()) {
        if (queue.nowMs > deadlineMs || queue.step() === undefined) throw new Error(`nothing of it within ${withinMs} simulated ms`)
      }
    },
    crashTwo: () => {
      const owner = hosts[1]!.process!
      owner.die()
      hosts[1]!.process = null
      network.processDied(owner)
    },
    restartTwo: async () => side(2, 2),
    end: async () => {},
  }
}

transportContract('simulated', async () => makeWorld(plainCodec))
transportContract('simulated, through the codecs', async () => makeWorld(wireCodec))
