import { assert } from '../../../src/base/assert.ts'
import { demand } from '../../check/violation.ts'
import { afterCrash, commonLength } from '../abstract-disk.ts'
import type { State } from '../model.ts'
import { PairTable } from '../pair-table.ts'
import { crashesOf, type RaftActionKind, raftActions } from './actions.ts'
import type { RaftBoundName } from './bounds.ts'
import { DeadMessages } from './dead-messages.ts'
import type { RaftRegisters } from './registers.ts'
import type { VoterNode } from './voter.ts'
import type { VoterInput } from './voters.ts'
import { addMessage, pack, type RaftWorld } from './world.ts'

/** Of all places. */
const ALL = -1
const TIMES = { campaign: 'campaigns', timer: 'campaigns', isolation: 'isolations', heartbeat: 'heartbeats' } as const

/** What each action does to the world. */
export class RaftMoves {
  readonly #registers: RaftRegisters
  readonly #dead: DeadMessages
  readonly #otherwise = new PairTable()
  /** By node and history: 1 its disk holds all that is committed, 0 not. */
  readonly #holding = new PairTable()
  readonly #placeOf: (message: number) => number
  /** The nodes that the action under way has changed, a bit a place. */
  #changed = 0

  constructor(registers: RaftRegisters) {
    this.#registers = registers
    this.#dead = new DeadMessages(registers)
    const { ordered, voters } = registers
    this.#placeOf = ordered ? (message) => voters.wayOf(message) : (message) => message
  }

  /** Whether a possible action changes anything. */
  isWorthwhile(world: RaftWorld, action: number): boolean {
    const { kind, at, which } = raftActions.parts(action)
    switch (kind) {
      case 'deliverLate':
        return this.#isOtherwise(world, world.messages[which] as number)
      case 'campaign':
      case 'silence':
      case 'timer':
      case 'heartbeat':
      case 'isolation':
      case 'transfer':
        return this.#registers.voters.tryStep(world.nodes[at] as number, kind, which)?.isChanged !== false
      case 'notice':
        return this.#registers.voters.tryStep(world.nodes[at] as number, 'peerRefused', this.#registers.nodeIds[which] as number)?.isChanged !== false
      default:
        return true
    }
  }

  /** Whether it matters that the receiver has not heard its leader for a while. */
  #isOtherwise(world: RaftWorld, message: number): boolean {
    const { voters } = this.#registers
    const node = world.nodes[this.#receiverOf(message)] as number
    let known = this.#otherwise.get(message, node)
    if (known < 0) {
      const [late, soon] = [voters.tryStep(node, 'deliverLate', message), voters.tryStep(node, 'deliver', message)]
      known = Number(late?.sends.join() !== soon?.sends.join() || late?.happenings !== soon?.happenings)
      this.#otherwise.set(message, node, known)
    }
    return known === 1
  }

  /** Changes `world`; the state that it is then. Throws what is wrong with it. */
  perform(world: RaftWorld, action: number): State {
    const { kind, at, which } = raftActions.parts(action)
    const { left } = world
    this.#changed = 0
    this.#perform(world, kind, at, which)
    this.#checkCommitted(world)
    // With less left to happen, more is dead.
    this.#dead.drop(world, left === world.left ? this.#changed : ALL)
    return pack(world)
  }

  #perform(world: RaftWorld, kind: RaftActionKind, at: number, which: number): void {
    switch (kind) {
      case 'deliver':
      case 'deliverLate':
      case 'lose':
      case 'duplicate':
        this.#message(world, kind, which)
        break
      case 'crash':
        this.#crash(world, at, which)
        break
      case 'start':
        this.#start(world, at)
        break
      case 'notice':
        this.#step(world, at, 'peerRefused', this.#registers.nodeIds[which] as number)
        break
      case 'propose': {
        const record = this.#registers.bounds.entries - this.#registers.left.count(world.left, 'entries')
        this.#spend(world, 'entries')
        this.#step(world, at, 'propose', record)
        break
      }
      case 'campaign':
      case 'timer':
      case 'isolation':
      case 'heartbeat':
        // On the way back to health time passes by itself.
        if (this.#registers.left.isLeft(world.left, TIMES[kind])) this.#spend(world, TIMES[kind])
        this.#step(world, at, kind, 0)
        break
      case 'transfer':
        this.#spend(world, 'transfers')
        this.#step(world, at, kind, which)
        break
      default:
        this.#step(world, at, kind, 0)
    }
  }

