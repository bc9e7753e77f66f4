import type { Clock } from '../base/clock.ts'
import { BrokerError } from '../base/errors.ts'
import { callVoid, type Task } from '../base/task.ts'
import type { SnapshotName, SnapshotReader, SnapshotWriter } from '../log/snapshot-files.ts'
import { ImageHasher } from '../metadata/hash.ts'
import type { MetadataImage } from '../metadata/image.ts'
import { ImageLoader, snapshotRecords } from '../metadata/snapshot-records.ts'
import { peekBatchSize, readBatchHeader, stampBatch } from '../record/batch.ts'
import { CONTROL_FLAG, type DecodedRecord, decodeRecords, encodeBatch, NO_PRODUCER } from '../record/records.ts'
import { writtenByNewer } from './decision-entry.ts'
import { decodeDecision, encodeDecision } from '../wire/records-codec.ts'
import {
  decodeSnapshotFooter,
  decodeSnapshotHeader,
  encodeSnapshotFooter,
  encodeSnapshotHeader,
  footerKey,
  headerKey,
  SNAPSHOT_VERSION,
} from '../wire/snapshot-codec.ts'

/** What is read, and decoded in one turn. */
const READ_BYTES = 32 * 1024

/**
 * Writes an image as batches of one record each: a header, the records in slices, a footer with the image's hash. The offsets count the batches, the epoch is
 * the term of the last entry. The image cannot change, so it is written over many turns, in which other work goes on.
 */
export function* writeSnapshot(
  writer: SnapshotWriter,
  options: { readonly image: MetadataImage; readonly lastTerm: number; readonly writtenMs: number; readonly clock: Clock; readonly isStopped: () => boolean },
): Task<void> {
  const { image, lastTerm, writtenMs, clock, isStopped } = options
  let batchCount = 0
  function* append(key: Buffer | null, value: Buffer): Task<void> {
    const batch = encodeBatch([{ timestamp: writtenMs, key, value }], { ...NO_PRODUCER, attributes: key === null ? 0 : CONTROL_FLAG })
    stampBatch(batch, 0, { baseOffset: batchCount++, leaderEpoch: lastTerm })
    yield* writer.append(batch)
  }
  yield* append(headerKey, encodeSnapshotHeader({ version: SNAPSHOT_VERSION, endOffset: image.offset, lastTerm }))
  let recordCount = 0
  for (const records of snapshotRecords(image)) {
    if (isStopped()) return
    recordCount += records.length
    yield* append(null, encodeDecision(records))
  }
  const imageHash = yield* hashOf(image, clock)
  yield* append(footerKey, encodeSnapshotFooter({ version: SNAPSHOT_VERSION, imageHash, recordCount }))
}

/** What a snapshot holds, and when it was written, by the wall clock of its writer. */
export interface SnapshotContent {
  readonly image: MetadataImage
  readonly writtenMs: number
}

/** Reads a snapshot back, whole, and its image must have the hash that was written. Throws as SnapshotParser does. */
export function* readSnapshot(reader: SnapshotReader, name: SnapshotName, clock: Clock): Task<SnapshotContent> {
  const content = new SnapshotParser(name)
  for (let position = 0; position < reader.sizeBytes; ) {
    const bytes = yield* reader.read(position, READ_BYTES)
    for (let at = 0; at < bytes.length; ) {
      const sizeBytes = peekBatchSize(bytes, at) as number
      content.add(bytes.subarray(at, at + sizeBytes))
      at += sizeBytes
    }
    position += bytes.length
    yield* pause(clock)
  }
  const { image, writtenMs, imageHash } = content.finish()
  const found = yield* hashOf(image, clock)
  if (found !== imageHash) throw corrupt(`it was written with the hash ${imageHash}, and has ${found}`)
  return { image, writtenMs }
}

/**
 * Takes the batches of a snapshot, in order, their CRCs checked. Throws CORRUPT_MESSAGE at what is not the next one, and at an end before the footer;
 * UNSUPPORTED_VERSION where all is as it was written, and cannot be read here: nothing is wrong with such a file, and nobody may throw it away.
 */
export class SnapshotParser {
  readonly #name: SnapshotName
  readonly #loader = new ImageLoader()
  #batchCount = 0
  #recordCount = 0
  #imageHash: number | undefined
  #writtenMs = 0

  constructor(name: SnapshotName) {
    this.#name = name
  }

  add(batch: Buffer): void {
    const { endOffset, lastTerm } = this.#name
    const { baseOffset, leaderEpoch, attributes, baseTimestamp } = readBatchHeader(batch, 0)
    const [record] = decodeRecords(batch)
    if (baseOffset !== this.#batchCount || leaderEpoch !== lastTerm) throw corrupt(`batch ${baseOffset} of epoch ${leaderEpoch} is not the next one`)
    if (this.#imageHash !== undefined) throw corrupt('something follows its footer')
    if (record?.value == null) throw corrupt(`batch ${baseOffset} is empty`)
    const isControl = (attributes & CONTROL_FLAG) !== 0
    if (this.#batchCount++ === 0) {
      const header = isControl && isKey(record, headerKey) ? decodeWith(decodeSnapshotHeader, record.value) : undefined
      if (header !== undefined && header.version > SNAPSHOT_VERSION) throw unreadable(`format ${header.version}, not ${SNAPSHOT_VERSION}`)
      if (header?.version !== SNAPSHOT_VERSION || header.endOffset !== endOffset || header.lastTerm !== lastTerm)
        throw corrupt('its header is not that of its name')
      this.#writtenMs = baseTimestamp
    } else if (isControl) {
      const footer = isKey(record, footerKey) ? decodeWith(decodeSnapshotFooter, record.value) : undefined
      if (footer?.recordCount !== this.#recordCount) throw corrupt('its footer does not count what is there')
      this.#imageHash = footer.imageHash
    } else {
      const records = decodeWith(decodeDecision, record.value, unreadable)
      this.#recordCount += records.length
      this.#loader.add(records)
    }
  }

  /** Records between header and footer, so far. */
  get recordCount(): number {
    return this.#recordCount
  }

  /** `imageHash`: as it was written; that of the image is for the caller to compare. */
  finish(): SnapshotContent & { readonly imageHash: number } {
    if (this.#imageHash === undefined) throw corrupt('it has no footer')
    return { image: this.#loader.finish(this.#name.endOffset), writtenMs: this.#writtenMs, imageHash: this.#imageHash }
  }
}

function isKey(record: DecodedRecord, key: Buffer): boolean {
  return record.key?.equals(key) === true
}

function decodeWith<T>(decode: (bytes: Buffer) => T, bytes: Buffer, otherwise: (what: string) => BrokerError = corrupt): T {
  try {
    return decode(bytes)
  } catch (error) {
    throw error instanceof BrokerError ? otherwise(error.detail) : error
  }
}

function unreadable(detail: string): BrokerError {
  return writtenByNewer('a metadata snapshot', detail)
}

function corrupt(what: string): BrokerError {
  return new BrokerError('CORRUPT_MESSAGE', `a metadata snapshot is not whole: ${what}`)
}

function* hashOf(image: MetadataImage, clock: Clock): Task<number> {
  const slices = new ImageHasher().hashInSlices(image)
  for (;;) {
    const slice = slices.next()
    if (slice.done === true) return slice.value
    yield* pause(clock)
  }
}

function* pause(clock: Clock): Task<void> {
  yield* callVoid((done) => clock.defer(() => done(undefined)))
}
