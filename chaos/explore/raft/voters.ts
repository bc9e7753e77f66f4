import { assert, unreachable } from '../../../src/base/assert.ts'
import { EpochTable } from '../../../src/base/epochs.ts'
import { Raft } from '../../../src/raft/raft.ts'
import { Violation } from '../../check/violation.ts'
import { freeze, Numbered, textOf } from '../object-graph.ts'
import { PairTable } from '../pair-table.ts'
import { toViolation } from '../search.ts'
import type { Entries } from './entries.ts'
import { beatNext, beSilent, loseQuorum, opened, timeOut } from './opened-raft.ts'
import { fork, type Happening, identityOf, nodeText, type Outcome, type Sent, type VoterNode, voterSetOf } from './voter.ts'
import { VoterStep } from './voter-step.ts'

/** What may be fed to a node whose process lives. `argument`: a number that says which. */
const INPUTS = [
  'deliver',
  'deliverLate',
  'persist',
  'save',
  'campaign',
  'silence',
  'timer',
  'heartbeat',
  'isolation',
  'propose',
  'transfer',
  'peerUp',
  'peerRefused',
] as const
export type VoterInput = (typeof INPUTS)[number]
const inputNumbers = Object.fromEntries(INPUTS.map((input, at) => [input, at])) as Readonly<Record<VoterInput, number>>

/** More than there ever are. */
const MAX_NODES = 8
/** Waits are as long as the exploration says: opened-raft.ts. */
const NO_CHANCE = freeze({ integer: () => 0, fork: () => NO_CHANCE })

/** How a node first came up: by which step of which other; without `input`, as a new process on what that one's disk holds. */
export interface Origin {
  readonly from: number
  readonly input?: VoterInput
  readonly argument: number
}

type OutcomeListener = (number: number, input: VoterInput, argument: number, outcome: Outcome | Violation) => void

/** The nodes that come up, by number, and what each step of each leads to: stepped once, on a copy, and known from then on. */
export class Voters {
  readonly #nodeIds: readonly number[]
  readonly #entries: Entries
  readonly #nodes = new Numbered<VoterNode>()
  readonly #messages = new Numbered<Sent>()
  readonly #happenings = new Numbered<readonly Happening[]>()
  readonly #outcomes: (Outcome | Violation)[] = []
  /** By number of the node, and input with its argument. */
  readonly #known = new PairTable()
  readonly #origins: (Origin | undefined)[] = []
  readonly #ways: number[] = []
  readonly #receivers: number[] = []
  readonly #preVotes: boolean[] = []
  #onOutcome: OutcomeListener = () => undefined

