import { gunzipSync, gzipSync } from 'node:zlib'
import type { Codec } from './codec.ts'
import { blameBytes, tooLarge } from './corrupt.ts'

/** Kafka's codec 1 (RFC 1952), zlib's default level. Several members one behind the other are one stream. */
export const gzip: Codec = {
  compress: (bytes) => gzipSync(bytes),
  decompress: (bytes, maxBytes) => {
    // zlib refuses a limit of 0.
    const plain = blameBytes('gzip', () => gunzipSync(bytes, { maxOutputLength: Math.max(1, maxBytes) }))
    if (plain.length > maxBytes) throw tooLarge('gzip', maxBytes)
    return plain
  },
}
