import { assert } from '../../../src/base/assert.ts'
import { Violation } from '../../check/violation.ts'
import { textOf } from '../object-graph.ts'
import type { RaftRegisters } from './registers.ts'
import type { Happening, Outcome, Vote, VoterNode } from './voter.ts'
import type { VoterInput } from './voters.ts'

/**
 * The nodes under other names. What a node would be under another name is not made by replacing ids in it: it is what comes of the steps that led to it, fed
 * under other names to the node of the other name. And of every step that is tried, `check` demands that it leads to the same under other names.
 */
export class Renaming {
  readonly #registers: RaftRegisters
  /** By place, the place that it becomes. */
  readonly #places: readonly number[]
  readonly #nodes: number[] = []
  readonly #messages: number[] = []
  readonly #histories: number[] = []

  constructor(registers: RaftRegisters, places: readonly number[]) {
    this.#registers = registers
    this.#places = places
  }

  node(number: number): number {
    return (this.#nodes[number] ??= this.#rename(number))
  }

  message(number: number): number {
    return (this.#messages[number] ??= this.#renameMessage(number))
  }

  history(number: number): number {
    return (this.#histories[number] ??= this.#registers.histories.renamed(number, (nodeId) => this.#name(nodeId)))
  }

  /** Throws when names make a difference. */
  check(number: number, input: VoterInput, argument: number, outcome: Outcome | Violation): void {
    const { voters } = this.#registers
    const other = voters.tryStep(this.node(number), input, this.#argument(input, argument))
    assert((other === undefined) === outcome instanceof Violation, 'names make no difference to what is wrong')
    if (other === undefined || outcome instanceof Violation) return
    assert(this.node(outcome.node) === other.node, 'names make no difference to what becomes of a voter')
    const sends = this.#byWay(outcome.sends.map((sent) => this.message(sent)))
    assert(sends === this.#byWay(other.sends), 'names make no difference to what a voter sends')
    const happenings = voters.happenings(outcome.happenings).map((happening) => this.#happening(happening))
    assert(textOf(happenings) === textOf(voters.happenings(other.happenings)), 'names make no difference to what happens')
  }

  #name(nodeId: number): number {
    const { nodeIds, placeOf } = this.#registers
    return nodeIds[this.#places[placeOf(nodeId)] as number] as number
  }

  #rename(number: number): number {
    const { voters } = this.#registers
    const origin = voters.originOf(number)
    if (origin === undefined) return voters.number(this.#disk(voters.get(number)))
    const from = this.node(origin.from)
    return origin.input === undefined ? voters.start(from) : voters.step(from, origin.input, this.#argument(origin.input, origin.argument)).node
  }

  /** Of a process that is dead. */
  #disk(node: VoterNode): VoterNode {
    assert(node.core === undefined, 'what lives came from somewhere')
    return { ...node, nodeId: this.#name(node.nodeId), vote: this.#vote(node.vote) }
  }

  #vote({ term, votedFor }: Vote): Vote {
    return { term, votedFor: votedFor === null ? null : this.#name(votedFor) }
  }

  #argument(input: VoterInput, argument: number): number {
    switch (input) {
      case 'deliver':
      case 'deliverLate':
        return this.message(argument)
      case 'transfer':
      case 'peerUp':
      case 'peerRefused':
        return this.#name(argument)
      default:
        return argument
    }
  }

  #renameMessage(number: number): number {
    const { voters } = this.#registers
    const { from, to, message } = voters.message(number)
    return voters.messageNumber({ from: this.#name(from), to: this.#name(to), message })
  }

  #happening(happening: Happening): Happening {
    return 'nodeId' in happening ? { ...happening, nodeId: this.#name(happening.nodeId) } : happening
  }

  /** What goes different ways comes in no order. */
  #byWay(messages: readonly number[]): string {
    const { voters } = this.#registers
    return [...messages].sort((one, other) => voters.wayOf(one) - voters.wayOf(other)).join()
  }
}
