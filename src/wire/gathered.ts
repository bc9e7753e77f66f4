/**
 * An outgoing message made of parts, so that batch bytes are not copied to build it. gRPC asks of what a serialiser returns only
 * `length`, `byteLength` and `copy(target, at)`, once, into the frame that it allocates: that is the one copy on the way to the socket.
 * test/contract/gathered-message.test.ts proves that it still does. The parts must not change until the message was written.
 */
export class GatheredMessage {
  readonly byteLength: number
  readonly #parts: readonly Buffer[]

  constructor(parts: readonly Buffer[]) {
    this.#parts = parts
    let total = 0
    for (const part of parts) total += part.length
    this.byteLength = total
  }

  get length(): number {
    return this.byteLength
  }

  /** Buffer.copy for the whole message. Returns the bytes copied. */
  copy(target: Buffer, targetStart = 0): number {
    let at = targetStart
    for (const part of this.#parts) at += part.copy(target, at)
    return at - targetStart
  }

  /** One contiguous copy: for small messages and what needs real bytes. */
  toBuffer(): Buffer {
    const bytes = Buffer.allocUnsafe(this.byteLength)
    this.copy(bytes)
    return bytes
  }
}
