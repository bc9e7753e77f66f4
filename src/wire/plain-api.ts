import type { RecordHeader } from '../record/records.ts'

/** The calls for programs without batch code, as data: one to one with proto/oxbow/v1/broker.proto, ProduceRecords and FetchRecords. */
export interface PlainRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** Wall clock ms; null: when the node took it. */
  readonly timestamp: number | null
}

export interface Idempotence {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}

export interface ProduceRecordsRequest {
  readonly topic: string
  /** null or −1: chosen by the keys; without one, a partition that the node leads. */
  readonly partition: number | null
  /** null: −1, all in-sync replicas. */
  readonly acks: number | null
  /** 0: the default. */
  readonly timeoutMs: number
  readonly records: readonly PlainRecord[]
  readonly idempotence: Idempotence | null
}

/** baseOffset: −1 with acks 0. */
export interface ProduceRecordsResponse {
  readonly partition: number
  readonly baseOffset: number
}

/** offset −2: the first kept; −1: the high watermark. maxBytes, maxRecords 0: the greatest. */
export interface FetchRecordsRequest {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxRecords: number
}

export interface FetchedRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  readonly leaderEpoch: number
}

export interface FetchRecordsResponse {
  readonly records: readonly FetchedRecord[]
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly nextOffset: number
}
