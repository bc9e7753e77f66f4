import type { TextSink } from './context.ts'

const WRITE_AT_BYTES = 64 * 1024
/** A reader that is so far behind holds up whoever asks `whenTaken`. */
const BACKLOG_BYTES = 4 * 1024 * 1024

/** Gathers what one turn has to say into one write: a call a line would cost more than the line. */
export class LineWriter {
  readonly #sink: TextSink
  #parts: (string | Buffer)[] = []
  #bytes = 0
  #scheduled = false

  constructor(sink: TextSink) {
    this.#sink = sink
  }

  /** Bytes stay bytes: a value that is no text is written as it is. */
  write(part: string | Buffer): void {
    this.#parts.push(part)
    this.#bytes += part.length
    if (this.#bytes >= WRITE_AT_BYTES) this.flush()
    else if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(() => this.flush())
    }
  }

  flush(): void {
    this.#scheduled = false
    if (this.#parts.length === 0) return
    const isText = this.#parts.every((part) => typeof part === 'string')
    this.#sink.write(isText ? this.#parts.join('') : Buffer.concat(this.#parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))))
    this.#parts = []
    this.#bytes = 0
  }

  /** Waits while the reader is far behind: back-pressure reaches the cluster this way. */
  async whenTaken(): Promise<void> {
    if (this.#sink.writableLength <= BACKLOG_BYTES) return
    this.flush()
    await new Promise<void>((resolve) => {
      this.#sink.write('', () => resolve())
    })
  }
}
