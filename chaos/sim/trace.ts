const MULTIPLIER = 0x01000193

/**
 * What happened, twice: as a rolling hash over every event and effect (same seed, same hash), and as sentences for a reader.
 * The hash is two 32-bit FNV-1a lanes over words, so that an accidental equality needs 2^32 runs or so.
 */
export class Trace {
  readonly #sink: ((line: string) => void) | null
  #low = 0x811c9dc5
  #high = 0x9747b28c
  #nowMs: () => number = () => 0

  /** sink null: hash only. */
  constructor(sink: ((line: string) => void) | null) {
    this.#sink = sink
  }

  useClock(nowMs: () => number): void {
    this.#nowMs = nowMs
  }

  get telling(): boolean {
    return this.#sink !== null
  }

  mix(word: number): void {
    this.#low = Math.imul(this.#low ^ (word | 0), MULTIPLIER)
    this.#high = Math.imul((this.#high << 5) | (this.#high >>> 27), MULTIPLIER) ^ (word | 0) ^ Math.floor(word / 0x1_0000_0000)
  }

  mixText(text: string): void {
    for (let at = 0; at < text.length; at++) this.mix(text.charCodeAt(at))
  }

  /** A sentence of the story; it is part of the hash. */
  tell(who: string, sentence: string): void {
    this.mixText(who)
    this.mixText(sentence)
    this.aside(who, sentence)
  }

  /** A sentence for the reader alone; the hash does not know it. */
  aside(who: string, sentence: string): void {
    this.#sink?.(`${(this.#nowMs() / 1000).toFixed(3).padStart(9)}s  ${who.padEnd(11)} ${sentence}`)
  }

  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0')
  }
}
