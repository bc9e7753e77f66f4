import type { RecordHeader } from '../record/records.ts'
import type {
  FetchedRecord,
  FetchRecordsRequest,
  FetchRecordsResponse,
  Idempotence,
  PlainRecord,
  ProduceRecordsRequest,
  ProduceRecordsResponse,
} from './plain-api.ts'
import { bytesOrNull, int32, int64, int64OrNull, list, message, nestedOrNull, sint32, sint32OrNull, sint64, string } from './proto-message.ts'

/** broker.proto: ProduceRecords and FetchRecords. */
const recordHeaderCodec = message<RecordHeader>({ key: string(1), value: bytesOrNull(2) })

const plainRecordCodec = message<PlainRecord>({
  key: bytesOrNull(1),
  value: bytesOrNull(2),
  headers: list(3, recordHeaderCodec),
  timestamp: int64OrNull(4),
})

const idempotenceCodec = message<Idempotence>({ producerId: int64(1), producerEpoch: int32(2), baseSequence: int32(3) })

export const produceRecordsRequestCodec = message<ProduceRecordsRequest>({
  topic: string(1),
  partition: sint32OrNull(2),
  acks: sint32OrNull(3),
  timeoutMs: int32(4),
  records: list(5, plainRecordCodec),
  idempotence: nestedOrNull(6, idempotenceCodec),
})

export const produceRecordsResponseCodec = message<ProduceRecordsResponse>({ partition: int32(1), baseOffset: sint64(2) })

export const fetchRecordsRequestCodec = message<FetchRecordsRequest>({
  topic: string(1),
  partition: int32(2),
  offset: sint64(3),
  maxWaitMs: int32(4),
  minBytes: int32(5),
  maxBytes: int32(6),
  maxRecords: int32(7),
})

const fetchedRecordCodec = message<FetchedRecord>({
  offset: int64(1),
  timestamp: sint64(2),
  key: bytesOrNull(3),
  value: bytesOrNull(4),
  headers: list(5, recordHeaderCodec),
  leaderEpoch: sint32(6),
})

export const fetchRecordsResponseCodec = message<FetchRecordsResponse>({
  records: list(1, fetchedRecordCodec),
  highWatermark: int64(2),
  logStartOffset: int64(3),
  nextOffset: int64(4),
})
