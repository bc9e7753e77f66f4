import { assert } from '../../../src/base/assert.ts'
import type { AppendReply, RaftMessage } from '../../../src/raft/messages.ts'
import type { Raft } from '../../../src/raft/raft.ts'
import { PairTable } from '../pair-table.ts'
import { opened } from './opened-raft.ts'
import type { RaftRegisters } from './registers.ts'
import type { RaftWorld } from './world.ts'

/**
 * Messages that change nothing, now and ever, are as good as gone; left on their way they would only multiply the states. That they change nothing now is
 * tried, not believed: the receiver stays what it is, and all that it answers is dead itself. That they never will follows, kind by kind, from what only grows
 * and from what the bounds leave to happen.
 */
export class DeadMessages {
  readonly #registers: RaftRegisters
  /** By message and receiver: 1 dead, 0 not. */
  readonly #overtaken = new PairTable()
  /** By message and receiver: 1 nothing changes now, 0 something does. */
  readonly #idle = new PairTable()

  constructor(registers: RaftRegisters) {
    this.#registers = registers
  }

  /** Takes those out of the world that go to or come from a node that changed: `changed`, by place. */
  drop(world: RaftWorld, changed: number): void {
    const { messages } = world
    let kept = 0
    for (let at = 0; at < messages.length; at++) {
      const message = messages[at] as number
      if ((changed & this.#endsOf(message)) === 0 || !this.isDead(world, message)) messages[kept++] = message
    }
    messages.length = kept
  }

  isDead(world: RaftWorld, message: number): boolean {
    const { placeOf, voters, reduced } = this.#registers
    const receiver = world.nodes[placeOf(voters.receiverOf(message))] as number
    return this.#isOvertaken(message, receiver) || (reduced && this.#isInVain(world, message, receiver))
  }

  #endsOf(message: number): number {
    const { placeOf, voters } = this.#registers
    const { from, to } = voters.message(message)
    return (1 << placeOf(from)) | (1 << placeOf(to))
  }

  /** Whatever may still happen. */
  #isOvertaken(message: number, receiver: number): boolean {
    let known = this.#overtaken.get(message, receiver)
    if (known < 0) {
      const { core } = this.#registers.voters.get(receiver)
      known = Number(core !== undefined && isOfThePast(this.#registers.voters.message(message).message, core) && this.#isIdle(message, receiver))
      this.#overtaken.set(message, receiver, known)
    }
    return known === 1
  }

  #isIdle(message: number, receiver: number): boolean {
    let known = this.#idle.get(message, receiver)
    if (known < 0) {
      known = Number(this.#answersAtMost(message, receiver)?.length === 0)
      this.#idle.set(message, receiver, known)
    }
    return known === 1
  }

  /** What is answered, if that is all that comes of the message. */
  #answersAtMost(message: number, receiver: number): readonly number[] | undefined {
    const outcome = this.#registers.voters.tryStep(receiver, 'deliver', message)
    return outcome === undefined || outcome.node !== receiver || outcome.happenings !== 0 ? undefined : outcome.sends
  }

  /** With what the bounds leave to happen. */
  #isInVain(world: RaftWorld, message: number, receiver: number): boolean {
    const { voters, placeOf } = this.#registers
    const { core } = voters.get(receiver)
    const { from, message: said } = voters.message(message)
    const sender = world.nodes[placeOf(from)] as number
    if (core === undefined || voters.get(sender).core === undefined) return false
    switch (said.type) {
      case 'voteReply':
        return said.preVote && this.#isPreCandidacyOver(world, core) && this.#isIdle(message, receiver)
      case 'appendReply':
        return this.#isReliable(world) && isAcknowledged(said, from, core) && this.#isIdle(message, receiver) && this.#isInStep(world, core, from)
      case 'append':
        return said.term < core.term && this.#isLastTerm(world, core) && this.#isAnsweredInVain(message, receiver, sender)
      case 'voteRequest':
        return said.preVote && this.#isPreVoteInVain(world, message, receiver, sender)
      default:
        return false
    }
  }

