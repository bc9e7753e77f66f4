import { PairTable } from '../pair-table.ts'
import type { Message } from './messages.ts'
import type { Registers } from './registers.ts'
import type { World } from './world.ts'

/**
 * Messages that change nothing, now and ever, are as good as gone; left on their way they would only multiply the states. It is tried, not believed,
 * that they change nothing now. That they never will follows from what only grows: fetch ids, leader epochs, broker epochs, partition epochs.
 */
export class DeadMessages {
  readonly #registers: Registers
  /** By message and receiver: 1 dead, 0 not. */
  readonly #known = new PairTable()

  constructor(registers: Registers) {
    this.#registers = registers
  }

  /** Takes them out of the world. */
  drop(world: World): void {
    const { messages } = this.#registers
    world.messages = world.messages.filter((number) => {
      const message = messages.get(number)
      if (message.to === 0) return true
      const receiver = this.#numberOf(world, message.to)
      const isAwaited = message.type === 'fetch' && this.#isAwaited(this.#numberOf(world, message.from), message.fetch.fetchId)
      return isAwaited || !this.#isDead(number, receiver)
    })
  }

  #numberOf(world: World, nodeId: number): number {
    return world.replicas[this.#registers.nodeIds.indexOf(nodeId)] as number
  }

  /** Whether the replica with this number waits for an answer with this id. */
  #isAwaited(number: number, fetchId: number): boolean {
    const { replicas } = this.#registers
    return (replicas.fetchIds(number, replicas.get(number).nodeId) & (1 << fetchId)) !== 0
  }

  #isDead(number: number, receiver: number): boolean {
    let known = this.#known.get(number, receiver)
    if (known < 0) {
      known = Number(this.#canNeverMatter(this.#registers.messages.get(number), receiver) && this.#changesNothing(number, receiver))
      this.#known.set(number, receiver, known)
    }
    return known === 1
  }

  /** By its ids and epochs, whatever else comes. */
  #canNeverMatter(message: Message, receiver: number): boolean {
    const { core, proposal } = this.#registers.replicas.get(receiver)
    switch (message.type) {
      case 'fetch':
        return core !== undefined && message.fetch.currentLeaderEpoch <= core.leaderEpoch
      case 'answer':
        return !this.#isAwaited(receiver, message.answer.fetchId)
      case 'isrAnswer':
        return message.proposal !== proposal
      default:
        return false
    }
  }

  /** A refusal may be sent: nobody waits for it. */
  #changesNothing(number: number, receiver: number): boolean {
    const { messages, replicas } = this.#registers
    const outcome = replicas.tryStep(receiver, 'deliver', number)
    if (outcome === undefined || outcome.replica !== receiver || outcome.happenings !== 0) return false
    return outcome.sends.every((sent) => {
      const message = messages.get(sent)
      return message.type === 'answer' && message.answer.result.type === 'error'
    })
  }
}
