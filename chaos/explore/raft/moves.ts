import { assert } from '../../../src/base/assert.ts'
import { demand } from '../../check/violation.ts'
import { afterCrash, commonLength } from '../abstract-disk.ts'
import type { State } from '../model.ts'
import { crashesOf, partsOf } from './actions.ts'
import { indexOfRaftBound } from './bounds.ts'
import { isDead } from './dead-messages.ts'
import type { RaftRegisters } from './registers.ts'
import type { VoterNode } from './voter.ts'
import type { VoterInput } from './voters.ts'
import { isLeft, pack, type RaftWorld, spend } from './world.ts'

const TIMES = { campaign: 'campaigns', timer: 'campaigns', isolation: 'isolations', heartbeat: 'heartbeats' } as const

/** What each action does to the world. */
export class RaftMoves {
  readonly #registers: RaftRegisters
  readonly #dead = new Map<string, boolean>()

  constructor(registers: RaftRegisters) {
    this.#registers = registers
  }

  /** Whether a possible action changes anything. */
  isWorthwhile(world: RaftWorld, action: number): boolean {
    const { kind, at, which } = partsOf(action)
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
      default:
        return true
    }
  }

  /** Whether it matters that the receiver has not heard its leader for a while. */
  #isOtherwise(world: RaftWorld, message: number): boolean {
    const { voters, nodeIds } = this.#registers
    const node = world.nodes[nodeIds.indexOf(voters.message(message).to)] as number
    const [late, soon] = [voters.tryStep(node, 'deliverLate', message), voters.tryStep(node, 'deliver', message)]
    return late?.sends.join() !== soon?.sends.join() || late?.happenings !== soon?.happenings
  }

  /** Changes `world`; the state that it is then. Throws what is wrong with it. */
  perform(world: RaftWorld, action: number): State {
    const { kind, at, which } = partsOf(action)
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
        const record = this.#registers.bounds.entries - (world.left[indexOfRaftBound('entries')] as number)
        spend(world, 'entries')
        this.#step(world, at, 'propose', record)
        break
      }
      case 'campaign':
      case 'timer':
      case 'isolation':
      case 'heartbeat':
        // On the way back to health time passes by itself.
        if (isLeft(world, TIMES[kind])) spend(world, TIMES[kind])
        this.#step(world, at, kind, 0)
        break
      case 'transfer':
        spend(world, 'transfers')
        this.#step(world, at, kind, which)
        break
      default:
        this.#step(world, at, kind, 0)
    }
    this.#checkCommitted(world)
    return this.pack(world)
  }

  pack(world: RaftWorld): State {
    world.messages = world.messages.filter((number) => !this.#isDead(world, number))
    const { voters, ordered } = this.#registers
    return pack(world, ordered ? (message) => voters.wayOf(message) : (message) => message)
  }

  #node(world: RaftWorld, at: number): VoterNode {
    return this.#registers.voters.get(world.nodes[at] as number)
  }

  /** I1 of the metadata: what is committed is on the disks of a majority, and stays there. */
  #checkCommitted(world: RaftWorld): void {
    const { histories, entries, nodeIds } = this.#registers
    const { committed } = histories.get(world.history)
    const holders = nodeIds.filter((_, at) => commonLength(committed, this.#node(world, at).durable) === committed.length)
    demand(
      holders.length * 2 > nodeIds.length,
      'I1',
      () => `${entries.describe(committed)} is committed, and on the disks of ${holders.join(', ') || 'nobody'}`,
    )
  }

  #step(world: RaftWorld, at: number, input: VoterInput, argument: number): void {
    const { voters, histories } = this.#registers
    const outcome = voters.step(world.nodes[at] as number, input, argument)
    world.nodes[at] = outcome.node
    // What goes to a dead process goes nowhere.
    for (const sent of outcome.sends) if (this.#isAlive(world, voters.message(sent).to)) world.messages.push(sent)
    world.history = histories.after(world.history, outcome.happenings, voters.happenings(outcome.happenings))
  }

  #isAlive(world: RaftWorld, nodeId: number): boolean {
    return this.#node(world, this.#registers.nodeIds.indexOf(nodeId)).core !== undefined
  }

  #isDead(world: RaftWorld, number: number): boolean {
    const { voters, nodeIds } = this.#registers
    const receiver = world.nodes[nodeIds.indexOf(voters.message(number).to)] as number
    const key = `${number} ${receiver}`
    let dead = this.#dead.get(key)
    if (dead === undefined) this.#dead.set(key, (dead = isDead(number, receiver, voters)))
    return dead
  }

  #message(world: RaftWorld, kind: 'deliver' | 'deliverLate' | 'lose' | 'duplicate', which: number): void {
    const number = world.messages[which] as number
    if (kind !== 'duplicate') world.messages.splice(which, 1)
    if (kind === 'lose') spend(world, 'losses')
    if (kind === 'duplicate') spend(world, 'duplicates')
    if (kind === 'lose') return
    const at = this.#registers.nodeIds.indexOf(this.#registers.voters.message(number).to)
    this.#step(world, at, kind === 'deliverLate' ? kind : 'deliver', number)
  }

  /** The process ends; its disk keeps one of the things that it may keep. */
  #crash(world: RaftWorld, at: number, which: number): void {
    const node = this.#node(world, at)
    assert(node.core !== undefined && which < crashesOf(node), 'a process that lives ends in one of the ways there are')
    spend(world, 'crashes')
    const logs = afterCrash(node.durable, node.memory)
    const durable = logs[which % logs.length] as readonly number[]
    const vote = which < logs.length ? node.vote : (node.savingVote ?? node.vote)
    const left = { nodeId: node.nodeId, core: undefined, memory: durable, durable, round: undefined, asked: undefined, vote, savingVote: undefined }
    world.nodes[at] = this.#registers.voters.number(left)
    world.messages = world.messages.filter((number) => this.#registers.voters.message(number).to !== node.nodeId)
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