  #spend(world: RaftWorld, name: RaftBoundName): void {
    world.left = this.#registers.left.spend(world.left, name)
  }

  #receiverOf(message: number): number {
    return this.#registers.placeOf(this.#registers.voters.receiverOf(message))
  }

  #node(world: RaftWorld, at: number): VoterNode {
    return this.#registers.voters.get(world.nodes[at] as number)
  }

  /** I1 of the metadata: what is committed is on the disks of a majority, and stays there. */
  #checkCommitted(world: RaftWorld): void {
    const { entries, histories, nodeIds } = this.#registers
    let holders = 0
    for (let at = 0; at < world.nodes.length; at++) if (this.#holds(world, at)) holders += 1
    const describe = (): string => {
      const holding = nodeIds.filter((_, at) => this.#holds(world, at))
      return `${entries.describe(histories.get(world.history).committed)} is committed, and on the disks of ${holding.join(', ') || 'nobody'}`
    }
    demand(holders * 2 > nodeIds.length, 'I1', describe)
  }

  #holds(world: RaftWorld, at: number): boolean {
    const [node, history] = [world.nodes[at] as number, world.history]
    let known = this.#holding.get(node, history)
    if (known < 0) {
      const { committed } = this.#registers.histories.get(history)
      known = Number(commonLength(committed, this.#node(world, at).durable) === committed.length)
      this.#holding.set(node, history, known)
    }
    return known === 1
  }

  #step(world: RaftWorld, at: number, input: VoterInput, argument: number): void {
    const { voters, histories } = this.#registers
    const outcome = voters.step(world.nodes[at] as number, input, argument)
    world.nodes[at] = outcome.node
    this.#changed |= 1 << at
    for (const sent of outcome.sends) {
      // What goes to a dead process goes nowhere.
      if (this.#node(world, this.#receiverOf(sent)).core !== undefined && !this.#dead.isDead(world, sent)) addMessage(world, sent, this.#placeOf)
    }
    world.history = histories.after(world.history, outcome.happenings, voters.happenings(outcome.happenings))
  }

  #message(world: RaftWorld, kind: 'deliver' | 'deliverLate' | 'lose' | 'duplicate', which: number): void {
    const number = world.messages[which] as number
    const at = this.#receiverOf(number)
    if (kind === 'deliver') this.#dead.checkRejections(world, this.#registers.voters.tryStep(world.nodes[at] as number, kind, number)?.sends ?? [])
    if (kind !== 'duplicate') world.messages.splice(which, 1)
    if (kind === 'lose') this.#spend(world, 'losses')
    if (kind === 'duplicate') this.#spend(world, 'duplicates')
    if (kind === 'lose') return
    this.#step(world, at, kind === 'deliverLate' ? kind : 'deliver', number)
  }

  /** The process ends; its disk keeps one of the things that it may keep. */
  #crash(world: RaftWorld, at: number, which: number): void {
    const node = this.#node(world, at)
    assert(node.core !== undefined && which < crashesOf(node), 'a process that lives ends in one of the ways there are')
    this.#spend(world, 'crashes')
    const logs = afterCrash(node.durable, node.memory)
    const durable = logs[which % logs.length] as readonly number[]
    const vote = which < logs.length ? node.vote : (node.savingVote ?? node.vote)
    const left = { nodeId: node.nodeId, core: undefined, memory: durable, durable, round: undefined, asked: undefined, vote, savingVote: undefined }
    world.nodes[at] = this.#registers.voters.number(left)
    world.messages = world.messages.filter((number) => this.#registers.voters.receiverOf(number) !== node.nodeId)
  }

  /** A new process; it and all that live hear of each other. */
  #start(world: RaftWorld, at: number): void {
    const { voters, nodeIds } = this.#registers
    world.nodes[at] = voters.start(world.nodes[at] as number)
    nodeIds.forEach((nodeId, other) => {
      if (other === at || this.#node(world, other).core === undefined) return
      this.#step(world, at, 'peerUp', nodeId)
      this.#step(world, other, 'peerUp', nodeIds[at] as number)
    })
  }
}
