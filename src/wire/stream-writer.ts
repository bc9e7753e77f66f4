import type { GatheredMessage } from './gathered.ts'
import type { Traffic } from './traffic.ts'

/** The writing half of a gRPC stream. The callback comes when the message was given to the socket, or the stream ended. */
export interface MessageSink {
  write(message: GatheredMessage, written: () => void): unknown
}

/** The same sink, with every message counted. */
export function counted(sink: MessageSink, traffic: Traffic): MessageSink {
  return {
    write(message, written) {
      traffic.count(message)
      sink.write(message, written)
    },
  }
}

/** Counts the bytes that a stream holds because its reader is behind: gRPC itself has no bound on them. */
export class CountingWriter {
  readonly #sink: MessageSink
  readonly #onWritten: () => void
  #unsentBytes = 0

  constructor(sink: MessageSink, onWritten: () => void) {
    this.#sink = sink
    this.#onWritten = onWritten
  }

  get unsentBytes(): number {
    return this.#unsentBytes
  }

  write(message: GatheredMessage): void {
    const sizeBytes = message.byteLength
    this.#unsentBytes += sizeBytes
    this.#sink.write(message, () => {
      this.#unsentBytes -= sizeBytes
      this.#onWritten()
    })
  }
}

/**
 * Writes items in as few messages as the reader's pace allows: those of one turn together, and while a message is on its way, all that
 * come meanwhile. One message is outstanding at a time.
 */
export class GatheringWriter<T> {
  readonly #sink: MessageSink
  readonly #encode: (items: readonly T[]) => GatheredMessage
  readonly #sizeOf: (item: T) => number
  readonly #maxMessageBytes: number
  readonly #onWritten: () => void
  #items: T[] = []
  #heldBytes = 0
  #scheduled = false
  #writing = false

  /** `sizeOf`: an item's bytes, about. A message takes items until `maxMessageBytes`, at least one. */
  constructor(options: {
    readonly sink: MessageSink
    readonly encode: (items: readonly T[]) => GatheredMessage
    readonly sizeOf: (item: T) => number
    readonly maxMessageBytes: number
    readonly onWritten?: () => void
  }) {
    this.#sink = options.sink
    this.#encode = options.encode
    this.#sizeOf = options.sizeOf
    this.#maxMessageBytes = options.maxMessageBytes
    this.#onWritten = options.onWritten ?? (() => {})
  }

  /** Bytes not yet given to the socket, about. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  add(item: T): void {
    this.#items.push(item)
    this.#heldBytes += this.#sizeOf(item)
    if (this.#scheduled || this.#writing) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#writing || this.#items.length === 0) return
    let count = 0
    let bytes = 0
    while (count < this.#items.length) {
      const size = this.#sizeOf(this.#items[count] as T)
      if (count > 0 && bytes + size > this.#maxMessageBytes) break
      bytes += size
      count += 1
    }
    const message = this.#encode(this.#items.slice(0, count))
    this.#items = this.#items.slice(count)
    this.#writing = true
    this.#sink.write(message, () => {
      this.#writing = false
      this.#heldBytes -= bytes
      this.#flush()
      this.#onWritten()
    })
  }
}
