import { assert } from '../../../src/base/assert.ts'
import { EpochTable } from '../../../src/base/epochs.ts'
import type { PartitionInput } from '../../../src/replication/effects.ts'
import { Partition } from '../../../src/replication/partition.ts'
import { Producers } from '../../../src/replication/producers.ts'
import { Violation } from '../../check/violation.ts'
import type { Batches } from './batches.ts'
import { countBits, type Message, type Messages } from './messages.ts'
import { freeze, Numbered, textOf } from '../object-graph.ts'
import { PairTable } from '../pair-table.ts'
import { fetchIdsIn, opened, renameFetchIds } from './opened-partition.ts'
import { type AssignInput, fork, type Happening, isInIsr, type Outcome, type Replica, replicaText } from './replica.ts'
import { produceIdOf, ReplicaStep } from './replica-step.ts'
import { toViolation } from '../search.ts'

/** Ticks that pass at once: what is retried soon runs out, what is taken for lost, and what lags. */
const JUMP_TICKS = { soon: 4, later: 45, lag: 150 } as const
export type Jump = keyof typeof JUMP_TICKS
const LAG_TICKS = 100
/** Fetch ids in use are below; those of one step are above, until `withFetchIds` puts them in their place. */
const FIRST_FRESH_ID = 16
const MAX_IDS = 30

/** What may be fed to a replica whose process lives. `argument`: a number that says which. */
export type ReplicaInput = 'apply' | 'deliver' | 'complete' | 'produce' | 'disconnect' | Jump
const INPUTS: readonly ReplicaInput[] = ['apply', 'deliver', 'complete', 'produce', 'disconnect', 'soon', 'later', 'lag']
const inputNumbers = Object.fromEntries(INPUTS.map((input, at) => [input, at])) as Readonly<Record<ReplicaInput, number>>

interface Assigned {
  readonly input: AssignInput
  readonly brokerEpoch: number
}

/**
 * The replicas that come up, by number, and what each step of each leads to. A replica in a state is stepped once for each input, on a copy; the
 * next time the same is asked for, it is known. What is explored are combinations of those numbers.
 */
export class Replicas {
  readonly #nodeIds: readonly number[]
  readonly #batches: Batches
  readonly #messages: Messages
  readonly #replicas = new Numbered<Replica>()
  readonly #happenings = new Numbered<readonly Happening[]>()
  readonly #assigned = new Numbered<Assigned>()
  readonly #outcomes: (Outcome | Violation)[] = []
  /** By number of the replica, and input with its argument. */
  readonly #known = new PairTable()
  /** By number of the replica with the owner, and the ids in use. */
  readonly #renamed = new PairTable()
  readonly #idsOf: (readonly number[])[] = []
  #nextFetchId = FIRST_FRESH_ID
  readonly #fetchIds = Object.freeze({ next: (): number => this.#nextFetchId++ })

  constructor(options: { readonly nodeIds: readonly number[]; readonly batches: Batches; readonly messages: Messages }) {
    this.#nodeIds = options.nodeIds
    this.#batches = options.batches
    this.#messages = options.messages
    assert(this.#happenings.number('', () => []) === 0, 'nothing happening is number 0')
  }

  get size(): number {
    return this.#replicas.size
  }

  get(number: number): Replica {
    return this.#replicas.get(number)
  }

  number(replica: Replica): number {
    return this.#replicas.number(replicaText(replica), () => replica)
  }

  happenings(number: number): readonly Happening[] {
    return this.#happenings.get(number)
  }

  assignNumber(assigned: Assigned): number {
    return this.#assigned.number(textOf(assigned), () => ({ ...assigned, input: freeze(assigned.input) }))
  }

  /** Throws the violation that the step leads to. */
  step(number: number, input: ReplicaInput, argument: number): Outcome {
    const outcome = this.#outcome(number, input, argument)
    if (outcome instanceof Violation) throw outcome
    return outcome
  }

  /** Undefined: the step leads to a violation. */
  tryStep(number: number, input: ReplicaInput, argument: number): Outcome | undefined {
    const outcome = this.#outcome(number, input, argument)
    return outcome instanceof Violation ? undefined : outcome
  }

  #outcome(number: number, input: ReplicaInput, argument: number): Outcome | Violation {
    const inputNumber = inputNumbers[input] + INPUTS.length * argument
    const known = this.#known.get(number, inputNumber)
    if (known >= 0) return this.#outcomes[known] as Outcome | Violation
    const outcome = this.#try(number, input, argument)
    this.#known.set(number, inputNumber, this.#outcomes.length)
    this.#outcomes.push(outcome)
    return outcome
  }

  /** A new process on what the disk holds. */
  start(number: number, options: { readonly mark: number; readonly damaged: boolean }): number {
    const replica = this.get(number)
    const memory = replica.durable
    const epochs = new EpochTable()
    const producers = Producers.restore(undefined)
    for (const batch of memory) {
      const { header } = this.#batches.get(batch)
      epochs.note(header.leaderEpoch, header.baseOffset)
      producers.replay(header)
    }
    const core = new Partition({
      nodeId: replica.nodeId,
      log: { startOffset: 0, startBatchOffset: 0, endOffset: memory.length, syncedEndOffset: memory.length, cutCount: 0, epochs: epochs.entries },
      highWatermark: Math.min(options.mark, memory.length),
      producers,
      fetchIds: this.#fetchIds,
      lagTicks: LAG_TICKS,
      reportTicks: JUMP_TICKS.soon,
      fetchMaxBytes: 1_000_000,
      maxUnansweredBatches: 5,
      repairing: options.damaged,
    })
    // What is read while it is made is not read again: it would be copied for nothing.
    const machine = opened(core)
    machine._options = freeze({ ...machine._options, producers: null, log: null } as unknown as typeof machine._options)
    return this.number({
      ...replica,
      core,
      memory,
      round: undefined,
      brokerEpoch: -1,
      damaged: options.damaged,
      proposal: -1,
      mark: 0,
    })
  }