  /** Nobody begins a candidacy with a pre-vote any more, and this one has none: answers to one are ignored, bar a term that is news, and terms only grow. */
  #isPreCandidacyOver({ left }: RaftWorld, core: Raft): boolean {
    return !this.#registers.left.isLeft(left, 'campaigns') && opened(core)._candidacy?.isPreVote !== true
  }

  /** No term comes after it, and no crash takes it back. */
  #isLastTerm({ left }: RaftWorld, core: Raft): boolean {
    return core.term >= this.#registers.bounds.terms && !this.#registers.left.isLeft(left, 'crashes')
  }

  /**
   * The answer changes nothing for who asked, because of its term: later ones would be of that term too. Where it has to wait for a vote to be saved it takes
   * the place of no other, for who asked is owed none in that term: it neither leads nor stands.
   */
  #isAnsweredInVain(message: number, receiver: number, sender: number): boolean {
    return this.#answersAtMost(message, receiver)?.every((answer) => this.#isOvertaken(answer, sender)) === true
  }

  /**
   * Who asked does not stand by a pre-vote any more, nor again, and is in the last term, so that no answer changes anything for it, now or once a vote is
   * saved. Who is asked heeds it only if it comes from its own leader of an earlier term; who asks never led one. That it arrives where no leader was heard
   * for a while changes nothing either: any other pre-vote may arrive so too.
   */
  #isPreVoteInVain(world: RaftWorld, message: number, receiver: number, sender: number): boolean {
    const { histories, voters } = this.#registers
    const { from, message: said } = voters.message(message)
    const { core } = voters.get(sender)
    if (core === undefined || said.type !== 'voteRequest' || !this.#isLastTerm(world, core) || !this.#isPreCandidacyOver(world, core)) return false
    for (const [term, leader] of histories.get(world.history).leaders) if (leader === from && term < said.term) return false
    return this.#answersAtMost(message, receiver)?.every((answer) => this.#isIdle(answer, sender)) === true
  }

  /** Nothing that is sent is lost or overtaken, and no process ends any more. */
  #isReliable({ left }: RaftWorld): boolean {
    const { bounds, left: counts, ordered } = this.#registers
    return ordered && bounds.losses === 0 && bounds.duplicates === 0 && !counts.isLeft(left, 'crashes') && !counts.isLeft(left, 'transfers')
  }

  /**
   * Whether the log of `nodeId` is known to equal the leader's as far as the next entries begin that it is sent, once it has what is on its way to it: then
   * it rejects nothing more, what the leader knows of it only grows, and an acknowledgement that says no more than it knows is in vain. `checkRejections`
   * demands of each answer that it is so.
   */
  #isInStep(world: RaftWorld, leader: Raft, nodeId: number): boolean {
    const { placeOf, voters } = this.#registers
    const { core } = voters.get(world.nodes[placeOf(nodeId)] as number)
    const follower = core === undefined ? null : opened(core)._follower
    if (follower === null || follower._leaderId !== leader.leaderId || follower._term !== leader.term) return false
    let matched = follower._matchedEndOffset
    let persisted = 0
    for (const number of world.messages) {
      const { from, to, message } = voters.message(number)
      if (message.term !== leader.term) continue
      if (from === nodeId && to === leader.leaderId && message.type === 'appendReply') {
        if (message.result.type === 'rejected') return false
        persisted = Math.max(persisted, message.result.persistedEndOffset)
      }
      if (from !== leader.leaderId || to !== nodeId || message.type !== 'append') continue
      if (message.startOffset > matched) return false
      matched = Math.max(matched, message.startOffset + message.entries.length)
    }
    return matched >= Math.max(persisted, opened(leader)._leader?._progress.get(nodeId)?._nextOffset ?? 0)
  }

  /** What is sent as an answer in this world: nobody who is in step rejects anything. */
  checkRejections(world: RaftWorld, answers: readonly number[]): void {
    const { placeOf, reduced, voters } = this.#registers
    if (!reduced || answers.length === 0 || !this.#isReliable(world)) return
    for (const answer of answers) {
      const { from, to, message } = voters.message(answer)
      if (message.type !== 'appendReply' || message.result.type !== 'rejected') continue
      const { core } = voters.get(world.nodes[placeOf(to)] as number)
      const isOfItsLeader = core?.isLeader === true && core.term === message.term
      assert(!isOfItsLeader || !this.#isInStep(world, core, from), 'who is in step with its leader rejects nothing')
    }
  }
}

/** A candidate stands once a term; who neither leads nor stands in its term never leads it. A refused pre-vote counts whatever term it names. */
function isOfThePast(message: RaftMessage, core: Raft): boolean {
  const isIdleInItsTerm = !core.isLeader && opened(core)._candidacy?.isPreVote !== false
  if (message.type === 'appendReply' || (message.type === 'voteReply' && !message.preVote)) {
    return message.term < core.term || (message.term === core.term && isIdleInItsTerm)
  }
  if (message.type === 'voteReply' && message.granted) return message.term <= core.term
  return message.type !== 'voteReply' && message.term < core.term
}

/** The leader knows as much of that peer, sends it entries as they come, and hands over to nobody. */
function isAcknowledged({ result }: AppendReply, from: number, core: Raft): boolean {
  const leader = opened(core)._leader
  const progress = leader?._progress.get(from)
  if (leader?._transfer !== null || progress === undefined || result.type !== 'accepted') return false
  return progress._state === 'replicate' && result.persistedEndOffset <= progress._persistedEndOffset
}
