import type { Codec } from './codec.ts'
import { blameBytes, tooLarge } from './corrupt.ts'
import { readZstdFrames } from './zstd-frames.ts'

/** One of the two libraries: Node's own from 22.15 on, or the package `@bokuweb/zstd-wasm`. */
export interface ZstdLibrary {
  compress(bytes: Buffer): Buffer
  /** `frame`: exactly one, whole. Throws when it holds more than `maxBytes` (at least 1). */
  decompress(frame: Buffer, maxBytes: number): Buffer
}

/** Kafka's codec 4. */
export function zstdCodec(library: ZstdLibrary): Codec {
  return {
    compress: (bytes) => library.compress(bytes),
    decompress: (bytes, maxBytes) => {
      const parts: Buffer[] = []
      let leftBytes = maxBytes
      for (const { start, end, isSized, maxContentBytes } of readZstdFrames(bytes)) {
        if (isSized && maxContentBytes > leftBytes) throw tooLarge('zstd', maxBytes)
        const limitBytes = Math.max(1, Math.min(maxContentBytes, leftBytes))
        const part = blameBytes('zstd', () => library.decompress(bytes.subarray(start, end), limitBytes))
        leftBytes -= part.length
        if (leftBytes < 0) throw tooLarge('zstd', maxBytes)
        parts.push(part)
      }
      return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    },
  }
}
