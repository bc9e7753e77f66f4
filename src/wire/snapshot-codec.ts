import { decode, encode, int32, int64, message } from './proto-message.ts'

/** records.proto: what stands before and behind the records of a metadata snapshot. These bytes live on disk for ever. */
export const SNAPSHOT_VERSION = 1

export interface SnapshotHeader {
  readonly version: number
  readonly endOffset: number
  readonly lastTerm: number
}

export interface SnapshotFooter {
  readonly version: number
  readonly imageHash: number
  readonly recordCount: number
}

const headerCodec = message<SnapshotHeader>({ version: int32(1), endOffset: int64(2), lastTerm: int64(3) })
const footerCodec = message<SnapshotFooter>({ version: int32(1), imageHash: int64(2), recordCount: int64(3) })

/** The keys of the two control records: Kafka's ControlRecordType, version 0. */
export const headerKey = Buffer.from([0, 0, 0, 3])
export const footerKey = Buffer.from([0, 0, 0, 4])

export function encodeSnapshotHeader(header: SnapshotHeader): Buffer {
  return encode(headerCodec, header).toBuffer()
}

/** Throws INVALID_REQUEST, as does the next one. */
export function decodeSnapshotHeader(bytes: Buffer): SnapshotHeader {
  return decode(headerCodec, bytes)
}

export function encodeSnapshotFooter(footer: SnapshotFooter): Buffer {
  return encode(footerCodec, footer).toBuffer()
}

export function decodeSnapshotFooter(bytes: Buffer): SnapshotFooter {
  return decode(footerCodec, bytes)
}
