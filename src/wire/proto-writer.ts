import { assert } from '../base/assert.ts'
import type { Uuid } from '../base/ids.ts'
import { GatheredMessage } from './gathered.ts'

const TWO_32 = 0x1_0000_0000
const FIRST_SCRATCH_BYTES = 512
/** Room kept for the length of a nested message: four varint bytes hold 2^28 − 1, far above any limit. */
const LENGTH_BYTES = 4
const MAX_NESTED_BYTES = 0x1000_0000
const MAX_COPIED_BYTES = 4_096

/** Large bytes that the message borrows: they belong before scratch position `cut`. */
interface Borrowed {
  readonly cut: number
  readonly bytes: Buffer
}

/**
 * Writes protobuf in one pass: small fields into a scratch buffer, batches as borrowed parts. The length of a nested message is filled in
 * afterwards: minimal where its bytes are all in the scratch, padded to four bytes (valid, if not the shortest) where it borrows.
 */
export class ProtoWriter {
  #scratch: Buffer = Buffer.allocUnsafe(FIRST_SCRATCH_BYTES)
  #at = 0
  readonly #borrowed: Borrowed[] = []

  /** `tag`: field number × 8 + wire type. */
  tag(tag: number): void {
    this.#varint(tag)
  }

  boolean(value: boolean): void {
    this.#reserve(1)
    this.#scratch[this.#at++] = value ? 1 : 0
  }

  /** int32, int64 and enums; any safe integer. */
  int(value: number): void {
    if (value < 0) this.#negative(value)
    else this.#varint(value)
  }

  /** sint32 and sint64: one byte for −1. |value| must be below 2^52. */
  sint(value: number): void {
    this.#varint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  string(value: string): void {
    const sizeBytes = Buffer.byteLength(value)
    this.#varint(sizeBytes)
    this.#reserve(sizeBytes)
    this.#at += this.#scratch.write(value, this.#at)
  }

  /** A field of its own, left out when zero as proto3 has it. So do the next three. */
  intField(tag: number, value: number): void {
    if (value === 0) return
    this.tag(tag)
    this.int(value)
  }

  sintField(tag: number, value: number): void {
    if (value === 0) return
    this.tag(tag)
    this.sint(value)
  }

  uuidField(tag: number, value: Uuid): void {
    this.tag(tag)
    this.uuid(value)
  }

  borrowField(tag: number, slices: readonly Buffer[]): void {
    if (slices.length === 0) return
    this.tag(tag)
    this.borrow(slices)
  }

  /** Copied where it is small: a part of its own costs more than its bytes. */
  bytes(value: Buffer): void {
    if (value.length > MAX_COPIED_BYTES) {
      this.borrow([value])
      return
    }
    this.#varint(value.length)
    this.#reserve(value.length)
    this.#scratch.set(value, this.#at)
    this.#at += value.length
  }

  /** 32 hex digits as 16 bytes. */
  uuid(value: Uuid): void {
    assert(value.length === 32, 'an id has 32 hex digits')
    this.#varint(16)
    this.#reserve(16)
    this.#at += this.#scratch.write(value, this.#at, 'hex')
  }

  /** One bytes field out of slices, which are borrowed. */
  borrow(slices: readonly Buffer[]): void {
    let total = 0
    for (const slice of slices) total += slice.length
    this.#varint(total)
    for (const bytes of slices) if (bytes.length > 0) this.#borrowed.push({ cut: this.#at, bytes })
  }

  /** Opens a nested message; returns the mark that `end` needs. */
  begin(): number {
    this.#reserve(LENGTH_BYTES)
    this.#at += LENGTH_BYTES
    return this.#at
  }

  end(mark: number): void {
    const inScratch = this.#at - mark
    let total = inScratch
    for (let index = this.#borrowed.length - 1; index >= 0; index--) {
      const borrowed = this.#borrowed[index] as Borrowed
      if (borrowed.cut < mark) break
      total += borrowed.bytes.length
    }
    assert(total < MAX_NESTED_BYTES, 'a nested message has fewer than 2^28 bytes')
    const lengthAt = mark - LENGTH_BYTES
    if (total !== inScratch) {
      this.#padded(lengthAt, total)
      return
    }
    this.#at = lengthAt
    this.#varint(total)
    this.#scratch.copyWithin(this.#at, mark, mark + total)
    this.#at += total
  }

  /** The message so far; the writer must not be used again. */
  finish(): GatheredMessage {
    const parts: Buffer[] = []
    let from = 0
    for (const { cut, bytes } of this.#borrowed) {
      if (cut > from) parts.push(this.#scratch.subarray(from, cut))
      parts.push(bytes)
      from = cut
    }
    if (this.#at > from) parts.push(this.#scratch.subarray(from, this.#at))
    return new GatheredMessage(parts)
  }

  #padded(at: number, value: number): void {
    this.#scratch[at] = (value & 0x7f) | 0x80
    this.#scratch[at + 1] = ((value >>> 7) & 0x7f) | 0x80
    this.#scratch[at + 2] = ((value >>> 14) & 0x7f) | 0x80
    this.#scratch[at + 3] = value >>> 21
  }

  #varint(value: number): void {
    assert(value <= Number.MAX_SAFE_INTEGER, 'a varint ends: its value is exact')
    this.#reserve(10)
    let rest = value
    while (rest >= TWO_32) {
      this.#scratch[this.#at++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest > 0x7f) {
      this.#scratch[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#scratch[this.#at++] = rest
  }

  /** Two's complement in ten bytes, as int32 and int64 have it. */
  #negative(value: number): void {
    this.#reserve(10)
    let low = value >>> 0
    let high = Math.floor(value / TWO_32) >>> 0
    for (let index = 0; index < 9; index++) {
      this.#scratch[this.#at++] = (low & 0x7f) | 0x80
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    this.#scratch[this.#at++] = low
  }

  #reserve(sizeBytes: number): void {
    if (this.#at + sizeBytes <= this.#scratch.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#scratch.length * 2, this.#at + sizeBytes))
    this.#scratch.copy(larger, 0, 0, this.#at)
    this.#scratch = larger
  }
}
