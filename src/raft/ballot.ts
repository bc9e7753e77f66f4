import { assert } from '../base/assert.ts'
import type { RaftEffect } from './effects.ts'
import type { PeerIdentity, RaftMessage } from './messages.ts'

interface HeldMessage {
  readonly to: number
  readonly message: RaftMessage
}

/**
 * Term and vote, and the door through which every message leaves: it is shut while the vote file is behind (rules R3.6, R4.1).
 * So no message of a term, no granted vote and no request for one can be sent before what it rests on is on disk.
 * Of the messages held, the newest of a kind to a peer replaces the older ones, so that a slow disk holds a bounded number;
 * a new term forgets them all.
 */
export class Ballot {
  readonly #emit: (effect: RaftEffect) => void
  #term: number
  #votedFor: number | null
  /** Null when the vote was before a restart. */
  #votedDirectoryId: string | null = null
  #savedTerm: number
  #savedVote: number | null
  #askedTerm: number
  #askedVote: number | null
  #held: HeldMessage[] = []

  /** `term` and `votedFor` as read from the vote file. */
  constructor(options: { readonly term: number; readonly votedFor: number | null; readonly emit: (effect: RaftEffect) => void }) {
    this.#emit = options.emit
    this.#term = this.#savedTerm = this.#askedTerm = options.term
    this.#votedFor = this.#savedVote = this.#askedVote = options.votedFor
  }

  get term(): number {
    return this.#term
  }

  get votedFor(): number | null {
    return this.#votedFor
  }

  /** Whether the disk knows what memory knows. */
  get isSaved(): boolean {
    return this.#savedTerm === this.#term && this.#savedVote === this.#votedFor
  }

  enterTerm(term: number): void {
    assert(term > this.#term, 'the term never goes back')
    this.#term = term
    this.#votedFor = null
    this.#votedDirectoryId = null
    this.#held = []
  }

  vote(peer: PeerIdentity): void {
    assert(this.#votedFor === null || this.#votedFor === peer.nodeId, 'one vote a term')
    this.#votedFor = peer.nodeId
    this.#votedDirectoryId = peer.directoryId
  }

  /**
   * Whether the vote of this term is free, or went to this very peer. `isKnown`: folders are known; while they are not, the same id after a
   * restart may be a wiped disk, which could lead one term twice.
   */
  isFreeFor(peer: PeerIdentity, isKnown: boolean): boolean {
    if (this.#votedFor !== peer.nodeId) return this.#votedFor === null
    return this.#votedDirectoryId === null ? isKnown : this.#votedDirectoryId === peer.directoryId
  }

  send(to: number, message: RaftMessage): void {
    if (this.isSaved) {
      this.#emit({ type: 'send', to, message })
      return
    }
    this.#held = this.#held.filter((held) => held.to !== to || kindOf(held.message) !== kindOf(message))
    this.#held.push({ to, message })
  }

  /** What must be saved now, if it was not asked for yet. Several changes of one step are one save. */
  takeSave(): RaftEffect | undefined {
    if (this.#askedTerm === this.#term && this.#askedVote === this.#votedFor) return undefined
    this.#askedTerm = this.#term
    this.#askedVote = this.#votedFor
    return { type: 'saveVote', term: this.#term, votedFor: this.#votedFor }
  }

  /** The disk holds this. Anything but the present term and vote is overtaken, and ignored. */
  saved(term: number, votedFor: number | null): void {
    if (term !== this.#term || votedFor !== this.#votedFor) return
    this.#savedTerm = term
    this.#savedVote = votedFor
    for (const { to, message } of this.#held.splice(0)) this.#emit({ type: 'send', to, message })
  }
}

function kindOf(message: RaftMessage): string {
  return message.type === 'voteRequest' || message.type === 'voteReply' ? `${message.type} ${message.preVote}` : message.type
}
