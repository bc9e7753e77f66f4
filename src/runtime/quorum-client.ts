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
  readonly raft: Raft
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

/** Any node is asked of the quorum, and only its leader can say: a node that serves no client, maybe. So the question goes on to it. */
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
    const { raft, clock, transport } = this.#options
    const leader = raft.leaderId
    if (raft.isLeader) done(undefined, this.#describe())
    else if (leader === null) done(new BrokerError('NOT_CONTROLLER', 'no leader of the quorum is known here'), undefined as never)
    else {
      const requestId = this.#nextRequestId++
      const timer = clock.after(ANSWER_MS, () => this.#refuse(requestId, 'REQUEST_TIMED_OUT', leader))
      this.#pending.set(requestId, { done, timer })
      transport.send(leader, { type: 'describeQuorum', requestId })
    }
  }

  received(from: number, message: QuorumMessage): void {
    const { raft, transport } = this.#options
    const { requestId } = message
    if (message.type === 'describeQuorum') transport.send(from, { type: 'quorumDescription', requestId, quorum: raft.isLeader ? this.#describe() : null })
    else if (message.quorum === null) this.#refuse(requestId, 'NOT_CONTROLLER', from)
    else this.#take(requestId)?.done(undefined, message.quorum)
  }

  #describe(): QuorumDescription {
    const { raft, clusterId, stored, clock } = this.#options
    return describeQuorum(raft, { clusterId: clusterId(), stored: stored(), nowMs: clock.wallMs() })
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
