import { BrokerError } from '../base/errors.ts'
import { CONTROL_FLAG, decodeRecords, encodeBatch, TRANSACTIONAL_FLAG } from './records.ts'

/**
 * A control record ends a transaction in a partition; it takes an offset and is never shown to consumers.
 * Key: version i16, type i16 (0 abort, 1 commit). Value: version i16, coordinatorEpoch i32.
 * Source: Kafka ControlRecordType, EndTransactionMarker.
 */
export interface ControlRecord {
  readonly type: 'abort' | 'commit'
  readonly coordinatorEpoch: number
}

const VERSION = 0
const KEY_BYTES = 4
const VALUE_BYTES = 6
const TYPE_AT = 2
const COORDINATOR_EPOCH_AT = 2
const TYPES = ['abort', 'commit'] as const

/** One sealed batch that holds nothing but the marker. */
export function encodeControlBatch(
  marker: ControlRecord,
  options: { readonly producerId: number; readonly producerEpoch: number; readonly timestamp: number },
): Buffer {
  const key = Buffer.alloc(KEY_BYTES)
  key.writeInt16BE(VERSION, 0)
  key.writeInt16BE(TYPES.indexOf(marker.type), TYPE_AT)
  const value = Buffer.alloc(VALUE_BYTES)
  value.writeInt16BE(VERSION, 0)
  value.writeInt32BE(marker.coordinatorEpoch, COORDINATOR_EPOCH_AT)
  return encodeBatch([{ timestamp: options.timestamp, key, value }], {
    producerId: options.producerId,
    producerEpoch: options.producerEpoch,
    baseSequence: -1,
    attributes: CONTROL_FLAG | TRANSACTIONAL_FLAG,
  })
}

/** Reads the marker of a control batch. Throws CORRUPT_MESSAGE when it is none that is known. */
export function decodeControlBatch(batch: Buffer): ControlRecord {
  const record = decodeRecords(batch)[0]
  const { key, value } = record ?? { key: null, value: null }
  if (key === null || value === null || key.length < KEY_BYTES || value.length < VALUE_BYTES)
    throw new BrokerError('CORRUPT_MESSAGE', 'a control record is too short')
  const type = TYPES[key.readInt16BE(TYPE_AT)]
  if (type === undefined) throw new BrokerError('CORRUPT_MESSAGE', `control record of type ${key.readInt16BE(TYPE_AT)}`)
  return { type, coordinatorEpoch: value.readInt32BE(COORDINATOR_EPOCH_AT) }
}
