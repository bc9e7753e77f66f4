import type { Code, LeaderHint } from '../base/errors.ts'
import { BrokerError, errorTable } from '../base/errors.ts'
import type { ApiError } from './api.ts'
import { boolean, decode, encode, type Field, int32, int64, message, nestedOrAbsent, string } from './proto-message.ts'

/** gRPC trailer of failed calls: an ErrorDetail message (broker.proto). */
export const ERROR_DETAIL_KEY = 'oxbow-error-bin'

function isCode(text: string): text is Code {
  return Object.hasOwn(errorTable, text)
}

/** A name of the error table as a string; one that a newer node knows reads as UNKNOWN_SERVER_ERROR. */
export function code(number: number): Field<Code> {
  const field = string(number)
  return {
    tags: field.tags,
    write: (writer, value) => field.write(writer, value),
    read(reader) {
      const text = reader.string()
      return isCode(text) ? text : 'UNKNOWN_SERVER_ERROR'
    },
    absent: () => 'UNKNOWN_SERVER_ERROR',
  }
}

const leaderCodec = message<LeaderHint>({ nodeId: int32(1), host: string(2), grpcPort: int32(3), leaderEpoch: int64(4) })

export const apiErrorCodec = message<ApiError>({
  code: code(1),
  message: string(2),
  retriable: boolean(3),
  definite: boolean(4),
  leader: nestedOrAbsent(5, leaderCodec),
})

/** An error as an answer carries it. What is not a BrokerError is a fault of ours: its text stays here. */
export function toApiError(error: unknown): ApiError {
  if (!(error instanceof BrokerError)) {
    return { code: 'UNKNOWN_SERVER_ERROR', message: errorTable.UNKNOWN_SERVER_ERROR.sentence, retriable: false, definite: false }
  }
  return { code: error.code, message: error.detail, retriable: error.retriable, definite: error.definite, leader: error.leader }
}

export function fromApiError(error: ApiError): BrokerError {
  return new BrokerError(error.code, error.message, error.definite ? { leader: error.leader } : { definite: false, leader: error.leader })
}

export function encodeErrorDetail(error: ApiError): Buffer {
  return encode(apiErrorCodec, error).toBuffer()
}

export function decodeErrorDetail(bytes: Buffer): ApiError {
  return decode(apiErrorCodec, bytes)
}
