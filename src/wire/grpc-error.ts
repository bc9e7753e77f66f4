import { Metadata, type StatusObject, status } from '@grpc/grpc-js'
import { BrokerError, errorTable, grpcStatus } from '../base/errors.ts'
import type { ApiError } from './api.ts'
import { ERROR_DETAIL_KEY, decodeErrorDetail, encodeErrorDetail, fromApiError, toApiError } from './error-codec.ts'
import { ERROR_DOMAIN, type ErrorInfo, encodeRichStatus, RICH_STATUS_KEY } from './rich-status.ts'

/** Clients of gRPC take 8 KiB of trailers, where the text comes twice, once with up to three characters a byte. */
const MAX_TEXT_BYTES = 1024

/** The text, cut where it would not be delivered; whole characters only, for gRPC fails at half of one. */
function deliverable(text: string): string {
  const bytes = Buffer.from(text)
  return bytes.length <= MAX_TEXT_BYTES ? bytes.toString() : `${bytes.toString('utf8', 0, MAX_TEXT_BYTES)}…`
}

/** An error as the status of a call, with its detail in the trailer (broker.proto, Errors). */
export function toGrpcStatus(error: unknown): { readonly code: number; readonly details: string; readonly metadata: Metadata } {
  const apiError = toApiError(error)
  const text = deliverable(apiError.message)
  const metadata = new Metadata()
  metadata.set(ERROR_DETAIL_KEY, encodeErrorDetail({ ...apiError, message: text }))
  const code = grpcStatus[errorTable[apiError.code].grpc]
  const details = `${apiError.code}: ${text}`
  metadata.set(RICH_STATUS_KEY, encodeRichStatus({ code, message: details, info: errorInfo(apiError) }))
  return { code, details, metadata }
}

/** The same as the ErrorDetail, for who reads google.rpc.Status alone. */
function errorInfo({ code, retriable, definite, leader }: ApiError): ErrorInfo {
  const metadata = new Map([
    ['retriable', String(retriable)],
    ['definite', String(definite)],
  ])
  if (leader !== undefined) {
    const { nodeId, host, grpcPort, leaderEpoch } = leader
    metadata.set('leader', host.includes(':') ? `[${host}]:${grpcPort}` : `${host}:${grpcPort}`)
    metadata.set('leaderId', String(nodeId))
    metadata.set('leaderEpoch', String(leaderEpoch))
  }
  return { reason: code, domain: ERROR_DOMAIN, metadata }
}

/** Why a dial failed, in words. */
const dialFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'no way to this host',
  ENETUNREACH: 'no way to this network',
  ETIMEDOUT: 'no answer',
}

/** What gRPC says of a call that had no connection, or lost it, without its inner life: its attempts, balancers and times of day. */
function describeUnavailable(details: string): string {
  const dial = /connect (E[A-Z]+) (\S+:\d+)/.exec(details)
  if (dial !== null) return `cannot connect to ${dial[2]} (${dialFailures[dial[1] ?? ''] ?? dial[1]})`
  const unresolved = /^Name resolution failed for target (?:dns:)?([^\s,]+)/.exec(details)?.[1]
  if (unresolved !== undefined) return `cannot connect to ${unresolved} (no such host)`
  const last = /^No connection established(?:\. Last error: (.*?)(?: \([^()]*\))?\. Resolution note: .*)?$/s.exec(details)
  if (last !== null) return last[1] === undefined || last[1] === 'null' ? 'cannot connect' : `cannot connect (${last[1]})`
  return details === '' || details === 'Connection dropped' ? 'the connection was lost' : details
}

function describeDeadline(details: string): string {
  const node = /remote_addr=(\S+:\d+)/.exec(details)?.[1]
  return node === undefined ? 'no answer in time' : `no answer in time from ${node}`
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
      return new BrokerError('REQUEST_TIMED_OUT', describeDeadline(failure.details), { unanswered: true })
    case status.UNAVAILABLE:
    case status.CANCELLED:
      return new BrokerError('NETWORK_EXCEPTION', describeUnavailable(failure.details), { unanswered: true })
    case status.OK:
      return new BrokerError('NETWORK_EXCEPTION', 'the stream ended', { unanswered: true })
    case status.RESOURCE_EXHAUSTED:
      return new BrokerError('MESSAGE_TOO_LARGE', failure.details, { definite: false })
    case status.UNIMPLEMENTED:
      return new BrokerError('UNSUPPORTED_VERSION', `the node does not know this call: ${failure.details}`)
    default:
      return new BrokerError('UNKNOWN_SERVER_ERROR', `gRPC status ${failure.code}: ${failure.details}`)
  }
}
