import type { Clock, Timer } from '../base/clock.ts'
import type { Done } from '../base/done.ts'
import { BrokerError, type LeaderHint } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { Raft } from '../raft/raft.ts'
import type { QuorumDescription } from '../wire/api.ts'
import type { QuorumMessage } from '../wire/peer.ts'
import { describeQuorum, type StoredMetadata } from './quorum-description.ts'
import type { Transport } from './transport.ts'

/** A leader that has not answered by then is not waited for: whoever asked may ask another node, or again. */
const ANSWER_MS = 1_000

export interface QuorumClientOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly nodeId: number
  readonly raft: Raft
  /** null: this node does not lead, or not any more (RaftNode). */
  readonly readIndex: (done: (commitIndex: number | null) => void) => void
  readonly clusterId: () => Uuid | null
  readonly stored: () => StoredMetadata
  /** Where clients reach the leader; undefined: nowhere that is known. */
  readonly hint: (leaderId: number) => LeaderHint | undefined
  readonly firstRequestId: number
}

interface Pending {
  readonly done: Done<QuorumDescription>
  readonly timer: Timer
}

/**
 * Any node is asked of the quorum, and only its leader can say: a node that serves no client, maybe. So the question goes on to it. It answers once a
 * majority has said that it still leads (rules R4.6): one that is cut off would else tell of a quorum that has long had another leader.
 */
export class QuorumClient {
  readonly #options: QuorumClientOptions
  readonly #pending = new Map<number, Pending>()
  #nextRequestId: number

  constructor(options: QuorumClientOptions) {
    this.#options = options
    this.#nextRequestId = options.firstRequestId
  }

  /** Errors: NOT_CONTROLLER, REQUEST_TIMED_OUT. */
  ask(done: Done<QuorumDescription>): void {
    const { raft, clock, transport, nodeId } = this.#options
    const leader = raft.isLeader ? nodeId : raft.leaderId
    if (leader === null) {
      done(new BrokerError('NOT_CONTROLLER', 'no leader of the quorum is known here'), undefined as never)
      return
    }
    const requestId = this.#nextRequestId++
    const timer = clock.after(ANSWER_MS, () => this.#refuse(requestId, 'REQUEST_TIMED_OUT', leader))
    this.#pending.set(requestId, { done, timer })
    if (leader === nodeId) this.#describe((quorum) => this.#answered(requestId, nodeId, quorum))
    else transport.send(leader, { type: 'describeQuorum', requestId })
  }

  received(from: number, message: QuorumMessage): void {
    const { transport } = this.#options
    const { requestId } = message
    if (message.type === 'describeQuorum') this.#describe((quorum) => transport.send(from, { type: 'quorumDescription', requestId, quorum }))
    else this.#answered(requestId, from, message.quorum)
  }

  #answered(requestId: number, leader: number, quorum: QuorumDescription | null): void {
    if (quorum === null) this.#refuse(requestId, 'NOT_CONTROLLER', leader)
    else this.#take(requestId)?.done(undefined, quorum)
  }

  /** null: this node does not lead any more. */
  #describe(done: (quorum: QuorumDescription | null) => void): void {
    const { raft, readIndex, clusterId, stored, clock } = this.#options
    readIndex((commitIndex) => {
      const leads = commitIndex !== null && raft.isLeader
      done(leads ? describeQuorum(raft, { clusterId: clusterId(), stored: stored(), nowMs: clock.wallMs() }) : null)
    })
  }

  #refuse(requestId: number, code: 'NOT_CONTROLLER' | 'REQUEST_TIMED_OUT', leader: number): void {
    const what = code === 'NOT_CONTROLLER' ? 'does not lead the quorum any more' : 'leads the quorum and did not answer in time'
    this.#take(requestId)?.done(new BrokerError(code, `node ${leader} ${what}`, { leader: this.#options.hint(leader) }), undefined as never)
  }

  /** The question, which nobody else answers from now on. */
  #take(requestId: number): Pending | undefined {
    const pending = this.#pending.get(requestId)
    this.#pending.delete(requestId)
    pending?.timer.cancel()
    return pending
  }
}
