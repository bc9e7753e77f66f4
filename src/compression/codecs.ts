import zlib from 'node:zlib'
import type { DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { Codec } from './codec.ts'
import { gzip } from './gzip.ts'
import { lz4Codec } from './lz4.ts'
import { snappyCodec } from './snappy.ts'
import { type ZstdLibrary, zstdCodec } from './zstd.ts'

/** What newer versions of Node have, and the types of the oldest one that is served do not. */
interface ZstdInNode {
  zstdCompressSync?(bytes: Buffer): Buffer
  zstdDecompressSync?(bytes: Buffer, options: { readonly maxOutputLength: number }): Buffer
}

const WASM_LEVEL = 3

function zstdOfNode(): ZstdLibrary | undefined {
  const { zstdCompressSync, zstdDecompressSync } = zlib as ZstdInNode
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return undefined
  return { compress: (bytes) => zstdCompressSync(bytes), decompress: (frame, maxBytes) => zstdDecompressSync(frame, { maxOutputLength: maxBytes }) }
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

async function zstdOfPackage(): Promise<ZstdLibrary> {
  const library = await import('@bokuweb/zstd-wasm')
  await library.init()
  return {
    compress: (bytes) => viewOf(library.compress(bytes, WASM_LEVEL)),
    decompress: (frame, maxBytes) => viewOf(library.decompress(frame, { defaultHeapSize: maxBytes })),
  }
}

/** The packages are optional: on a platform without a build of one, npm installs the rest and says nothing. */
async function fromPackage<Library>(name: string, load: () => Promise<Library>): Promise<Library> {
  try {
    return await load()
  } catch (error) {
    const cause = (error instanceof Error ? error.message : String(error)).split('\n')[0]
    throw new BrokerError('UNSUPPORTED_COMPRESSION_TYPE', `the package ${name} does not load here: ${cause} (npm install ${name})`)
  }
}

/** By Kafka's numbers. */
const loaders: ReadonlyMap<number, () => Promise<Codec>> = new Map([
  [2, async () => snappyCodec(await fromPackage('snappy', () => import('snappy')))],
  [3, async () => lz4Codec(await fromPackage('lz4-napi', () => import('lz4-napi')))],
  [4, async () => zstdCodec(zstdOfNode() ?? (await fromPackage('@bokuweb/zstd-wasm', zstdOfPackage)))],
])

/** As the module table of Node: what was loaded once stays. gzip is part of Node and here at once, so a simulation that uses it alone waits for nothing. */
const loaded = new Map<number, Codec>([[1, gzip]])
const loading = new Map<number, Promise<Codec>>()

export function isCodecLoaded(codec: number): boolean {
  return loaded.has(codec)
}

/**
 * Makes `compress` and `decompress` of this codec (Kafka's number, from 1) possible.
 * UNSUPPORTED_COMPRESSION_TYPE: there is no such codec, or its package does not load here.
 */
export function loadCodec(codec: number, done: DoneVoid): void {
  load(codec).then(
    () => done(undefined),
    (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
  )
}

async function load(codec: number): Promise<void> {
  if (loaded.has(codec)) return
  const loader = loaders.get(codec)
  if (loader === undefined) throw new BrokerError('UNSUPPORTED_COMPRESSION_TYPE', `there is no codec with number ${codec}`)
  const promise = loading.get(codec) ?? loader()
  loading.set(codec, promise)
  try {
    loaded.set(codec, await promise)
  } finally {
    loading.delete(codec)
  }
}

function loadedCodec(codec: number): Codec {
  const found = loaded.get(codec)
  if (found === undefined) throw new BrokerError('UNSUPPORTED_COMPRESSION_TYPE', `codec ${codec} is not loaded`)
  return found
}

/** Synchronous; the codec is loaded. */
export function compress(codec: number, bytes: Buffer): Buffer {
  return loadedCodec(codec).compress(bytes)
}

/** Synchronous; the codec is loaded. Throws CORRUPT_MESSAGE when `bytes` are malformed or hold more than `maxBytes`, which bounds what is allocated. */
export function decompress(codec: number, bytes: Buffer, maxBytes: number): Buffer {
  return loadedCodec(codec).decompress(bytes, maxBytes)
}
