import type { ProducedPartition, ProducePartition, ProduceRequest, ProduceResponse } from './api.ts'
import { apiErrorCodec } from './error-codec.ts'
import type { GatheredMessage } from './gathered.ts'
import { type Codec, decode, encode, int32, int64, list, message, nestedOrNull, sint32, sint64, uuid, view } from './proto-message.ts'

/** broker.proto: the Produce stream. */
const producePartitionCodec = message<ProducePartition>({ topicId: uuid(1), partition: int32(2), leaderEpoch: sint32(3), batch: view(4) })

const produceRequestCodec = message<ProduceRequest>({ requestId: int64(1), acks: sint32(2), timeoutMs: int32(3), partitions: list(4, producePartitionCodec) })

const producedPartitionCodec = message<ProducedPartition>({
  topicId: uuid(1),
  partition: int32(2),
  baseOffset: sint64(3),
  error: nestedOrNull(4, apiErrorCodec),
})

const produceResponseCodec: Codec<ProduceResponse> = message({ requestId: int64(1), partitions: list(2, producedPartitionCodec) })

const produceRepliesCodec = message<{ readonly responses: readonly ProduceResponse[] }>({ responses: list(1, produceResponseCodec) })

/** Batches are borrowed until the message was written. */
export function encodeProduceRequest(request: ProduceRequest): GatheredMessage {
  return encode(produceRequestCodec, request)
}

/** Batches are views of `bytes`. Throws INVALID_REQUEST. */
export function decodeProduceRequest(bytes: Buffer, maxElements?: number): ProduceRequest {
  return decode(produceRequestCodec, bytes, maxElements)
}

export function encodeProduceReplies(responses: readonly ProduceResponse[]): GatheredMessage {
  return encode(produceRepliesCodec, { responses })
}

export function decodeProduceReplies(bytes: Buffer): readonly ProduceResponse[] {
  return decode(produceRepliesCodec, bytes).responses
}
