import type { FetchedPartition, FetchPartition, FetchRequest, FetchResponse } from './api.ts'
import { apiErrorCodec } from './error-codec.ts'
import type { GatheredMessage } from './gathered.ts'
import { decode, encode, int32, int64, list, message, nestedOrNull, sint32, sint64, slices, uuid } from './proto-message.ts'

/** broker.proto: the Fetch stream. */
const fetchPartitionCodec = message<FetchPartition>({
  topicId: uuid(1),
  partition: int32(2),
  leaderEpoch: sint32(3),
  fetchOffset: int64(4),
  maxBytes: int32(5),
})

const fetchRequestCodec = message<FetchRequest>({
  requestId: int64(1),
  maxWaitMs: int32(2),
  minBytes: int32(3),
  maxBytes: int32(4),
  partitions: list(5, fetchPartitionCodec),
})

const fetchedPartitionCodec = message<FetchedPartition>({
  topicId: uuid(1),
  partition: int32(2),
  highWatermark: sint64(3),
  logStartOffset: sint64(4),
  error: nestedOrNull(5, apiErrorCodec),
  batches: slices(6),
})

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
