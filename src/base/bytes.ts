import { BrokerError } from './errors.ts'

const TWO_32 = 0x1_0000_0000

/** Reads a signed 64-bit big-endian integer. Throws CORRUPT_MESSAGE beyond 2^53: it may come from outside. */
export function readInt64(bytes: Buffer, at: number): number {
  const value = bytes.readInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4)
  if (!Number.isSafeInteger(value)) throw new BrokerError('CORRUPT_MESSAGE', `int64 ${value} is not exact`)
  return value
}

/** Writes a safe integer as a signed 64-bit big-endian one. */
export function writeInt64(bytes: Buffer, value: number, at: number): void {
  bytes.writeInt32BE(Math.floor(value / TWO_32), at)
  bytes.writeUInt32BE(value - Math.floor(value / TWO_32) * TWO_32, at + 4)
}
