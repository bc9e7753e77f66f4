import type { Clock } from '../base/clock.ts'
import { BrokerError } from '../base/errors.ts'
import { type CompressionType, compressionTypes, type RecordInput } from '../record/records.ts'
import { numberOption } from './number-option.ts'

/** Defaults: rules 8. */
export interface ProducerOptions {
  /** 'all' (default): every in-sync replica has it on disk. 1: the leader has. 0: nobody answers. */
  readonly acks?: 'all' | 1 | 0
  /** Default true with acks all, which it needs: no retry can append twice. False: what may have been appended is not tried again. */
  readonly idempotent?: boolean
  /** How long a batch waits for more records; default 5. */
  readonly lingerMs?: number
  /** A batch is complete at this size, with compression when it is expected to come to it on the wire; default 512 KiB. A larger record makes a batch of its own; a topic that takes less gets less. */
  readonly batchBytes?: number
  /** Bytes of records that are not answered yet; default 32 MiB. */
  readonly bufferBytes?: number
  /** Requests in flight a node, 1 to 5; default 5. */
  readonly maxInFlight?: number
  /** From send to the final answer; default 120,000. */
  readonly deliveryTimeoutMs?: number
  /**
   * Default 'none'. Each batch is compressed once, when it is complete; one that would grow is sent as it is. snappy, lz4 and zstd need their
   * package: where it does not load, every send is rejected with UNSUPPORTED_COMPRESSION_TYPE.
   */
  readonly compression?: CompressionType
}

export type ResolvedProducerOptions = Required<ProducerOptions>

export interface ProducerRecord {
  readonly topic: string
  /** Default: by the hash of the key, as Kafka; without a key one partition a batch. */
  readonly partition?: number
  readonly key?: Buffer | string | null
  readonly value: Buffer | string | null
  readonly headers?: readonly { readonly key: string; readonly value: Buffer | null }[]
  /** Wall clock ms; default now. */
  readonly timestamp?: number
}

/** What one message to a node may hold (rules 8), with room for what is around the batch. */
export const MAX_RECORD_BYTES = 8 * 1024 * 1024 - 4096
/**
 * Half of what a topic takes by default. A batch grows to this only while the requests before it are under way; what a message costs a node,
 * whatever its size, is then paid for eight times fewer of them than with 64 KiB.
 */
export const DEFAULT_BATCH_BYTES = 512 * 1024
const MAX_TIMESTAMP = 2 ** 50
const MAX_IN_FLIGHT = 5

/** Fills in the defaults. Throws INVALID_CONFIG. */
export function resolveProducerOptions(options: ProducerOptions): ResolvedProducerOptions {
  const acks = options.acks ?? 'all'
  if (acks !== 'all' && acks !== 1 && acks !== 0) throw new BrokerError('INVALID_REQUIRED_ACKS', `acks is ${String(acks)}`)
  const idempotent = options.idempotent ?? acks === 'all'
  if (idempotent && acks !== 'all') throw new BrokerError('INVALID_CONFIG', `an idempotent producer needs acks all, not ${acks}`)
  const batchBytes = numberOption('batchBytes', options.batchBytes ?? DEFAULT_BATCH_BYTES, 1, MAX_RECORD_BYTES)
  const compression = options.compression ?? 'none'
  if (!compressionTypes.includes(compression))
    throw new BrokerError('INVALID_CONFIG', `compression is ${String(compression)}, one of ${compressionTypes.join(', ')} is expected`)
  return {
    acks,
    idempotent,
    batchBytes,
    compression,
    lingerMs: numberOption('lingerMs', options.lingerMs ?? 5, 0),
    bufferBytes: numberOption('bufferBytes', options.bufferBytes ?? 32 * 1024 * 1024, 1),
    maxInFlight: numberOption('maxInFlight', options.maxInFlight ?? MAX_IN_FLIGHT, 1, MAX_IN_FLIGHT),
    deliveryTimeoutMs: numberOption('deliveryTimeoutMs', options.deliveryTimeoutMs ?? 120_000, 1),
  }
}

function toBytes(name: string, value: unknown): Buffer | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return Buffer.from(value)
  if (Buffer.isBuffer(value)) return value
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  throw new BrokerError('INVALID_RECORD', `the ${name} of a record is neither bytes nor a string`)
}

/** Checks what the caller gave. Throws INVALID_RECORD or INVALID_TOPIC_EXCEPTION. */
export function toRecordInput(record: ProducerRecord, clock: Clock): RecordInput {
  if (typeof record.topic !== 'string' || record.topic === '') throw new BrokerError('INVALID_TOPIC_EXCEPTION', 'a record names its topic')
  const { partition } = record
  if (partition !== undefined && (!Number.isInteger(partition) || partition < 0))
    throw new BrokerError('INVALID_RECORD', `the partition of a record is ${partition}`)
  const timestamp = record.timestamp ?? Math.floor(clock.wallMs())
  if (!Number.isInteger(timestamp) || timestamp < 0 || timestamp > MAX_TIMESTAMP)
    throw new BrokerError('INVALID_RECORD', `the timestamp of a record is ${timestamp}`)
  const key = toBytes('key', record.key)
  const value = toBytes('value', record.value)
  if (record.headers === undefined) return { timestamp, key, value }
  return { timestamp, key, value, headers: record.headers.map((header) => ({ key: String(header.key), value: toBytes('header', header.value) })) }
}
