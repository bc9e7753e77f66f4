import { BrokerError } from '../base/errors.ts'

/** Zigzag varints as in Kafka's record format (ByteUtils.writeVarint, writeVarlong), on numbers: 64-bit values must be exact (2^53). */
const SEVEN_BITS = 0x7f
const MORE = 0x80
const MAX_INT32_BYTES = 5
const MAX_INT64_BYTES = 10
const INT32_LIMIT = 0x8000_0000

/** Bytes that `value` (a safe integer of at most 2^52) takes as a zigzag varint. */
export function varintSize(value: number): number {
  let rest = value >= 0 ? value * 2 : value * -2 - 1
  let size = 1
  while (rest > SEVEN_BITS) {
    rest = Math.floor(rest / 128)
    size++
  }
  return size
}

/** Writes `value` as a zigzag varint at `at`; returns the position behind it. */
export function writeVarint(bytes: Buffer, value: number, at: number): number {
  let rest = value >= 0 ? value * 2 : value * -2 - 1
  let position = at
  while (rest >= INT32_LIMIT) {
    bytes[position++] = (rest % 128) | MORE
    rest = Math.floor(rest / 128)
  }
  while (rest > SEVEN_BITS) {
    bytes[position++] = (rest & SEVEN_BITS) | MORE
    rest >>>= 7
  }
  bytes[position++] = rest
  return position
}

/** Reads varints one behind the other; every malformed one is CORRUPT_MESSAGE. */
export class VarintReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  /** Position of the next byte. */
  get position(): number {
    return this.#at
  }

  byte(): number {
    const value = this.#bytes[this.#at]
    if (value === undefined) throw new BrokerError('CORRUPT_MESSAGE', 'a record ends beyond its batch')
    this.#at++
    return value
  }

  int32(): number {
    const value = this.#zigzag(MAX_INT32_BYTES)
    if (value < -INT32_LIMIT || value >= INT32_LIMIT) throw new BrokerError('CORRUPT_MESSAGE', `varint ${value} exceeds 32 bits`)
    return value
  }

  /** A 64-bit value; beyond 2^52 it is refused. */
  int64(): number {
    return this.#zigzag(MAX_INT64_BYTES)
  }

  /** The next `length` bytes, as a view; null for the length −1. */
  nullable(length: number): Buffer | null {
    if (length === -1) return null
    if (length < 0 || length > this.#bytes.length - this.#at) throw new BrokerError('CORRUPT_MESSAGE', `a length of ${length} in a record`)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  #zigzag(maxBytes: number): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < maxBytes; count++) {
      const byte = this.byte()
      value += (byte & SEVEN_BITS) * scale
      if (byte < MORE) {
        if (!Number.isSafeInteger(value)) throw new BrokerError('CORRUPT_MESSAGE', 'a varint is not exact')
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      }
      scale *= 128
    }
    throw new BrokerError('CORRUPT_MESSAGE', `a varint of more than ${maxBytes} bytes`)
  }
}
