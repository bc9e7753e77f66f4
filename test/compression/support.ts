import { loadCodec } from '../../src/compression/codecs.ts'

export const MIB = 1024 * 1024
export const CODECS: readonly (readonly [name: string, codec: number])[] = [
  ['gzip', 1],
  ['snappy', 2],
  ['lz4', 3],
  ['zstd', 4],
]

export function load(codec: number): Promise<void> {
  return new Promise((resolve, reject) => loadCodec(codec, (error) => (error === undefined ? resolve() : reject(error))))
}

export async function loadAllCodecs(): Promise<void> {
  for (const [, codec] of CODECS) await load(codec)
}
