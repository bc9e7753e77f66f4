import type { RegisterOperation } from '../../chaos/check/linearizable-register.ts'
import type { RaftEffect, RaftInput } from '../../src/raft/effects.ts'
import type { SimulatedNode } from './simulated-node.ts'
import type { Watcher } from './world.ts'

interface Write {
  readonly value: string
  readonly calledAt: number
  returnedAt: number
  /** Where it was appended; undefined: not yet, or refused. */
  place: { readonly nodeId: number; readonly term: number; readonly endOffset: number } | undefined
}

/**
 * A register whose state is the Raft log: each entry of a proposal is a write (they may be committed one by one), and a read is answered with what the asked node has
 * applied once `readable` says that this is enough. A write returns when the node that took it commits it as the leader of that term; if
 * that never happens, nobody knows what became of it. Time is what happened: each thing at a moment of its own.
 */
export class Register implements Watcher {
  /** What clients saw. */
  readonly reads: RegisterOperation[] = []
  readonly #mode: 'readIndex' | 'trusting'
  /** By proposal. */
  readonly #writes = new Map<number, readonly Write[]>()
  readonly #asked = new Map<number, number>()
  #now = 0

  /** trusting: whoever believes to lead answers at once, by what it has applied. */
  constructor(mode: 'readIndex' | 'trusting' = 'readIndex') {
    this.#mode = mode
  }

  get history(): readonly RegisterOperation[] {
    const placed = [...this.#writes.values()].flat().filter(({ place }) => place !== undefined)
    const writes = placed.map(({ value, calledAt, returnedAt }): RegisterOperation => ({ type: 'write', value, calledAt, returnedAt }))
    return [...writes, ...this.reads]
  }

  input(node: SimulatedNode, input: RaftInput): void {
    this.#now++
    if (input.type === 'propose') {
      const writes = input.entries.map((entry): Write => ({ value: String(entry), calledAt: this.#now, returnedAt: Infinity, place: undefined }))
      this.#writes.set(input.proposalId, writes)
    } else if (input.type === 'readIndex') {
      if (this.#mode === 'readIndex') this.#asked.set(input.readId, this.#now)
      else if (node.raft?.isLeader === true) this.#answer(node, this.#now)
    }
  }

  effect(node: SimulatedNode, effect: RaftEffect): void {
    this.#now++
    if (effect.type === 'accepted') {
      for (const [at, write] of (this.#writes.get(effect.proposalId) ?? []).entries())
        write.place = { nodeId: node.nodeId, term: effect.term, endOffset: effect.startOffset + at + 1 }
    } else if (effect.type === 'committed') this.#committed(node, effect.commitIndex)
    else if (effect.type === 'readable') {
      const calledAt = this.#asked.get(effect.readId)
      if (calledAt !== undefined && effect.commitIndex !== null && node.appliedOffset >= effect.commitIndex) this.#answer(node, calledAt)
    }
  }

  #committed(node: SimulatedNode, commitIndex: number): void {
    if (node.raft?.isLeader !== true) return
    for (const write of [...this.#writes.values()].flat()) {
      const { place } = write
      if (write.returnedAt < Infinity || place?.nodeId !== node.nodeId || place.term !== node.raft.term) continue
      if (place.endOffset <= commitIndex) write.returnedAt = this.#now
    }
  }

  #answer(node: SimulatedNode, calledAt: number): void {
    const applied = node.memory.slice(0, node.appliedOffset).map(({ bytes }) => bytes.toString())
    const value = applied.findLast((text) => !text.startsWith('voters,') && !text.startsWith('leader=')) ?? null
    this.reads.push({ type: 'read', value, calledAt, returnedAt: this.#now })
  }
}
