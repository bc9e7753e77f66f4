import { afterEach, describe, expect, it } from 'vitest'
import type { FetchServerStream, Transport } from '../../src/runtime/transport.ts'
import type { FetchAnswerMessage, FetchRequestMessage, Hello, PeerMessage } from '../../src/wire/peer.ts'
import { RecordingHandlers } from './recording-handlers.ts'

export interface TransportSide {
  readonly nodeId: number
  readonly transport: Transport
  /** Where the other side finds it. */
  readonly address: { readonly host: string; readonly port: number }
}

/** A world with the transports of node 1 and node 2 in it, not started yet. */
export interface TransportWorld {
  readonly one: TransportSide
  readonly two: TransportSide
  nowMs(): number
  /** Lets the world go on until the condition holds; rejects after about `withinMs` of its time. */
  until(condition: () => boolean, withinMs?: number): Promise<void>
  /** The process of node 2 dies: connections break, its port refuses. */
  crashTwo(): void
  /** A new process of node 2 at the same address. */
  restartTwo(): Promise<TransportSide>
  /** Ends everything. */
  end(): Promise<void>
}

const clusterId = 'c'.repeat(32)
const helloOf = (nodeId: number, incarnation: string): Hello => ({
  clusterId,
  nodeId,
  directoryId: String(nodeId).repeat(32),
  incarnationId: incarnation.repeat(32),
  protocolVersion: 1,
  endpoint: null,
  isController: true,
})

const command = (requestId: number): PeerMessage => ({ type: 'command', requestId, command: { type: 'allocateProducerIds', count: requestId } })

const append = (term: number, size: number): PeerMessage => ({
  type: 'raft',
  status: null,
  message: { type: 'append', term, startOffset: 0, previousTerm: -1, commitIndex: 0, entries: [{ term, bytes: Buffer.alloc(size, term) }] },
})

const topicId = 'f'.repeat(32)

function request(fetchId: number): FetchRequestMessage {
  const fetch = { fetchId, currentLeaderEpoch: 1, fetchOffset: 0, lastFetchedEpoch: -1, syncedEndOffset: 0, brokerEpoch: 1, logStartOffset: 0, maxBytes: 1 }
  return { fetches: [{ topicId, partition: 0, fetch }] }
}

function answer(fetchId: number, size: number): FetchAnswerMessage {
  const head = { fetchId, leaderEpoch: 1, fetchOffset: 0, lastFetchedEpoch: -1, highWatermark: 0, logStartOffset: 0, result: { type: 'data' } } as const
  return { answers: [{ topicId, partition: 0, answer: head, batches: size === 0 ? [] : [Buffer.alloc(size, fetchId)] }] }
}

