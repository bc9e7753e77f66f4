import { assert } from '../base/assert.ts'

const LIMIT_BYTES = 1024 * 1024

/** The last lines of a node's log, at most 1 MiB of them: what a look at a running node needs, wherever its stdout went. */
export class LogRing {
  readonly #limitBytes: number
  readonly #lines: { readonly text: string; readonly bytes: number }[] = []
  /** Lines before it were dropped already; the array is cut now and then. */
  #first = 0
  #bytes = 0
  #droppedLines = 0

  constructor(limitBytes: number = LIMIT_BYTES) {
    this.#limitBytes = limitBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Since the process began. */
  get droppedLines(): number {
    return this.#droppedLines
  }

  /** With its line end. A line larger than the ring leaves it empty. */
  add(text: string): void {
    const bytes = Buffer.byteLength(text)
    this.#lines.push({ text, bytes })
    this.#bytes += bytes
    while (this.#bytes > this.#limitBytes) this.#drop()
    if (this.#first * 2 > this.#lines.length) {
      this.#lines.splice(0, this.#first)
      this.#first = 0
    }
    assert(this.#bytes >= 0 && this.#bytes <= this.#limitBytes, 'the ring keeps to its limit')
  }

  text(): string {
    let text = ''
    for (let at = this.#first; at < this.#lines.length; at++) text += this.#lines[at]?.text ?? ''
    return text
  }

  #drop(): void {
    this.#bytes -= this.#lines[this.#first]?.bytes ?? 0
    this.#first++
    this.#droppedLines++
  }
}
