import { SeededRandom } from '../src/base/random.ts'
import { DEFAULT_BATCH_BYTES } from '../src/client/producer-options.ts'
import { compress, decompress, loadCodec } from '../src/compression/codecs.ts'
import { BATCH_HEADER_BYTES } from '../src/record/batch.ts'
import { BatchBuilder, type CompressionType, compressionTypes, MAX_SECTION_BYTES, NO_PRODUCER } from '../src/record/records.ts'
import { heading, line, median } from './report.ts'
import { type SampleKind, sampleKinds, sampleValue } from './sample-records.ts'

const MIB = 1024 * 1024
const SEED = 1
const FIRST_MS = Date.UTC(2026, 0, 1)

interface Measured {
  readonly ratio: number
  readonly compressMbs: number
  readonly decompressMbs: number
}

/** What a codec is given: the records of full batches, as a producer of default settings gathers them. */
function sections(kind: SampleKind, megabytes: number): Buffer[] {
  const random = new SeededRandom(SEED)
  const found: Buffer[] = []
  let timestamp = FIRST_MS
  for (let left = megabytes * MIB; left > 0; left -= DEFAULT_BATCH_BYTES) {
    const builder = new BatchBuilder(DEFAULT_BATCH_BYTES)
    while (builder.sizeBytes < DEFAULT_BATCH_BYTES) builder.append({ timestamp, key: null, value: sampleValue(kind, random, timestamp++) })
    found.push(builder.seal(NO_PRODUCER).subarray(BATCH_HEADER_BYTES))
  }
  return found
}

function load(codec: number): Promise<void> {
  return new Promise((resolve, reject) => loadCodec(codec, (error) => (error === undefined ? resolve() : reject(error))))
}

function bytesOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

function timed<T>(work: () => T): { readonly result: T; readonly seconds: number } {
  const startedAt = performance.now()
  const result = work()
  return { result, seconds: (performance.now() - startedAt) / 1000 }
}

function measure(codec: number, plain: readonly Buffer[]): Measured {
  const packed = timed(() => plain.map((section) => compress(codec, section)))
  const unpacked = timed(() => packed.result.map((section) => decompress(codec, section, MAX_SECTION_BYTES)))
  for (const [at, section] of unpacked.result.entries())
    if (!section.equals(plain[at] as Buffer)) throw new Error(`codec ${codec} does not give back what it took`)
  const bytes = bytesOf(plain)
  return { ratio: bytes / bytesOf(packed.result), compressMbs: bytes / MIB / packed.seconds, decompressMbs: bytes / MIB / unpacked.seconds }
}

/** `bench compression`: what each codec saves, and what it costs a client. The codecs take turns, so that a busy machine is the same to all. */
export async function benchCompression(options: { readonly megabytes: number; readonly runs: number }): Promise<void> {
  const codecs = compressionTypes.slice(1)
  const numberOf = (name: CompressionType): number => compressionTypes.indexOf(name)
  for (const name of codecs) await load(numberOf(name))
  heading(`Compression of ${options.megabytes} MiB in batches of ${DEFAULT_BATCH_BYTES / 1024} KiB, one thread, median of ${options.runs}`)
  for (const kind of sampleKinds) {
    const plain = sections(kind, options.megabytes)
    const results = new Map<CompressionType, Measured[]>(codecs.map((name) => [name, []]))
    for (let at = 0; at < options.runs; at++) for (const name of codecs) results.get(name)?.push(measure(numberOf(name), plain))
    for (const [name, runs] of results) {
      const of = (value: (one: Measured) => number): number => median(runs.map(value))
      const speeds = `${of((one) => one.compressMbs).toFixed(0)} MB/s in, ${of((one) => one.decompressMbs).toFixed(0)} MB/s out`
      line(`${kind}, ${name}`, `ratio ${of((one) => one.ratio).toFixed(2)}, ${speeds}`)
    }
  }
}
