import type { Codec } from './codec.ts'
import { blameBytes } from './corrupt.ts'
import { checkLz4Frame } from './lz4-frame.ts'

/** What is used of the package `lz4-napi`. */
export interface Lz4Library {
  compressFrameSync(bytes: Buffer): Buffer
  decompressFrameSync(bytes: Buffer): Buffer
}

/** Kafka's codec 3: an LZ4 frame with independent blocks, as Java writes and demands. */
export function lz4Codec(library: Lz4Library): Codec {
  return {
    compress: (bytes) => library.compressFrameSync(bytes),
    decompress: (bytes, maxBytes) => {
      checkLz4Frame(bytes, maxBytes)
      return blameBytes('lz4', () => library.decompressFrameSync(bytes))
    },
  }
}