  constructor(nodeIds: readonly number[], entries: Entries) {
    this.#nodeIds = nodeIds
    this.#entries = entries
    assert(this.#happenings.number('', () => []) === 0, 'nothing happening is number 0')
  }

  get(number: number): VoterNode {
    return this.#nodes.get(number)
  }

  number(node: VoterNode): number {
    return this.#nodes.number(nodeText(node), () => node)
  }

  /** Undefined: it never lived, or died. */
  originOf(number: number): Origin | undefined {
    return this.#origins[number]
  }

  message(number: number): Sent {
    return this.#messages.get(number)
  }

  messageNumber(sent: Sent): number {
    const number = this.#messages.number(textOf(sent), () => freeze(sent))
    const { from, to, message } = sent
    this.#ways[number] = from * MAX_NODES + to
    this.#receivers[number] = to
    this.#preVotes[number] = message.type === 'voteRequest' && message.preVote
    return number
  }

  /** From whom to whom a message goes, as one number. */
  wayOf(number: number): number {
    return this.#ways[number] as number
  }

  receiverOf(number: number): number {
    return this.#receivers[number] as number
  }

  /** Whether the answer depends on when the receiver heard its leader. */
  isPreVote(number: number): boolean {
    return this.#preVotes[number] as boolean
  }

  /** Told of each step that was tried for the first time. */
  listen(listener: OutcomeListener): void {
    this.#onOutcome = listener
  }

  happenings(number: number): readonly Happening[] {
    return this.#happenings.get(number)
  }

  /** Throws the violation that the step leads to. */
  step(number: number, input: VoterInput, argument: number): Outcome {
    const outcome = this.#outcome(number, input, argument)
    if (outcome instanceof Violation) throw outcome
    return outcome
  }

  /** Undefined: the step leads to a violation. */
  tryStep(number: number, input: VoterInput, argument: number): Outcome | undefined {
    const outcome = this.#outcome(number, input, argument)
    return outcome instanceof Violation ? undefined : outcome
  }

  /** A new process on what the disk holds. */
  start(number: number): number {
    const node = this.get(number)
    const log = node.durable
    const epochs = new EpochTable()
    for (const [offset, entry] of log.entries()) epochs.note(this.#entries.get(entry).term, offset)
    const core = new Raft({
      self: identityOf(node.nodeId),
      canVote: true,
      firstVoterIds: this.#nodeIds,
      random: NO_CHANCE,
      term: node.vote.term,
      votedFor: node.vote.votedFor,
      epochs: epochs.entries,
      startOffset: 0,
      startTerm: -1,
      endOffset: log.length,
      persistedEndOffset: log.length,
      voterSet: voterSetOf(log, this.#nodeIds),
    })
    const started = this.number({ ...node, core, memory: log })
    this.#origins[started] ??= { from: number, argument: 0 }
    return started
  }

  #outcome(number: number, input: VoterInput, argument: number): Outcome | Violation {
    const inputNumber = inputNumbers[input] + INPUTS.length * argument
    const known = this.#known.get(number, inputNumber)
    if (known >= 0) return this.#outcomes[known] as Outcome | Violation
    const outcome = this.#try(number, input, argument)
    this.#known.set(number, inputNumber, this.#outcomes.length)
    this.#outcomes.push(outcome)
    if (!(outcome instanceof Violation)) this.#origins[outcome.node] ??= { from: number, input, argument }
    this.#onOutcome(number, input, argument, outcome)
    return outcome
  }

  #try(number: number, input: VoterInput, argument: number): Outcome | Violation {
    const before = fork(this.get(number))
    assert(before.core !== undefined, 'the process of a node that is stepped lives')
    const step = new VoterStep(before, before.core, { entries: this.#entries, nodeIds: this.#nodeIds })
    try {
      this.#feed(step, before.core, input, argument)
      step.settle()
    } catch (error) {
      return toViolation(error)
    }
    const node = this.number(step.node)
    const sends = step.sent.map((sent) => this.messageNumber(sent))
    const happenings = step.happenings.length === 0 ? 0 : this.#happenings.number(textOf(step.happenings), () => step.happenings)
    return { node, sends, happenings, isChanged: node !== number || sends.length > 0 }
  }

  #feed(step: VoterStep, core: Raft, input: VoterInput, argument: number): void {
    const { node } = step
    switch (input) {
      case 'deliver':
      case 'deliverLate': {
        if (input === 'deliverLate') beSilent(core)
        const { from, message } = this.message(argument)
        step.feed({ type: 'message', from: identityOf(from), message })
        return
      }
      case 'persist':
        persist(step)
        return
      case 'save':
        assert(node.savingVote !== undefined, 'a vote that is being saved is saved')
        node.vote = node.savingVote
        node.savingVote = undefined
        step.feed({ type: 'voteSaved', ...node.vote })
        return
      case 'timer':
        step.feed({ type: 'timer', timerId: opened(core)._clock._timerId })
        return
      case 'propose':
        step.feed({ type: 'propose', proposalId: argument, entries: [this.#entries.get(this.#entries.numberOf(argument, core.term)).bytes] })
        return
      case 'transfer':
        step.feed({ type: 'transfer', to: argument })
        return
      case 'peerUp':
        step.feed({ type: 'peerUp', peer: identityOf(argument) })
        return
      case 'peerRefused':
        step.feed({ type: 'peerDown', nodeId: argument, reason: 'refused' })
        return
      case 'silence':
        beSilent(core)
        return
      case 'campaign':
      case 'heartbeat':
      case 'isolation':
        TIME[input](core)
        step.feed({ type: 'tick' })
        return
      default:
        unreachable(input)
    }
  }
}

const TIME = { campaign: timeOut, heartbeat: beatNext, isolation: loseQuorum } as const

/** The round under way ends; one that a cut overtook says nothing (rules R3.2). */
function persist(step: VoterStep): void {
  const { node } = step
  const { round } = node
  assert(round !== undefined, 'a round that is under way ends')
  node.round = undefined
  if (round.isOvertaken) return
  node.durable = node.memory.slice(0, round.endOffset)
  step.feed({ type: 'persisted', term: round.term, endOffset: round.endOffset })
}
