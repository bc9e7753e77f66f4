import { assert } from '../../src/base/assert.ts'
import { between, type Random } from '../../src/base/random.ts'

/** How every link of a seed behaves when nothing is wrong with it. */
export interface LinkConditions {
  readonly baseDelayUs: number
  readonly jitterUs: number
  /** Control messages overtake each other by their jitter, always. */
  readonly reorder: boolean
}

/** Bad weather on some links, for a time. Probabilities are per thousand messages. */
export interface Noise {
  readonly lossPerMille: number
  readonly duplicatePerMille: number
  readonly delayMinUs: number
  readonly delayMaxUs: number
  readonly reorder: boolean
}

/** A trouble that was made; `hits` is its observation: how many messages it met. */
export interface Trouble {
  readonly hits: number
  end(): void
}

interface ActiveNoise {
  readonly noise: Noise
  hits: number
}

interface Link {
  readonly cuts: Set<{ hits: number }>
  readonly noises: Set<ActiveNoise>
}

/** A doubled message may come this much later: long after what it was about is over. */
const LATE_DOUBLE_US = 12_000_000

/** The directed links between hosts and what befalls them. Every question about a message is asked once, since the answer is drawn. */
export class Links {
  readonly #random: Random
  readonly #conditions: LinkConditions
  readonly #links = new Map<number, Link>()
  #healed: (from: number, to: number) => void = () => {}

  constructor(random: Random, conditions: LinkConditions) {
    this.#random = random
    this.#conditions = conditions
  }

  onHeal(handler: (from: number, to: number) => void): void {
    this.#healed = handler
  }

  /** One way: what `from` sends does not reach `to`. Cuts on the same link add up. */
  cut(pairs: readonly (readonly [from: number, to: number])[]): Trouble {
    const cut = { hits: 0 }
    for (const [from, to] of pairs) this.#link(from, to).cuts.add(cut)
    return {
      get hits() {
        return cut.hits
      },
      end: () => {
        for (const [from, to] of pairs) {
          const link = this.#link(from, to)
          assert(link.cuts.delete(cut), 'a cut heals once')
          if (link.cuts.size === 0) this.#healed(from, to)
        }
      },
    }
  }

  disturb(pairs: readonly (readonly [from: number, to: number])[], noise: Noise): Trouble {
    const active: ActiveNoise = { noise, hits: 0 }
    for (const [from, to] of pairs) this.#link(from, to).noises.add(active)
    return {
      get hits() {
        return active.hits
      },
      end: () => {
        for (const [from, to] of pairs) this.#link(from, to).noises.delete(active)
      },
    }
  }

  isBlocked(from: number, to: number): boolean {
    const cuts = this.#links.get(key(from, to))?.cuts
    return cuts !== undefined && cuts.size > 0
  }

  /** The same for something that is about to leave: it counts as met by the cut. */
  stops(from: number, to: number): boolean {
    const cuts = this.#links.get(key(from, to))?.cuts
    if (cuts === undefined || cuts.size === 0) return false
    for (const cut of cuts) cut.hits += 1
    return true
  }

  delayUs(from: number, to: number): number {
    const { baseDelayUs, jitterUs } = this.#conditions
    let delayUs = baseDelayUs + this.#random.integer(jitterUs + 1)
    if (this.#random.integer(64) === 0) delayUs += this.#random.integer(jitterUs * 10 + 1)
    for (const active of this.#noises(from, to)) {
      if (active.noise.delayMaxUs === 0) continue
      active.hits += 1
      delayUs += between(this.#random, active.noise.delayMinUs, active.noise.delayMaxUs)
    }
    return delayUs
  }

  losesMessage(from: number, to: number): boolean {
    return this.#draw(from, to, 'lossPerMille')
  }

  /** For streams: rarer than for messages, since it makes all that is behind wait. */
  losesSegment(from: number, to: number): boolean {
    return this.#draw(from, to, 'lossPerMille') && this.#random.integer(4) === 0
  }

  reorders(from: number, to: number): boolean {
    if (this.#conditions.reorder) return true
    for (const { noise } of this.#noises(from, to)) if (noise.reorder) return true
    return false
  }

  /** undefined: it comes once. */
  doublesMessageAfterUs(from: number, to: number): number | undefined {
    if (!this.#draw(from, to, 'duplicatePerMille')) return undefined
    return this.#random.integer(8) === 0 ? this.#random.integer(LATE_DOUBLE_US) : this.#random.integer(20_000)
  }

  #draw(from: number, to: number, what: 'lossPerMille' | 'duplicatePerMille'): boolean {
    for (const active of this.#noises(from, to)) {
      if (active.noise[what] === 0 || this.#random.integer(1000) >= active.noise[what]) continue
      active.hits += 1
      return true
    }
    return false
  }

  #noises(from: number, to: number): Iterable<ActiveNoise> {
    return this.#links.get(key(from, to))?.noises ?? []
  }

  #link(from: number, to: number): Link {
    const existing = this.#links.get(key(from, to))
    if (existing !== undefined) return existing
    const link: Link = { cuts: new Set(), noises: new Set() }
    this.#links.set(key(from, to), link)
    return link
  }
}

function key(from: number, to: number): number {
  return from * 4096 + to
}
