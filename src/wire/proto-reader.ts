import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'

const TWO_28 = 0x1000_0000
const TWO_32 = 0x1_0000_0000
const MAX_INT32 = 0x7fff_ffff
const UUID_BYTES = 16

function malformed(what: string): BrokerError {
  return new BrokerError('INVALID_REQUEST', `malformed message: ${what}`)
}

/**
 * Reads protobuf that may come from outside: every length is checked against what encloses it, every int64 must be exact. Throws
 * INVALID_REQUEST and nothing else; always ends, since each step consumes a byte. `maxElements` bounds list elements and nested messages
 * of the whole message, so that 16 MiB of empty ones cannot become gigabytes of objects.
 */
export class ProtoReader {
  readonly #bytes: Buffer
  #at = 0
  #end: number
  #elementsLeft: number

  constructor(bytes: Buffer, maxElements = Number.POSITIVE_INFINITY) {
    this.#bytes = bytes
    this.#end = bytes.length
    this.#elementsLeft = maxElements
  }

  /** Whether the message being read has more fields. */
  get more(): boolean {
    return this.#at < this.#end
  }

  tag(): number {
    const tag = this.#varint()
    if (tag < 8 || tag > 0xffff_ffff) throw malformed(`tag ${tag}`)
    return tag
  }

  boolean(): boolean {
    return this.#varint() !== 0
  }

  int64(): number {
    return this.#varint()
  }

  int32(): number {
    const value = this.#varint()
    if (value > MAX_INT32 || value < -MAX_INT32 - 1) throw malformed(`int32 ${value} is out of range`)
    return value
  }

  sint64(): number {
    const value = this.#varint()
    if (value < 0) throw malformed('sint64 is not exact')
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  sint32(): number {
    const value = this.sint64()
    if (value > MAX_INT32 || value < -MAX_INT32 - 1) throw malformed(`sint32 ${value} is out of range`)
    return value
  }

  string(): string {
    const length = this.#length()
    this.#at += length
    return this.#bytes.toString('utf8', this.#at - length, this.#at)
  }

  uuid(): Uuid {
    const length = this.#length()
    if (length !== UUID_BYTES) throw malformed(`an id of ${length} bytes, ${UUID_BYTES} are expected`)
    this.#at += UUID_BYTES
    return this.#bytes.toString('hex', this.#at - UUID_BYTES, this.#at)
  }

  /** A view, not a copy: it pins the whole message. */
  bytes(): Buffer {
    const length = this.#length()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** The same as a list of slices: none when it is empty. */
  slices(): readonly Buffer[] {
    const view = this.bytes()
    return view.length === 0 ? [] : [view]
  }

  /** Reads a nested message, or packed elements, by `read`, which must consume all that is `more`. */
  nested<T>(read: (reader: ProtoReader) => T): T {
    this.countElement()
    const outerEnd = this.#end
    const length = this.#length()
    this.#end = this.#at + length
    const value = read(this)
    this.#end = outerEnd
    return value
  }

  countElement(): void {
    this.#elementsLeft -= 1
    if (this.#elementsLeft < 0) throw malformed('too many elements')
  }

  /** Passes over the field whose tag was just read. */
  skip(tag: number): void {
    const wireType = tag % 8
    if (wireType === 0) this.#skipVarint()
    else if (wireType === 1) this.#advance(8)
    else if (wireType === 2) this.#advance(this.#length())
    else if (wireType === 5) this.#advance(4)
    else throw malformed(`wire type ${wireType}`)
  }

  #advance(count: number): void {
    if (count > this.#end - this.#at) throw malformed('a field runs past the end')
    this.#at += count
  }

  #length(): number {
    const length = this.#varint()
    if (length < 0 || length > this.#end - this.#at) throw malformed(`a length of ${length} with ${this.#end - this.#at} bytes left`)
    return length
  }

  #next(): number {
    if (this.#at >= this.#end) throw malformed('a number runs past the end')
    return this.#bytes[this.#at++] as number
  }

  #skipVarint(): void {
    for (let index = 0; index < 10; index++) if (this.#next() < 0x80) return
    throw malformed('a number of more than ten bytes')
  }

  #varint(): number {
    let byte = this.#next()
    if (byte < 0x80) return byte
    let low = byte & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      byte = this.#next()
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return low
    }
    return this.#varintBeyond28(low)
  }

  /** The fifth byte and on: 36 more bits, of which the last is the sign. */
  #varintBeyond28(low28: number): number {
    let high = 0
    let unit = 1
    for (let index = 4; index < 9; index++) {
      const byte = this.#next()
      high += (byte & 0x7f) * unit
      if (byte < 0x80) return exact(high * TWO_28 + low28)
      unit *= 128
    }
    const last = this.#next()
    if (last > 1) throw malformed('a number of more than 64 bits')
    // Two's complement: bit 63 counts −2^63, that is −2^35 in units of 2^28.
    if (last === 1) high -= TWO_32 * 8
    return exact(high * TWO_28 + low28)
  }
}

function exact(value: number): number {
  if (!Number.isSafeInteger(value)) throw malformed(`int64 ${value} is not exact`)
  return value
}
