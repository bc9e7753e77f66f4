import { corrupt } from './corrupt.ts'

/**
 * The Zstandard format (source: RFC 8878 section 3): frames one behind the other, skippable ones among them.
 *   magic u32 | descriptor u8 | window u8? | dictionary id 0-4 bytes | content size 0-8 bytes | blocks | checksum u32?
 *   block: header u24 (last: bit 0, type: bits 1-2, size: the rest), bytes
 * Only lengths are looked at here, so that the library meets whole frames with a bound of what they hold: streamed frames, as Java writes them, do
 * not say their size.
 */
const MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const SINGLE_SEGMENT_FLAG = 0x20
const RESERVED_FLAG = 0x08
const CHECKSUM_FLAG = 0x04
const MAX_BLOCK_BYTES = 128 * 1024
const MIN_WINDOW_LOG = 10
const TWO_32 = 0x1_0000_0000
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const

/** `end`: exclusive. It holds at most `maxContentBytes`; exactly so many when it `isSized`. */
export interface ZstdFrame {
  readonly start: number
  readonly end: number
  readonly isSized: boolean
  readonly maxContentBytes: number
}

function need(bytes: Buffer, end: number): void {
  if (end > bytes.length) throw corrupt('zstd', 'cut short')
}

/** `sizeBytes` −1: the frame does not say. */
function readHeader(bytes: Buffer, start: number): { end: number; sizeBytes: number; maxBlockBytes: number; hasChecksum: boolean } {
  need(bytes, start + 5)
  const descriptor = bytes.readUInt8(start + 4)
  if ((descriptor & RESERVED_FLAG) !== 0) throw corrupt('zstd', 'a frame of a format that is not known')
  const isSingle = (descriptor & SINGLE_SEGMENT_FLAG) !== 0
  const sizeCode = descriptor >>> 6
  const sizeAt = start + 5 + (isSingle ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 0x03] as number)
  const sizeLength = sizeCode === 0 ? (isSingle ? 1 : 0) : 2 ** sizeCode
  const end = sizeAt + sizeLength
  need(bytes, end)
  let sizeBytes = -1
  if (sizeLength === 1) sizeBytes = bytes.readUInt8(sizeAt)
  else if (sizeLength === 2) sizeBytes = bytes.readUInt16LE(sizeAt) + 256
  else if (sizeLength === 4) sizeBytes = bytes.readUInt32LE(sizeAt)
  else if (sizeLength === 8) sizeBytes = bytes.readUInt32LE(sizeAt + 4) * TWO_32 + bytes.readUInt32LE(sizeAt)
  const window = isSingle ? 0 : bytes.readUInt8(start + 5)
  const windowBytes = isSingle ? sizeBytes : 2 ** (MIN_WINDOW_LOG + (window >>> 3)) * (1 + (window & 0x07) / 8)
  return { end, sizeBytes, maxBlockBytes: Math.min(MAX_BLOCK_BYTES, windowBytes), hasChecksum: (descriptor & CHECKSUM_FLAG) !== 0 }
}

function readFrame(bytes: Buffer, start: number): ZstdFrame {
  const header = readHeader(bytes, start)
  let at = header.end
  let mostBytes = 0
  for (let isLast = false; !isLast; ) {
    need(bytes, at + 3)
    const word = bytes.readUIntLE(at, 3)
    isLast = (word & 1) === 1
    const type = (word >>> 1) & 0x03
    const size = word >>> 3
    if (type === 3 || size > MAX_BLOCK_BYTES) throw corrupt('zstd', `a block of type ${type} and ${size} bytes`)
    // Type 1 repeats one byte; type 2 is compressed.
    mostBytes += type === 2 ? header.maxBlockBytes : size
    at += 3 + (type === 1 ? 1 : size)
    need(bytes, at)
  }
  const end = at + (header.hasChecksum ? 4 : 0)
  need(bytes, end)
  if (header.sizeBytes > mostBytes) throw corrupt('zstd', `a frame says ${header.sizeBytes} bytes, its blocks hold at most ${mostBytes}`)
  const isSized = header.sizeBytes >= 0
  return { start, end, isSized, maxContentBytes: isSized ? header.sizeBytes : mostBytes }
}

/** The frames with content in `bytes`, in order. Throws CORRUPT_MESSAGE unless frames fill it. */
export function readZstdFrames(bytes: Buffer): ZstdFrame[] {
  const frames: ZstdFrame[] = []
  for (let at = 0; at < bytes.length || at === 0; ) {
    need(bytes, at + 8)
    const magic = bytes.readUInt32LE(at)
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + bytes.readUInt32LE(at + 4)
      need(bytes, at)
      continue
    }
    if (magic !== MAGIC) throw corrupt('zstd', 'it does not begin as a frame')
    const frame = readFrame(bytes, at)
    frames.push(frame)
    at = frame.end
  }
  return frames
}
