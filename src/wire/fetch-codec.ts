import type { Uuid } from '../base/ids.ts'
import type { ApiError, FetchedPartition, FetchPartition, FetchRequest, FetchResponse } from './api.ts'
import { apiErrorCodec } from './error-codec.ts'
import type { GatheredMessage } from './gathered.ts'
import { type Codec, decode, encode, int32, int64, list, message, required, writeNested } from './proto-message.ts'

/** broker.proto: the Fetch stream. By hand where it comes once a partition, as in produce-codec.ts. */
const fetchPartitionCodec: Codec<FetchPartition> = {
  write(writer, value) {
    writer.uuidField(10, value.topicId)
    writer.intField(16, value.partition)
    writer.sintField(24, value.leaderEpoch)
    writer.intField(32, value.fetchOffset)
    writer.intField(40, value.maxBytes)
  },
  read(reader) {
    let topicId: Uuid | undefined
    let partition = 0
    let leaderEpoch = 0
    let fetchOffset = 0
    let maxBytes = 0
    while (reader.more) {
      const tag = reader.tag()
      if (tag === 10) topicId = reader.uuid()
      else if (tag === 16) partition = reader.int32()
      else if (tag === 24) leaderEpoch = reader.sint32()
      else if (tag === 32) fetchOffset = reader.int64()
      else if (tag === 40) maxBytes = reader.int32()
      else reader.skip(tag)
    }
    return { topicId: required(topicId, 'topic_id'), partition, leaderEpoch, fetchOffset, maxBytes }
  },
}

const fetchRequestCodec = message<FetchRequest>({
  requestId: int64(1),
  maxWaitMs: int32(2),
  minBytes: int32(3),
  maxBytes: int32(4),
  partitions: list(5, fetchPartitionCodec),
})

const fetchedPartitionCodec: Codec<FetchedPartition> = {
  write(writer, value) {
    writer.uuidField(10, value.topicId)
    writer.intField(16, value.partition)
    writer.sintField(24, value.highWatermark)
    writer.sintField(32, value.logStartOffset)
    if (value.error !== null) writeNested(writer, 42, apiErrorCodec, value.error)
    writer.borrowField(50, value.batches)
  },
  read(reader) {
    let topicId: Uuid | undefined
    let partition = 0
    let highWatermark = 0
    let logStartOffset = 0
    let error: ApiError | null = null
    let batches: readonly Buffer[] = []
    while (reader.more) {
      const tag = reader.tag()
      if (tag === 10) topicId = reader.uuid()
      else if (tag === 16) partition = reader.int32()
      else if (tag === 24) highWatermark = reader.sint64()
      else if (tag === 32) logStartOffset = reader.sint64()
      else if (tag === 42) error = reader.nested(apiErrorCodec.read)
      else if (tag === 50) batches = reader.slices()
      else reader.skip(tag)
    }
    return { topicId: required(topicId, 'topic_id'), partition, highWatermark, logStartOffset, error, batches }
  },
}

const fetchResponseCodec = message<FetchResponse>({ requestId: int64(1), partitions: list(2, fetchedPartitionCodec) })

export function encodeFetchRequest(request: FetchRequest): GatheredMessage {
  return encode(fetchRequestCodec, request)
}

/** Throws INVALID_REQUEST. */
export function decodeFetchRequest(bytes: Buffer, maxElements?: number): FetchRequest {
  return decode(fetchRequestCodec, bytes, maxElements)
}

/** Batches are borrowed until the message was written. */
export function encodeFetchResponse(response: FetchResponse): GatheredMessage {
  return encode(fetchResponseCodec, response)
}

/** Batches are views of `bytes`. */
export function decodeFetchResponse(bytes: Buffer): FetchResponse {
  return decode(fetchResponseCodec, bytes)
}
