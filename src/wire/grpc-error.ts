import { Metadata, type StatusObject, status } from '@grpc/grpc-js'
import { BrokerError, errorTable, grpcStatus } from '../base/errors.ts'
import { ERROR_DETAIL_KEY, decodeErrorDetail, encodeErrorDetail, fromApiError, toApiError } from './error-codec.ts'

/** An error as the status of a call, with its detail in the trailer (broker.proto, Errors). */
export function toGrpcStatus(error: unknown): { readonly code: number; readonly details: string; readonly metadata: Metadata } {
  const apiError = toApiError(error)
  const metadata = new Metadata()
  metadata.set(ERROR_DETAIL_KEY, encodeErrorDetail(apiError))
  return { code: grpcStatus[errorTable[apiError.code].grpc], details: `${apiError.code}: ${apiError.message}`, metadata }
}

/**
 * The status of a failed call as an error. Without a detail it was not one of our nodes that answered but gRPC itself, and what was asked for
 * may have happened: all of these are indefinite (rules R1.3).
 */
export function fromGrpcStatus(failure: Pick<StatusObject, 'code' | 'details' | 'metadata'>): BrokerError {
  const detail = failure.metadata?.get(ERROR_DETAIL_KEY)[0]
  if (Buffer.isBuffer(detail)) {
    try {
      return fromApiError(decodeErrorDetail(detail))
    } catch {
      return new BrokerError('UNKNOWN_SERVER_ERROR', `an unreadable error detail; ${failure.details}`)
    }
  }
  switch (failure.code) {
    case status.DEADLINE_EXCEEDED:
      return new BrokerError('REQUEST_TIMED_OUT', failure.details)
    case status.UNAVAILABLE:
    case status.CANCELLED:
    case status.OK:
      return new BrokerError('NETWORK_EXCEPTION', failure.details === '' || failure.code === status.OK ? 'the stream ended' : failure.details)
    case status.RESOURCE_EXHAUSTED:
      return new BrokerError('MESSAGE_TOO_LARGE', failure.details, { definite: false })
    case status.UNIMPLEMENTED:
      return new BrokerError('UNSUPPORTED_VERSION', `the node does not know this call: ${failure.details}`)
    default:
      return new BrokerError('UNKNOWN_SERVER_ERROR', `gRPC status ${failure.code}: ${failure.details}`)
  }
}
