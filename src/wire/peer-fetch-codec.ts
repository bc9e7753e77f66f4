import type { Uuid } from '../base/ids.ts'
import type { FetchAnswer, FollowerFetch, LogReset } from '../replication/effects.ts'
import type { ProducerBatch } from '../replication/producers.ts'
import { code } from './error-codec.ts'
import type { PartitionAnswer, PartitionFetch } from './peer.ts'
import { type Codec, int32, int64, list, message, required, sint32, union, writeNested } from './proto-message.ts'

/** peer.proto: what a fetch stream between nodes carries a partition. By hand, as in produce-codec.ts: it comes with every batch. */
const followerFetchCodec: Codec<FollowerFetch> = {
  write(writer, value) {
    writer.intField(8, value.fetchId)
    writer.intField(16, value.currentLeaderEpoch)
    writer.intField(24, value.fetchOffset)
    writer.sintField(32, value.lastFetchedEpoch)
    writer.intField(40, value.syncedEndOffset)
    writer.intField(48, value.brokerEpoch)
    writer.intField(56, value.logStartOffset)
    writer.intField(64, value.maxBytes)
  },
  read(reader) {
    let fetchId = 0
    let currentLeaderEpoch = 0
    let fetchOffset = 0
    let lastFetchedEpoch = 0
    let syncedEndOffset = 0
    let brokerEpoch = 0
    let logStartOffset = 0
    let maxBytes = 0
    while (reader.more) {
      const tag = reader.tag()
      if (tag === 8) fetchId = reader.int64()
      else if (tag === 16) currentLeaderEpoch = reader.int32()
      else if (tag === 24) fetchOffset = reader.int64()
      else if (tag === 32) lastFetchedEpoch = reader.sint32()
      else if (tag === 40) syncedEndOffset = reader.int64()
      else if (tag === 48) brokerEpoch = reader.int64()
      else if (tag === 56) logStartOffset = reader.int64()
      else if (tag === 64) maxBytes = reader.int32()
      else reader.skip(tag)
    }
    return { fetchId, currentLeaderEpoch, fetchOffset, lastFetchedEpoch, syncedEndOffset, brokerEpoch, logStartOffset, maxBytes }
  },
}

export const partitionFetchCodec: Codec<PartitionFetch> = {
  write(writer, value) {
    writer.uuidField(10, value.topicId)
    writer.intField(16, value.partition)
    writeNested(writer, 26, followerFetchCodec, value.fetch)
  },
  read(reader) {
    let topicId: Uuid | undefined
    let partition = 0
    let fetch: FollowerFetch | undefined
    while (reader.more) {
      const tag = reader.tag()
      if (tag === 10) topicId = reader.uuid()
      else if (tag === 16) partition = reader.int32()
      else if (tag === 26) fetch = reader.nested(followerFetchCodec.read)
      else reader.skip(tag)
    }
    return { topicId: required(topicId, 'topic_id'), partition, fetch: required(fetch, 'fetch') }
  },
}

const producerBatchCodec = message<ProducerBatch>({
  producerEpoch: int32(1),
  baseSequence: int32(2),
  lastSequence: int32(3),
  baseOffset: int64(4),
  lastOffset: int64(5),
})
const producerStateCodec = message<LogReset['producers'][number]>({ producerId: int64(1), batches: list(2, producerBatchCodec), idleTicks: int64(3) })

const fetchResultCodec = union<FetchAnswer['result']>('a fetch result', {
  data: [1, message({})],
  diverging: [2, message({ epoch: sint32(1), endOffset: int64(2) })],
  error: [3, message({ code: code(1) })],
  reset: [4, message({ offset: int64(1), epoch: sint32(2), producers: list(3, producerStateCodec) })],
})

const fetchAnswerCodec: Codec<FetchAnswer> = {
  write(writer, value) {
    writer.intField(8, value.fetchId)
    writer.intField(16, value.leaderEpoch)
    writer.intField(24, value.fetchOffset)
    writer.sintField(32, value.lastFetchedEpoch)
    writer.sintField(40, value.highWatermark)
    writer.sintField(48, value.logStartOffset)
    writeNested(writer, 58, fetchResultCodec, value.result)
  },
  read(reader) {
    let fetchId = 0
    let leaderEpoch = 0
    let fetchOffset = 0
    let lastFetchedEpoch = 0
    let highWatermark = 0
    let logStartOffset = 0
    let result: FetchAnswer['result'] | undefined
    while (reader.more) {
      const tag = reader.tag()
      if (tag === 8) fetchId = reader.int64()
      else if (tag === 16) leaderEpoch = reader.int32()
      else if (tag === 24) fetchOffset = reader.int64()
      else if (tag === 32) lastFetchedEpoch = reader.sint32()
      else if (tag === 40) highWatermark = reader.sint64()
      else if (tag === 48) logStartOffset = reader.sint64()
      else if (tag === 58) result = reader.nested(fetchResultCodec.read)
      else reader.skip(tag)
    }
    return { fetchId, leaderEpoch, fetchOffset, lastFetchedEpoch, highWatermark, logStartOffset, result: required(result, 'result') }
  },
}

export const partitionAnswerCodec: Codec<PartitionAnswer> = {
  write(writer, value) {
    writer.uuidField(10, value.topicId)
    writer.intField(16, value.partition)
    writeNested(writer, 26, fetchAnswerCodec, value.answer)
    writer.borrowField(34, value.batches)
  },
  read(reader) {
    let topicId: Uuid | undefined
    let partition = 0
    let answer: FetchAnswer | undefined
    let batches: readonly Buffer[] = []
    while (reader.more) {
      const tag = reader.tag()
      if (tag === 10) topicId = reader.uuid()
      else if (tag === 16) partition = reader.int32()
      else if (tag === 26) answer = reader.nested(fetchAnswerCodec.read)
      else if (tag === 34) batches = reader.slices()
      else reader.skip(tag)
    }
    return { topicId: required(topicId, 'topic_id'), partition, answer: required(answer, 'answer'), batches }
  },
}
