import { assert } from '../../src/base/assert.ts'
import type { RaftEffect } from '../../src/raft/effects.ts'
import type { Entry, RaftMessage } from '../../src/raft/messages.ts'
import type { SimulatedNode } from './simulated-node.ts'

/** The safety of Raft (paper, figure 3) and "nothing sent before it is persisted", judged from outside, by disks and messages alone. */
export class Judge {
  readonly #leaders = new Map<number, string>()
  readonly #commitIndexes = new Map<string, number>()
  readonly #logs = new Map<number, readonly Entry[]>()
  readonly #readFrom = new Map<number, number>()
  /** Reads that were answered. */
  readCount = 0
  /** What any node ever committed. */
  readonly committedEntries: Entry[] = []

  role(node: SimulatedNode, effect: Extract<RaftEffect, { type: 'role' }>): void {
    if (effect.role !== 'leader') return
    const leader = `${node.nodeId} ${node.directoryId} ${node.incarnation}`
    assert((this.#leaders.get(effect.term) ?? leader) === leader, `term ${effect.term} has one leader`)
    this.#leaders.set(effect.term, leader)
    assert(node.memory.length >= this.committedEntries.length, 'a leader holds all that was committed')
    for (const [offset, entry] of this.committedEntries.entries()) assert(isSame(entry, node.memory[offset]), `a leader holds the committed entry ${offset}`)
  }

  committed(node: SimulatedNode, commitIndex: number): void {
    const key = `${node.nodeId} ${node.incarnation}`
    assert(commitIndex > (this.#commitIndexes.get(key) ?? 0), 'the commit index grows')
    assert(commitIndex <= node.memory.length, 'what is committed is there')
    this.#commitIndexes.set(key, commitIndex)
    for (let offset = 0; offset < commitIndex; offset++) {
      const entry = node.memory[offset] as Entry
      const known = this.committedEntries[offset]
      if (known === undefined) this.committedEntries.push(entry)
      else assert(isSame(known, entry), `what was committed at ${offset} stays`)
    }
  }

  /** A read begins: what is committed now, anywhere, it must see (rules R4.6). */
  asks(readId: number): void {
    this.#readFrom.set(readId, this.committedEntries.length)
  }

  readable({ readId, commitIndex }: Extract<RaftEffect, { type: 'readable' }>): void {
    const from = this.#readFrom.get(readId)
    assert(from !== undefined, 'a read is answered once')
    this.#readFrom.delete(readId)
    if (commitIndex === null) return
    assert(commitIndex >= from, `read ${readId} sees all that was committed when it began`)
    assert(commitIndex <= this.committedEntries.length, `read ${readId} sees only what is committed`)
    this.readCount++
  }

  /** Log matching: equal (offset, term) means equal logs up to there. */
  state(node: SimulatedNode): void {
    for (const [nodeId, other] of this.#logs) {
      if (nodeId === node.nodeId) continue
      let hasParted = false
      for (let offset = 0; offset < Math.min(other.length, node.memory.length); offset++) {
        const [left, right] = [other[offset] as Entry, node.memory[offset] as Entry]
        if (left.term !== right.term) hasParted = true
        else assert(!hasParted && left.bytes.equals(right.bytes), `logs that agree at ${offset} agree below`)
      }
    }
    this.#logs.set(node.nodeId, node.memory)
    assert(node.raft === null || node.raft.endOffset === node.memory.length, 'the core knows where its log ends')
  }

  /** Judges a message that leaves by what the disk of its sender holds at this moment. */
  sent(node: SimulatedNode, to: number, message: RaftMessage): void {
    const { disk } = node
    // A pre-vote speaks of a term that nobody is in: what was asked for may be granted by whoever is far behind.
    const isAside = message.type === 'voteReply' && message.preVote && message.granted
    const isAhead = message.type === 'voteRequest' && message.preVote
    assert(isAside || disk.term >= message.term - (isAhead ? 1 : 0), `${message.type} of term ${message.term} leaves with its term on disk`)
    if (message.type === 'voteRequest' && !message.preVote)
      assert(disk.term === message.term && disk.votedFor === node.nodeId, 'a candidate has its own vote on disk')
    if (message.type === 'voteReply' && !message.preVote && message.granted) assert(disk.term === message.term && disk.votedFor === to, 'a vote is on disk')
    if (message.type !== 'appendReply' || message.result.type !== 'accepted') return
    const { persistedEndOffset } = message.result
    assert(persistedEndOffset <= disk.entries.length, 'what is told as persisted is on disk')
    for (let offset = 0; offset < persistedEndOffset; offset++) assert(isSame(disk.entries[offset], node.memory[offset]), 'what is on disk is what is meant')
  }
}

function isSame(left: Entry | undefined, right: Entry | undefined): boolean {
  return left !== undefined && right !== undefined && left.term === right.term && left.bytes.equals(right.bytes)
}
