import type { RaftEffect, RaftInput } from '../../../src/raft/effects.ts'
import type { RaftMessage } from '../../../src/raft/messages.ts'
import type { Raft } from '../../../src/raft/raft.ts'
import { demand } from '../../check/violation.ts'
import { commonLength } from '../abstract-disk.ts'
import { type Entries, OPENING } from './entries.ts'
import { forgetOrder, forgetTime } from './opened-raft.ts'
import { type Happening, type Sent, type VoterNode, voterSetOf } from './voter.ts'

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** One input of one core and all its effects, performed as its driver does: at once and in order. `node` is changed. */
export class VoterStep {
  readonly node: Mutable<VoterNode>
  readonly sent: Sent[] = []
  readonly happenings: Happening[] = []
  readonly #core: Raft
  readonly #entries: Entries
  readonly #nodeIds: readonly number[]

  constructor(node: VoterNode, core: Raft, options: { readonly entries: Entries; readonly nodeIds: readonly number[] }) {
    this.node = { ...node, core }
    this.#core = core
    this.#entries = options.entries
    this.#nodeIds = options.nodeIds
  }

  feed(input: RaftInput): void {
    const core = this.#core
    const before = { term: core.term, commitIndex: core.commitIndex }
    const completions: RaftInput[] = []
    for (const effect of core.step(input)) this.#perform(effect, completions)
    const { node } = this
    demand(core.endOffset === node.memory.length, 'assert', () => `node ${node.nodeId}: the machine and its log part`)
    demand(core.term >= before.term, 'I5', () => `the term of node ${node.nodeId} fell from ${before.term} to ${core.term}`)
    demand(core.commitIndex >= before.commitIndex, 'I5', () => `the commit index of node ${node.nodeId} fell from ${before.commitIndex} to ${core.commitIndex}`)
    const synced = commonLength(node.memory, node.durable)
    demand(core.persistedEndOffset <= synced, 'I9', () => `node ${node.nodeId} counts ${core.persistedEndOffset} as persisted, its disk holds ${synced}`)
    for (const completion of completions) this.feed(completion)
  }

  /** The disk begins its next round; time is forgotten, and who came first. */
  settle(): void {
    const { node } = this
    if (node.round === undefined && node.asked !== undefined) {
      node.round = { ...node.asked, isOvertaken: false }
      node.asked = undefined
    }
    forgetTime(this.#core)
    forgetOrder(this.#core)
  }

  #perform(effect: RaftEffect, completions: RaftInput[]): void {
    const { node } = this
    switch (effect.type) {
      case 'saveVote':
        node.savingVote = { term: effect.term, votedFor: effect.votedFor }
        break
      case 'append':
        this.#append(
          effect,
          effect.entries.map((entry) => this.#entries.number(entry)),
          completions,
        )
        break
      case 'appendOpening':
        this.#append(effect, [this.#entries.numberOf(OPENING, effect.term)], completions)
        break
      case 'truncate':
        node.memory = node.memory.slice(0, effect.endOffset)
        if (node.round !== undefined) node.round = { ...node.round, isOvertaken: true }
        node.asked = undefined
        break
      case 'send':
        this.#send(effect.to, effect.message)
        break
      case 'sendEntries':
        this.#sendEntries(effect, completions)
        break
      case 'committed':
        this.happenings.push({
          type: 'committed',
          nodeId: node.nodeId,
          log: node.memory.slice(0, effect.commitIndex),
          term: this.#core.term,
          isLeader: this.#core.isLeader,
        })
        break
      case 'role':
        if (effect.role === 'leader') this.happenings.push({ type: 'leads', nodeId: node.nodeId, term: effect.term, log: node.memory })
        break
      case 'startTimer':
      case 'accepted':
      case 'refused':
      case 'transfer':
        break
      default:
        throw new Error(`${effect.type}: no snapshot is taken here, no voter changes and nobody reads`)
    }
  }

  #append(effect: { readonly startOffset: number; readonly term: number }, numbers: readonly number[], completions: RaftInput[]): void {
    const { node } = this
    demand(
      effect.startOffset === node.memory.length,
      'assert',
      () => `node ${node.nodeId} appends at ${effect.startOffset}, its log ends at ${node.memory.length}`,
    )
    const isFirst = node.memory.length === 0 && numbers.length > 0
    node.memory = [...node.memory, ...numbers]
    for (const [at, entry] of numbers.entries()) this.happenings.push({ type: 'wrote', offset: effect.startOffset + at, entry })
    node.asked = { term: effect.term, endOffset: node.memory.length }
    if (isFirst) completions.unshift({ type: 'voterSet', set: voterSetOf(node.memory, this.#nodeIds) })
  }

  #sendEntries(effect: Extract<RaftEffect, { type: 'sendEntries' }>, completions: RaftInput[]): void {
    const { to, term, startOffset, endOffset, previousTerm, commitIndex } = effect
    const entries = this.node.memory.slice(startOffset, endOffset).map((number) => this.#entries.get(number))
    this.#send(to, { type: 'append', term, startOffset, previousTerm, commitIndex, entries })
    completions.push({ type: 'entriesSent', to, term, startOffset, endOffset, sizeBytes: entries.length })
  }

  /** I9: a message of a term leaves when the term, and the vote in it, are on disk; an acceptance tells what the disk holds. */
  #send(to: number, message: RaftMessage): void {
    const { nodeId, vote, memory, durable } = this.node
    const isPreVote = 'preVote' in message && message.preVote
    demand(
      isPreVote || message.term <= vote.term,
      'I9',
      () => `node ${nodeId} sends a ${message.type} of term ${message.term}, its disk knows term ${vote.term}`,
    )
    if (message.type === 'voteReply' && message.granted && !message.preVote) {
      demand(vote.term === message.term && vote.votedFor === to, 'I9', () => `node ${nodeId} grants ${to} a vote that is not on its disk`)
    }
    if (message.type === 'appendReply' && message.result.type === 'accepted') {
      const { persistedEndOffset } = message.result
      demand(persistedEndOffset <= commonLength(memory, durable), 'I9', () => `node ${nodeId} accepts up to ${persistedEndOffset}, and has not synced that`)
    }
    this.sent.push({ from: nodeId, to, message })
  }
}
