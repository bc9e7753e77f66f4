import { describe, expect, it } from 'vitest'
import { SimClock } from '../../chaos/sim/clock.ts'
import { EventQueue } from '../../chaos/sim/event-queue.ts'
import type { BrokerError } from '../../src/base/errors.ts'
import type { Raft } from '../../src/raft/raft.ts'
import { QuorumClient } from '../../src/runtime/quorum-client.ts'
import type { Transport } from '../../src/runtime/transport.ts'
import type { QuorumDescription } from '../../src/wire/api.ts'
import type { QuorumMessage } from '../../src/wire/peer.ts'

const leader = { nodeId: 2, host: 'two', grpcPort: 9192, leaderEpoch: 7 }

class Desk {
  readonly queue = new EventQueue()
  readonly sent: { readonly to: number; readonly message: QuorumMessage }[] = []
  readonly answers: (QuorumDescription | string)[] = []
  failure: BrokerError | undefined
  readonly raft = { isLeader: false, leaderId: 2 as number | null, term: 7, commitIndex: 40, endOffset: 41, progress: () => [] }
  /** How the majority answers; undefined: not yet. */
  majority: { readonly commitIndex: number | null } | undefined = { commitIndex: 40 }
  readonly reads: ((commitIndex: number | null) => void)[] = []
  readonly client = new QuorumClient({
    nodeId: 1,
    readIndex: (done) => {
      if (this.majority === undefined) this.reads.push(done)
      else done(this.majority.commitIndex)
    },
    transport: { send: (to: number, message: QuorumMessage) => this.sent.push({ to, message }) } as unknown as Transport,
    clock: new SimClock(this.queue, null),
    raft: this.raft as unknown as Raft,
    clusterId: () => null,
    stored: () => ({ logStartOffset: 3, snapshot: { endOffset: 5, lastTerm: 1, sizeBytes: 10, writtenMs: 77 } }),
    hint: (nodeId) => (nodeId === leader.nodeId ? leader : undefined),
    firstRequestId: 5,
  })

  ask(): void {
    this.client.ask((error, quorum) => {
      this.failure = error as BrokerError | undefined
      this.answers.push(this.failure?.code ?? quorum)
    })
  }
}

describe('the question how the quorum is', () => {
  it('goes on to the leader, and its answer comes back, once', () => {
    const asker = new Desk()
    const asked = new Desk()
    Object.assign(asked.raft, { isLeader: true })
    asker.ask()
    expect(asker.sent).toEqual([{ to: 2, message: { type: 'describeQuorum', requestId: 5 } }])
    asked.client.received(1, { type: 'describeQuorum', requestId: 5 })
    const { to, message } = asked.sent[0] as (typeof asked.sent)[0]
    expect(to).toBe(1)
    asker.client.received(2, message)
    asker.client.received(2, message)
    expect(asker.answers).toMatchObject([
      { status: { leaderId: 2, leaderEpoch: 7, highWatermark: 40, logStartOffset: 3, snapshotEndOffset: 5, snapshotTimestamp: 77 } },
    ])
    while (asker.queue.step() !== undefined);
    expect(asker.answers).toHaveLength(1)
  })

  it('is answered here by a node that leads, and refused where no leader is known', () => {
    const desk = new Desk()
    Object.assign(desk.raft, { isLeader: true })
    desk.ask()
    Object.assign(desk.raft, { isLeader: false, leaderId: null })
    desk.ask()
    expect(desk.answers).toMatchObject([{ status: { leaderEpoch: 7 } }, 'NOT_CONTROLLER'])
    expect(desk.sent).toEqual([])
  })

  it('R4.6: is answered by a leader once a majority has said that it still leads, and refused when another one does', () => {
    const desk = new Desk()
    Object.assign(desk.raft, { isLeader: true })
    desk.majority = undefined
    desk.ask()
    desk.client.received(3, { type: 'describeQuorum', requestId: 9 })
    expect([desk.answers, desk.sent]).toEqual([[], []])
    for (const done of desk.reads.splice(0)) done(40)
    expect(desk.answers).toMatchObject([{ status: { leaderEpoch: 7 } }])
    expect(desk.sent).toMatchObject([{ to: 3, message: { requestId: 9, quorum: { status: { leaderEpoch: 7 } } } }])
    desk.ask()
    for (const done of desk.reads.splice(0)) done(null)
    desk.ask()
    Object.assign(desk.raft, { isLeader: false })
    for (const done of desk.reads.splice(0)) done(40)
    expect(desk.answers.slice(1)).toEqual(['NOT_CONTROLLER', 'NOT_CONTROLLER'])
  })

  it('is refused by a node that does not lead any more, and names the leader where that is known', () => {
    const asker = new Desk()
    const asked = new Desk()
    asked.majority = { commitIndex: null }
    asker.ask()
    asked.client.received(1, { type: 'describeQuorum', requestId: 5 })
    asker.client.received(2, (asked.sent[0] as (typeof asked.sent)[0]).message)
    expect(asker.answers).toEqual(['NOT_CONTROLLER'])
    expect(asker.failure).toMatchObject({ retriable: true, leader })
  })

  it('of a leader that says nothing is not waited for longer than a second', () => {
    const desk = new Desk()
    desk.ask()
    expect(desk.queue.step()).toBeDefined()
    expect(desk.queue.nowMs).toBe(1_000)
    expect(desk.answers).toEqual(['REQUEST_TIMED_OUT'])
    expect(desk.failure).toMatchObject({ retriable: true, leader })
    desk.client.received(2, { type: 'quorumDescription', requestId: 5, quorum: null })
    expect(desk.answers).toHaveLength(1)
  })
})
