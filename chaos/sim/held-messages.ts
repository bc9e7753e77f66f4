import type { FetchAnswerMessage, FetchRequestMessage, PeerMessage } from '../../src/wire/peer.ts'

export type AnyPeerMessage = PeerMessage | FetchRequestMessage | FetchAnswerMessage

export type MessageFilter = (from: number, to: number, message: AnyPeerMessage) => boolean

/** Messages that are kept back on their way; what is meant by it is the filter's to say. */
export interface Hold {
  /** Messages met so far. */
  readonly hits: number
  /** What it holds goes on, in its order, and nothing is held any more. A connection that has ended meanwhile loses it. */
  release(): void
  /** A copy of each goes on, and all are held as before: a message that comes twice. */
  sendCopies(): void
  /** What it holds is lost, and nothing is held any more. */
  drop(): void
}

interface Held {
  readonly applies: MessageFilter
  readonly waiting: (() => void)[]
  hits: number
}

/** The messages between nodes that somebody keeps back, by what they say: for moments that chance meets too rarely. */
export class HeldMessages {
  readonly #holds = new Set<Held>()

  hold(applies: MessageFilter): Hold {
    const held: Held = { applies, waiting: [], hits: 0 }
    this.#holds.add(held)
    return {
      get hits() {
        return held.hits
      },
      release: () => {
        this.#holds.delete(held)
        for (const deliver of held.waiting.splice(0)) deliver()
      },
      sendCopies: () => {
        for (const deliver of held.waiting) deliver()
      },
      drop: () => {
        this.#holds.delete(held)
        held.waiting.length = 0
      },
    }
  }

  /** Sends it now, or when the hold that meets it is released. */
  send(from: number, to: number, message: AnyPeerMessage, deliver: () => void): void {
    for (const held of this.#holds) {
      if (!held.applies(from, to, message)) continue
      held.hits += 1
      held.waiting.push(deliver)
      return
    }
    deliver()
  }
}
