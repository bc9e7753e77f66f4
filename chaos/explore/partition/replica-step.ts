import { unreachable } from '../../../src/base/assert.ts'
import type { PartitionEffect, PartitionInput } from '../../../src/replication/effects.ts'
import type { Partition } from '../../../src/replication/partition.ts'
import { demand } from '../../check/violation.ts'
import type { Batches } from './batches.ts'
import type { Messages } from './messages.ts'
import { forgetTime } from './opened-partition.ts'
import type { Happening, Replica } from './replica.ts'
import { commonLength } from '../abstract-disk.ts'

export interface StepTools {
  readonly batches: Batches
  readonly messages: Messages
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** One step of one machine and all its effects, performed as its driver does: at once and in order. `replica` is changed. */
export class ReplicaStep {
  readonly replica: Mutable<Replica>
  readonly sends: number[] = []
  readonly happenings: Happening[] = []
  readonly #core: Partition
  readonly #tools: StepTools
  /** Batches that the input brings. */
  #arrived: readonly number[] = []

  constructor(replica: Replica, core: Partition, tools: StepTools) {
    this.replica = { ...replica, core }
    this.#core = core
    this.#tools = tools
  }

  feed(input: PartitionInput, arrived: readonly number[] = []): void {
    const core = this.#core
    const before = { role: core.role, leaderEpoch: core.leaderEpoch, highWatermark: core.highWatermark }
    this.#arrived = arrived
    for (const effect of core.step(input)) this.#perform(effect, input)
    const { replica } = this
    demand(core.logEndOffset === replica.memory.length, 'assert', () => `node ${replica.nodeId}: the machine and its log part`)
    const mayFall = core.leaderEpoch > before.leaderEpoch || core.repairing || core.state?.unclean === true
    demand(
      mayFall || core.highWatermark >= before.highWatermark,
      'I5',
      () => `the high watermark of node ${replica.nodeId} fell from ${before.highWatermark} to ${core.highWatermark} within leader epoch ${core.leaderEpoch}`,
    )
    if (core.role === 'leader' && (before.role !== 'leader' || core.leaderEpoch > before.leaderEpoch)) {
      this.happenings.push({ type: 'leads', epoch: core.leaderEpoch, process: `${replica.nodeId} of broker epoch ${replica.brokerEpoch}` })
    }
    this.#checkHeld()
  }

  /** What has no effect of its own is made ready: the disk begins its next round, and time is forgotten. */
  settle(): void {
    const { replica } = this
    const { memory, durable } = replica
    if (replica.round === undefined && (memory.length !== durable.length || commonLength(memory, durable) < memory.length)) {
      replica.round = { cutCount: this.#core.cutCount, endOffset: memory.length }
    }
    forgetTime(this.#core)
  }

  /** What it says to have synced, its disk holds (I9). */
  #checkHeld(): void {
    const { memory, durable, nodeId } = this.replica
    const { syncedEndOffset } = this.#core
    demand(
      syncedEndOffset <= commonLength(memory, durable),
      'I9',
      () => `node ${nodeId} counts ${syncedEndOffset} as synced, its disk holds ${commonLength(memory, durable)} of its log`,
    )
  }

  #perform(effect: PartitionEffect, input: PartitionInput): void {
    const { replica } = this
    const { nodeId, memory } = replica
    switch (effect.type) {
      case 'append':
        this.#append(effect)
        break
      case 'appendFetched':
        replica.memory = [...memory, ...this.#arrived]
        break
      case 'truncate':
        this.happenings.push({ type: 'cut', nodeId, batches: this.#core.repairing || replica.harmed ? [] : memory.slice(effect.endOffset) })
        replica.memory = memory.slice(0, effect.endOffset)
        break
      case 'produceReply':
        if (effect.code === null) this.#acknowledge(effect.produceId, effect.baseOffset)
        break
      case 'answerFetch': {
        const batches = effect.maxBytes === 0 ? [] : memory.slice(effect.answer.fetchOffset)
        this.sends.push(this.#tools.messages.number({ type: 'answer', from: nodeId, to: effect.to, answer: effect.answer, batches }))
        break
      }
      case 'sendFetch':
        this.sends.push(this.#tools.messages.number({ type: 'fetch', from: nodeId, to: effect.to, fetch: effect.fetch }))
        break
      case 'proposeIsr': {
        const { leaderEpoch, partitionEpoch, isr } = effect
        const { brokerEpoch } = replica
        replica.proposal = this.#tools.messages.number({ type: 'proposal', from: nodeId, to: 0, brokerEpoch, leaderEpoch, partitionEpoch, isr })
        this.sends.push(replica.proposal)
        break
      }
      case 'highWatermark':
        if (this.#core.role === 'leader')
          this.happenings.push({ type: 'exposed', epoch: this.#core.leaderEpoch, batches: replica.memory.slice(0, effect.offset) })
        break
      case 'quarantine':
        // It is set aside and marked damaged for its next start.
        replica.damaged = true
        replica.suspect = true
        break
      case 'advanceStart':
      case 'resetLog':
        throw new Error(`${effect.type} for ${input.type}: no log start moves here`)
      case 'lowWatermark':
      case 'event':
        break
      default:
        unreachable(effect)
    }
  }

  #append(effect: Extract<PartitionEffect, { type: 'append' }>): void {
    const record = this.#tools.batches.recordOf(effect.bytes)
    const batch = this.#tools.batches.place(record, effect.baseOffset, effect.leaderEpoch)
    this.replica.memory = [...this.replica.memory, batch]
    this.happenings.push({ type: 'wrote', batch })
  }

  /** Each try of a record is a produce of its own. */
  #acknowledge(produceId: number, offset: number): void {
    this.happenings.push({ type: 'acknowledged', epoch: this.#core.leaderEpoch, record: recordOfProduce(produceId), offset })
  }
}

const PRODUCES_A_RECORD = 16

export function produceIdOf(record: number, attempt: number): number {
  return record * PRODUCES_A_RECORD + attempt
}

function recordOfProduce(produceId: number): number {
  return Math.floor(produceId / PRODUCES_A_RECORD)
}
