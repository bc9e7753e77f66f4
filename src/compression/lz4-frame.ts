import { corrupt, tooLarge } from './corrupt.ts'

/**
 * The LZ4 frame format (source: lz4_Frame_format.md 1.6.4):
 *   magic u32 | FLG u8 | BD u8 | content size u64? | dictionary id u32? | header checksum u8 |
 *   blocks, each: size u32 (top bit: stored as it is), bytes, checksum u32? | end mark u32 = 0 | content checksum u32?
 * Only its lengths are looked at here, so that the library meets whole frames of a known size alone.
 */
const MAGIC = 0x184d2204
const BLOCK_CHECKSUM_FLAG = 0x10
const CONTENT_SIZE_FLAG = 0x08
const CONTENT_CHECKSUM_FLAG = 0x04
const DICTIONARY_FLAG = 0x01
const STORED_FLAG = 0x8000_0000
/** A byte of a match length stands for 255 bytes at most. */
const MAX_RATIO = 255
const MIN_MATCH_BYTES = 4
const LONG_LENGTH = 15

interface Block {
  readonly start: number
  readonly end: number
  readonly isStored: boolean
}

function byteAt(bytes: Buffer, at: number, end: number): number {
  if (at >= end) throw corrupt('lz4', 'cut short')
  return bytes[at] as number
}

function uint32At(bytes: Buffer, at: number): number {
  if (at + 4 > bytes.length) throw corrupt('lz4', 'cut short')
  return bytes.readUInt32LE(at)
}

/** What a compressed block holds, read from its lengths alone (source: lz4_Block_format.md). */
function blockContentSize(bytes: Buffer, { start, end }: Block): number {
  let at = start
  let size = 0
  const longLength = (length: number): number => {
    let total = length
    if (length < LONG_LENGTH) return total
    for (let byte = 255; byte === 255; total += byte) byte = byteAt(bytes, at++, end)
    return total
  }
  for (;;) {
    const token = byteAt(bytes, at++, end)
    const literals = longLength(token >>> 4)
    at += literals
    size += literals
    if (at === end) return size
    at += 2
    size += longLength(token & 0x0f) + MIN_MATCH_BYTES
  }
}

function readBlocks(
  bytes: Buffer,
  start: number,
  options: { readonly hasChecksums: boolean; readonly maxBlockBytes: number },
): { blocks: Block[]; end: number } {
  const blocks: Block[] = []
  let at = start
  for (;;) {
    const word = uint32At(bytes, at)
    at += 4
    if (word === 0) return { blocks, end: at }
    const isStored = word >= STORED_FLAG
    const length = isStored ? word - STORED_FLAG : word
    if (length > options.maxBlockBytes || length > bytes.length - at) throw corrupt('lz4', `a block of ${length} bytes where ${bytes.length - at} are left`)
    blocks.push({ start: at, end: at + length, isStored })
    at += length + (options.hasChecksums ? 4 : 0)
  }
}

/** Throws CORRUPT_MESSAGE unless `bytes` are exactly one whole frame whose content takes at most `maxBytes`. Checksums are not looked at. */
export function checkLz4Frame(bytes: Buffer, maxBytes: number): void {
  if (uint32At(bytes, 0) !== MAGIC) throw corrupt('lz4', 'it does not begin as a frame')
  const flags = byteAt(bytes, 4, bytes.length)
  if (flags >>> 6 !== 1) throw corrupt('lz4', `frame version ${flags >>> 6}, 1 is known`)
  if ((flags & DICTIONARY_FLAG) !== 0) throw corrupt('lz4', 'it needs a dictionary')
  const sizeCode = (byteAt(bytes, 5, bytes.length) >>> 4) & 0x07
  if (sizeCode < 4) throw corrupt('lz4', `block size code ${sizeCode}`)
  const maxBlockBytes = 2 ** (8 + 2 * sizeCode)
  const start = 7 + ((flags & CONTENT_SIZE_FLAG) === 0 ? 0 : 8)
  const { blocks, end } = readBlocks(bytes, start, { hasChecksums: (flags & BLOCK_CHECKSUM_FLAG) !== 0, maxBlockBytes })
  const frameBytes = end + ((flags & CONTENT_CHECKSUM_FLAG) === 0 ? 0 : 4)
  if (frameBytes !== bytes.length) throw corrupt('lz4', `a frame of ${frameBytes} bytes in ${bytes.length}`)
  // The exact size costs a walk through every block: rarely needed.
  const mostBytes = blocks.reduce((sum, block) => sum + Math.min(maxBlockBytes, (block.end - block.start) * (block.isStored ? 1 : MAX_RATIO)), 0)
  if (mostBytes <= maxBytes) return
  const sizeBytes = blocks.reduce((sum, block) => sum + (block.isStored ? block.end - block.start : blockContentSize(bytes, block)), 0)
  if (sizeBytes > maxBytes) throw tooLarge('lz4', maxBytes)
}
