import type { Uuid } from '../base/ids.ts'
import type { ApiError, ProducedPartition, ProducePartition, ProduceRequest, ProduceResponse } from './api.ts'
import { apiErrorCodec } from './error-codec.ts'
import type { GatheredMessage } from './gathered.ts'
import { type Codec, decode, encode, int32, int64, list, message, required, sint32, writeNested } from './proto-message.ts'

/**
 * broker.proto: the Produce stream. What comes once a partition is written by hand, field by field: a table of fields takes several times as
 * long, which tells at small batches. Tags are field number × 8 + wire type.
 */
const producePartitionCodec: Codec<ProducePartition> = {
  write(writer, value) {
    writer.uuidField(10, value.topicId)
    writer.intField(16, value.partition)
    writer.sintField(24, value.leaderEpoch)
    writer.tag(34)
    writer.borrow([value.batch])
  },
  read(reader) {
    let topicId: Uuid | undefined
    let partition = 0
    let leaderEpoch = 0
    let batch: Buffer | undefined
    while (reader.more) {
      const tag = reader.tag()
      if (tag === 10) topicId = reader.uuid()
      else if (tag === 16) partition = reader.int32()
      else if (tag === 24) leaderEpoch = reader.sint32()
      else if (tag === 34) batch = reader.bytes()
      else reader.skip(tag)
    }
    return { topicId: required(topicId, 'topic_id'), partition, leaderEpoch, batch: required(batch, 'batch') }
  },
}

const produceRequestCodec = message<ProduceRequest>({ requestId: int64(1), acks: sint32(2), timeoutMs: int32(3), partitions: list(4, producePartitionCodec) })

const producedPartitionCodec: Codec<ProducedPartition> = {
  write(writer, value) {
    writer.uuidField(10, value.topicId)
    writer.intField(16, value.partition)
    writer.sintField(24, value.baseOffset)
    if (value.error !== null) writeNested(writer, 34, apiErrorCodec, value.error)
  },
  read(reader) {
    let topicId: Uuid | undefined
    let partition = 0
    let baseOffset = 0
    let error: ApiError | null = null
    while (reader.more) {
      const tag = reader.tag()
      if (tag === 10) topicId = reader.uuid()
      else if (tag === 16) partition = reader.int32()
      else if (tag === 24) baseOffset = reader.sint64()
      else if (tag === 34) error = reader.nested(apiErrorCodec.read)
      else reader.skip(tag)
    }
    return { topicId: required(topicId, 'topic_id'), partition, baseOffset, error }
  },
}

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
