import type { Codec } from './codec.ts'
import { blameBytes, corrupt, tooLarge } from './corrupt.ts'

/** What is used of the package `snappy`. */
export interface SnappyLibrary {
  compressSync(bytes: Buffer, options: { readonly copyOutputData: boolean }): Buffer
  uncompressSync(bytes: Buffer, options: { readonly asBuffer: boolean; readonly copyOutputData: boolean }): string | Buffer
}

/**
 * Java clients frame snappy as the xerial library does (source: org.xerial.snappy.SnappyOutputStream): 0x82 "SNAPPY" 0x00, version i32, oldest
 * readable version i32, then chunks: length i32, raw snappy block. Other clients write one raw block; it never begins like the frame, for its
 * first element would be a copy of nothing.
 */
const MAGIC = Buffer.from('\x82SNAPPY\0', 'latin1')
const HEADER_BYTES = 16
const VERSION = 1
/** What Java writes, and holds while it reads. */
const CHUNK_BYTES = 32 * 1024
const MAX_LENGTH_BYTES = 5
/** Without it each result is memory of its own outside of the heap, and five times slower to come by. */
const COPY = { asBuffer: true, copyOutputData: true } as const

/** What a raw block says of its size: a varint at its start. */
function rawSize(block: Buffer): number {
  let size = 0
  for (let at = 0; at < MAX_LENGTH_BYTES; at++) {
    const byte = block[at]
    if (byte === undefined) break
    size += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return size
  }
  throw corrupt('snappy', 'a block without its length')
}

/** Kafka's codec 2. */
export function snappyCodec(library: SnappyLibrary): Codec {
  const decompressBlock = (block: Buffer, maxBytes: number): Buffer => {
    if (rawSize(block) > maxBytes) throw tooLarge('snappy', maxBytes)
    return blameBytes('snappy', () => library.uncompressSync(block, COPY) as Buffer)
  }
  return {
    compress: (bytes) => {
      const header = Buffer.alloc(HEADER_BYTES)
      MAGIC.copy(header)
      header.writeInt32BE(VERSION, MAGIC.length)
      header.writeInt32BE(VERSION, MAGIC.length + 4)
      const parts: Buffer[] = [header]
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
        const chunk = library.compressSync(bytes.subarray(at, at + CHUNK_BYTES), COPY)
        const length = Buffer.allocUnsafe(4)
        length.writeInt32BE(chunk.length)
        parts.push(length, chunk)
      }
      return Buffer.concat(parts)
    },
    decompress: (bytes, maxBytes) => {
      if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return decompressBlock(bytes, maxBytes)
      if (bytes.length < HEADER_BYTES) throw corrupt('snappy', 'a frame is cut short in its header')
      const oldestReadable = bytes.readInt32BE(MAGIC.length + 4)
      if (oldestReadable > VERSION) throw corrupt('snappy', `a frame for readers of version ${oldestReadable}, ${VERSION} is known`)
      const parts: Buffer[] = []
      let sizeBytes = 0
      for (let at = HEADER_BYTES; at < bytes.length; ) {
        if (bytes.length - at < 4) throw corrupt('snappy', 'a chunk is cut short in its length')
        const length = bytes.readInt32BE(at)
        at += 4
        if (length <= 0 || length > bytes.length - at) throw corrupt('snappy', `a chunk of ${length} bytes where ${bytes.length - at} are left`)
        const part = decompressBlock(bytes.subarray(at, at + length), maxBytes - sizeBytes)
        sizeBytes += part.length
        parts.push(part)
        at += length
      }
      return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    },
  }
}
