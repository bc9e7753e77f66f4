import type { Readable } from 'node:stream'

/**
 * Stops and resumes the reading of a gRPC stream for good: a paused stream alone would go on to read 16 messages ahead, of 16 MiB each,
 * before HTTP/2 flow control holds the sender back. Several reasons may hold it at once; it flows when none does.
 */
export class ReadGate {
  readonly #stream: Readable
  readonly #reasons = new Set<string>()
  readonly #read: (size: number) => void
  #wanted: number | undefined

  constructor(stream: Readable) {
    this.#stream = stream
    this.#read = stream._read.bind(stream)
    stream._read = (size) => {
      if (this.#reasons.size === 0) this.#read(size)
      else this.#wanted = size
    }
  }

  hold(reason: string): void {
    this.#reasons.add(reason)
    this.#stream.pause()
  }

  release(reason: string): void {
    if (!this.#reasons.delete(reason) || this.#reasons.size > 0) return
    const size = this.#wanted
    this.#wanted = undefined
    if (size !== undefined) this.#read(size)
    this.#stream.resume()
  }

  isHeldFor(reason: string): boolean {
    return this.#reasons.has(reason)
  }
}
