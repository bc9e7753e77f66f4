import type { Clock } from '../base/clock.ts'
import { BrokerError } from '../base/errors.ts'
import type { Logger } from '../base/log-line.ts'
import type { FollowerFetch } from '../replication/effects.ts'
import type { FetchClientStream, Transport } from '../runtime/transport.ts'
import type { FetchAnswerMessage, PartitionAnswer, PartitionFetch } from '../wire/peer.ts'
import { checkBatches } from './check-batches.ts'
import type { Replica } from './replica.ts'

const NO_BYTES = Buffer.alloc(0)

interface Leader {
  readonly nodeId: number
  readonly stream: FetchClientStream
  outgoing: PartitionFetch[]
  scheduled: boolean
}

/**
 * The follower's side of fetch streams: one a leader node, opened when a replica first asks, fetches of one turn in one message.
 * Every batch that comes in has its CRC checked before a machine sees it (rules R3.3).
 */
export class Fetchers {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #transport: Transport
  readonly #find: (topicId: string, partition: number) => Replica | undefined
  readonly #disconnected: (nodeId: number) => void
  readonly #leaders = new Map<number, Leader>()
  #stopped = false

  constructor(options: {
    readonly clock: Clock
    readonly logger: Logger
    readonly transport: Transport
    readonly find: (topicId: string, partition: number) => Replica | undefined
    readonly disconnected: (nodeId: number) => void
  }) {
    this.#clock = options.clock
    this.#logger = options.logger
    this.#transport = options.transport
    this.#find = options.find
    this.#disconnected = options.disconnected
  }

  send(replica: Replica, to: number, fetch: FollowerFetch): void {
    if (this.#stopped) return
    const leader = this.#leaders.get(to) ?? this.#open(to)
    leader.outgoing.push({ topicId: replica.topicId, partition: replica.partition, fetch })
    if (leader.scheduled) return
    leader.scheduled = true
    this.#clock.defer(() => {
      leader.scheduled = false
      const fetches = leader.outgoing
      leader.outgoing = []
      if (this.#leaders.get(to) === leader) leader.stream.send({ fetches })
    })
  }

  stop(): void {
    this.#stopped = true
    for (const leader of this.#leaders.values()) leader.stream.close()
    this.#leaders.clear()
  }

  #open(nodeId: number): Leader {
    const stream = this.#transport.openFetchStream(nodeId)
    const leader: Leader = { nodeId, stream, outgoing: [], scheduled: false }
    this.#leaders.set(nodeId, leader)
    stream.onAnswer((message) => this.#answered(leader, message))
    stream.onClose(() => this.#closed(leader))
    return leader
  }

  #closed(leader: Leader): void {
    if (this.#leaders.get(leader.nodeId) !== leader) return
    this.#leaders.delete(leader.nodeId)
    this.#disconnected(leader.nodeId)
  }

  #answered(leader: Leader, message: FetchAnswerMessage): void {
    if (this.#leaders.get(leader.nodeId) !== leader) return
    try {
      for (const answer of message.answers) this.#deliver(leader.nodeId, answer)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#logger.warn({ leader: leader.nodeId, error: error.message }, 'fetch stream: a bad answer, the stream is opened anew')
      leader.stream.close()
      this.#closed(leader)
    }
  }

  #deliver(from: number, { topicId, partition, answer, batches }: PartitionAnswer): void {
    const replica = this.#find(topicId, partition)
    if (replica === undefined) return
    const bytes = batches.length === 0 ? NO_BYTES : batches.length === 1 ? (batches[0] as Buffer) : Buffer.concat(batches)
    replica.step({ type: 'answer', from, answer, headers: checkBatches(bytes), bytes })
  }
}