/** What every Transport keeps (src/runtime/transport.ts), for the production one and the simulated one alike. */
export function transportContract(name: string, makeWorld: () => Promise<TransportWorld>): void {
  describe(`${name}: the Transport contract`, () => {
    let world: TransportWorld | undefined
    afterEach(async () => {
      await world?.end()
      world = undefined
    })

    async function start(): Promise<{ world: TransportWorld; one: RecordingHandlers; two: RecordingHandlers }> {
      const made = await makeWorld()
      world = made
      const one = new RecordingHandlers(helloOf(1, 'a'), () => made.nowMs())
      const two = new RecordingHandlers(helloOf(2, 'b'), () => made.nowMs())
      one.during(() => made.one.transport.start(one))
      two.during(() => made.two.transport.start(two))
      return { world: made, one, two }
    }

    function introduce({ world: made, one, two }: { world: TransportWorld; one: RecordingHandlers; two: RecordingHandlers }): void {
      one.during(() => made.one.transport.setPeer(2, made.two.address))
      two.during(() => made.two.transport.setPeer(1, made.one.address))
    }

    async function connected(): ReturnType<typeof start> {
      const all = await start()
      introduce(all)
      await all.world.until(() => all.one.of('up').length === 1 && all.two.of('up').length === 1)
      return all
    }

    it('peers come up on both sides, with the Hello of the other', async () => {
      const { one, two } = await connected()
      expect(one.events).toEqual([{ type: 'up', nodeId: 2, incarnationId: 'b'.repeat(32) }])
      expect(two.events).toEqual([{ type: 'up', nodeId: 1, incarnationId: 'a'.repeat(32) }])
      expect(one.saidInsideCall + two.saidInsideCall).toBe(0)
    })

    it('a message arrives whole, with the Hello of its sender, as a copy', async () => {
      const { world: made, one, two } = await connected()
      const sent = append(3, 1_000)
      one.during(() => made.one.transport.send(2, sent))
      await made.until(() => two.of('message').length === 1)
      const heard = two.of('message')[0]!
      expect(heard).toEqual({ type: 'message', from: one.helloNow, message: sent })
      if (sent.type === 'raft' && sent.message.type === 'append') sent.message.entries[0]!.bytes.fill(0)
      expect(heard.message).toEqual(append(3, 1_000))
      expect(two.saidInsideCall).toBe(0)
    })

    it('messages of one turn all arrive', async () => {
      const { world: made, one, two } = await connected()
      one.during(() => {
        for (let requestId = 1; requestId <= 50; requestId++) made.one.transport.send(2, command(requestId))
      })
      await made.until(() => two.of('message').length === 50)
      const ids = two.of('message').map(({ message }) => (message.type === 'command' ? message.requestId : -1))
      expect(ids.sort((left, right) => left - right)).toEqual(Array.from({ length: 50 }, (_, at) => at + 1))
    })

    it('sending to a node that is not known, or not up, is lost without harm', async () => {
      const { world: made, one } = await start()
      one.during(() => made.one.transport.send(9, command(1)))
      one.during(() => made.one.transport.setPeer(2, made.two.address))
      one.during(() => made.one.transport.send(2, command(2)))
      await made.until(() => one.of('up').length === 1)
      expect(one.events).toHaveLength(1)
    })

    it('a refused Hello brings no peer up and lets nothing through; accepted later, it does (rules R2.1)', async () => {
      const all = await start()
      all.two.refuse = 'node 1 belongs to another cluster'
      introduce(all)
      // Once by the stream that it dialled, once by the one that was dialled to it.
      await all.world.until(() => all.two.vetted >= 2)
      all.one.during(() => all.world.one.transport.send(2, command(1)))
      expect([...all.one.events, ...all.two.events]).toEqual([])
      all.two.refuse = undefined
      await all.world.until(() => all.one.of('up').length === 1 && all.two.of('up').length === 1, 10_000)
      expect(all.two.of('message')).toEqual([])
    })

    it('a node that is not the one that was dialled is refused', async () => {
      const all = await start()
      all.two.helloNow = helloOf(7, 'b')
      all.one.during(() => all.world.one.transport.setPeer(2, all.world.two.address))
      // It is dialled again, so the first attempt was over.
      await all.world.until(() => all.two.vetted >= 2, 10_000)
      expect(all.one.of('up')).toEqual([])
    })

    it('bytes to one peer are bounded: what is beyond 16 MiB in one turn is dropped (I10)', async () => {
      const { world: made, one, two } = await connected()
      one.during(() => {
        for (let term = 1; term <= 40; term++) made.one.transport.send(2, append(term, 1 << 20))
      })
      await made.until(() => two.of('message').length >= 15)
      one.during(() => made.one.transport.send(2, command(1)))
      await made.until(() => two.of('message').some(({ message }) => message.type === 'command'))
      const arrived = two.of('message').filter(({ message }) => message.type === 'raft').length
      expect(arrived).toBeGreaterThanOrEqual(14)
      expect(arrived).toBeLessThanOrEqual(16)
    })

    it('a process that dies is closed at once and refused within 200 ms (rules R5.5 a)', async () => {
      const { world: made, one } = await connected()
      const diedAtMs = made.nowMs()
      made.crashTwo()
      await made.until(() => one.of('down').length === 2)
      expect(one.of('down').map(({ nodeId, reason }) => [nodeId, reason])).toEqual([
        [2, 'closed'],
        [2, 'refused'],
      ])
      // The 200 ms of the rule, and room for a machine that is busy with other tests.
      expect(one.of('down')[1]!.atMs - diedAtMs).toBeLessThan(400)
      expect(one.saidInsideCall).toBe(0)
    })

    it('a new process at the same address comes up under its new incarnation', async () => {
      const { world: made, one } = await connected()
      made.crashTwo()
      await made.until(() => one.of('down').some(({ reason }) => reason === 'refused'))
      const side = await made.restartTwo()
      const again = new RecordingHandlers(helloOf(2, 'd'), () => made.nowMs())
      side.transport.start(again)
      side.transport.setPeer(1, made.one.address)
      await made.until(() => one.of('up').length === 2 && again.of('up').length === 1)
      expect(one.of('up')[1]).toEqual({ type: 'up', nodeId: 2, incarnationId: 'd'.repeat(32) })
      side.transport.stop()
    })

    it('nothing is heard after stop', async () => {
      const { world: made, one, two } = await connected()
      two.during(() => made.two.transport.stop())
      const heard = two.events.length
      one.during(() => made.one.transport.send(2, command(1)))
      await made.until(() => one.of('down').length >= 1)
      expect(two.events).toHaveLength(heard)
      expect(two.saidInsideCall).toBe(0)
    })

    describe('fetch streams', () => {
      async function opened(): Promise<{
        world: TransportWorld
        client: ReturnType<Transport['openFetchStream']>
        server: FetchServerStream
        requests: FetchRequestMessage[]
        answers: FetchAnswerMessage[]
        closes: string[]
        two: RecordingHandlers
        one: RecordingHandlers
      }> {
        const all = await connected()
        const requests: FetchRequestMessage[] = []
        const answers: FetchAnswerMessage[] = []
        const closes: string[] = []
        all.two.onFetchStream = (_from, stream) => {
          stream.onRequest((message) => {
            all.two.noteTurn()
            requests.push(message)
          })
          stream.onClose(() => closes.push('server'))
        }
        const client = all.one.during(() => all.world.one.transport.openFetchStream(2))
        client.onAnswer((message) => {
          all.one.noteTurn()
          answers.push(message)
        })
        client.onClose(() => {
          all.one.noteTurn()
          closes.push('client')
        })
        all.one.during(() => client.send(request(1)))
        await all.world.until(() => requests.length === 1)
        return { ...all, client, server: all.two.of('fetchStream')[0]!.stream, requests, answers, closes }
      }

      it('carry requests and answers, batches whole, from the follower that said Hello', async () => {
        const { world: made, one, two, client, server, requests, answers } = await opened()
        expect(requests).toEqual([request(1)])
        expect(two.of('fetchStream')[0]!.from).toEqual(one.helloNow)
        two.during(() => server.send(answer(1, 100_000)))
        one.during(() => client.send(request(2)))
        await made.until(() => answers.length === 1 && requests.length === 2)
        expect(Buffer.concat(answers[0]!.answers[0]!.batches).equals(Buffer.alloc(100_000, 1))).toBe(true)
        expect({ ...answers[0]!.answers[0]!, batches: [] }).toEqual({ ...answer(1, 0).answers[0]! })
        expect(one.saidInsideCall + two.saidInsideCall).toBe(0)
      })

      it('hold the leader back when the follower is behind, and say when to go on', async () => {
        const { world: made, two, server, answers } = await opened()
        let drained = 0
        server.onDrain(() => {
          two.noteTurn()
          drained += 1
        })
        let sent = 0
        two.during(() => {
          while (server.send(answer((sent % 250) + 1, 1 << 20)) && sent < 64) sent += 1
        })
        expect(sent).toBeLessThan(20)
        await made.until(() => drained === 1 && answers.length === sent + 1)
        expect(two.during(() => server.send(answer(1, 10)))).toBe(true)
        expect(two.saidInsideCall).toBe(0)
      })

      it('closed by the follower: the leader hears it, the follower does not', async () => {
        const { world: made, one, client, closes } = await opened()
        one.during(() => client.close())
        await made.until(() => closes.length > 0)
        expect(closes).toEqual(['server'])
      })

      it('closed by the leader: the follower hears it, the leader does not', async () => {
        const { world: made, two, server, closes } = await opened()
        two.during(() => server.close())
        await made.until(() => closes.length > 0)
        expect(closes).toEqual(['client'])
      })

      it('end with the leader’s process', async () => {
        const { world: made, closes } = await opened()
        made.crashTwo()
        await made.until(() => closes.includes('client'))
      })

      it('to a node that is not known end in a turn of their own', async () => {
        const { world: made, one } = await start()
        const client = one.during(() => made.one.transport.openFetchStream(9))
        let closed = 0
        client.onClose(() => {
          one.noteTurn()
          closed += 1
        })
        one.during(() => client.send(request(1)))
        await made.until(() => closed === 1)
        expect(one.saidInsideCall).toBe(0)
      })
    })
  })
}
