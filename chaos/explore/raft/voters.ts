import { assert, unreachable } from '../../../src/base/assert.ts'
import { EpochTable } from '../../../src/base/epochs.ts'
import { Raft } from '../../../src/raft/raft.ts'
import { Violation } from '../../check/violation.ts'
import { freeze, Numbered, textOf } from '../object-graph.ts'
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

const ARGUMENTS = 0x100_0000
/** More than there ever are. */
const MAX_NODES = 8
/** Waits are as long as the exploration says: opened-raft.ts. */
const NO_CHANCE = freeze({ integer: () => 0, fork: () => NO_CHANCE })

/** The nodes that come up, by number, and what each step of each leads to: stepped once, on a copy, and known from then on. */
export class Voters {
  readonly #nodeIds: readonly number[]
  readonly #entries: Entries
  readonly #nodes = new Numbered<VoterNode>()
  readonly #messages = new Numbered<Sent>()
  readonly #happenings = new Numbered<readonly Happening[]>()
  readonly #outcomes = new Map<number, Outcome | Violation>()

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

  message(number: number): Sent {
    return this.#messages.get(number)
  }

  /** From whom to whom a message goes, as one number. */
  wayOf(number: number): number {
    const { from, to } = this.message(number)
    return from * MAX_NODES + to
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
    return this.number({ ...node, core, memory: log })
  }

  #outcome(number: number, input: VoterInput, argument: number): Outcome | Violation {
    const key = (number * INPUTS.length + INPUTS.indexOf(input)) * ARGUMENTS + argument
    let outcome = this.#outcomes.get(key)
    if (outcome === undefined) this.#outcomes.set(key, (outcome = this.#try(number, input, argument)))
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
    const sends = step.sent.map((sent) => this.#messages.number(textOf(sent), () => freeze(sent)))
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