  /** Fetch ids of the replica `owner`, as bits, that this one holds. */
  fetchIds(number: number, owner: number): number {
    let ids = this.#idsOf[number]
    if (ids === undefined) {
      const { core, nodeId } = this.get(number)
      ids = this.#nodeIds.map((one) => (core === undefined ? 0 : fetchIdsIn(core, nodeId, one)))
      this.#idsOf[number] = ids
    }
    return ids[this.#nodeIds.indexOf(owner)] as number
  }

  /** Of all ids of `owner` that are in use anywhere (bits in `used`), each counts how many are below it: only their order means something. */
  withFetchIds(number: number, owner: number, used: number): number {
    if (this.fetchIds(number, owner) === 0) return number
    const [one, other] = [number * this.#nodeIds.length + this.#nodeIds.indexOf(owner), used]
    const known = this.#renamed.get(one, other)
    if (known >= 0) return known
    const replica = fork(this.get(number))
    if (replica.core !== undefined) renameFetchIds(replica.core, replica.nodeId, owner, (id) => countBits(used & ((1 << id) - 1)))
    const renamed = this.number(replica)
    this.#renamed.set(one, other, renamed)
    return renamed
  }

  #try(number: number, input: ReplicaInput, argument: number): Outcome | Violation {
    this.#nextFetchId = FIRST_FRESH_ID
    const before = fork(this.get(number))
    assert(before.core !== undefined, 'the process of a replica that is stepped lives')
    const step = new ReplicaStep(before, before.core, { batches: this.#batches, messages: this.#messages })
    try {
      this.#feed(step, input, argument)
      step.settle()
    } catch (error) {
      return toViolation(error)
    }
    assert(this.#nextFetchId < MAX_IDS, 'few fetches are sent in one step')
    const replica = this.number(step.replica)
    const happenings = step.happenings.length === 0 ? 0 : this.#happenings.number(textOf(step.happenings), () => step.happenings)
    return { replica, sends: step.sends, happenings, isChanged: replica !== number || step.sends.length > 0 }
  }

  #feed(step: ReplicaStep, input: ReplicaInput, argument: number): void {
    const { replica } = step
    switch (input) {
      case 'apply': {
        const assigned = this.#assigned.get(argument)
        replica.brokerEpoch = assigned.brokerEpoch
        step.feed(assigned.input)
        // A decision names this broker epoch in the ISR: what it holds is known to be whole (rules R3.4).
        if (isInIsr(assigned.input.state.isr, replica.nodeId, assigned.brokerEpoch)) Object.assign(replica, { suspect: false, damaged: false, harmed: false })
        return
      }
      case 'deliver':
        this.#deliver(step, argument)
        return
      case 'complete':
        complete(step, argument)
        return
      case 'produce':
        this.#produce(step, argument)
        return
      case 'disconnect':
        step.feed({ type: 'disconnected', nodeId: argument })
        return
      default:
        for (let left = JUMP_TICKS[input]; left > 0; left--) step.feed({ type: 'tick' })
    }
  }

  #deliver(step: ReplicaStep, number: number): void {
    const message = this.#messages.get(number)
    if (message.type === 'fetch') step.feed({ type: 'fetch', from: message.from, fetch: message.fetch })
    else if (message.type === 'answer') {
      const { batches } = message
      const headers = batches.map((batch) => this.#batches.get(batch).header)
      step.feed({ type: 'answer', from: message.from, answer: message.answer, headers, bytes: this.#batches.bytesOf(batches) }, batches)
    } else if (message.type === 'isrAnswer' && message.proposal === step.replica.proposal) {
      const proposal = this.#messages.get(message.proposal) as Proposal
      step.replica.proposal = -1
      step.feed({ type: 'isrAnswer', leaderEpoch: proposal.leaderEpoch, partitionEpoch: proposal.partitionEpoch, code: message.code })
    }
  }

  /** `argument`: the produce id. */
  #produce(step: ReplicaStep, produceId: number): void {
    const record = Math.floor(produceId / produceIdOf(1, 0))
    const bytes = this.#batches.produced(record)
    const header = this.#batches.producedHeader(record)
    step.feed({ type: 'produce', produceId, nowMs: 0, acks: -1, currentLeaderEpoch: -1, header, bytes })
  }
}

type Proposal = Extract<Message, { readonly type: 'proposal' }>

/** The round under way ends: with what the log has up to `endOffset`, or, after a cut, with what was true before it (rules R3.2). */
function complete(step: ReplicaStep, endOffset: number): void {
  const { replica } = step
  const { round, core } = replica
  assert(round !== undefined && core !== undefined, 'a round that is under way ends')
  replica.round = undefined
  const isStale = round.cutCount !== core.cutCount
  if (!isStale) replica.durable = replica.memory.slice(0, endOffset)
  const completion: PartitionInput = { type: 'synced', cutCount: round.cutCount, endOffset: isStale ? round.endOffset : endOffset }
  step.feed(completion)
}
