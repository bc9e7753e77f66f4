import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { BrokerError, type Code, errorTable, grpcStatus } from '../../src/base/errors.ts'
import { ERROR_DETAIL_KEY } from '../../src/wire/error-codec.ts'
import { fromGrpcStatus, toGrpcStatus } from '../../src/wire/grpc-error.ts'
import { decodeRichStatus, RICH_STATUS_KEY } from '../../src/wire/rich-status.ts'

/** As google/rpc/status.proto, google/rpc/error_details.proto and google/protobuf/any.proto have them. */
const google = protobuf.parse(`
  syntax = "proto3";
  package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
`).root

interface Read {
  readonly code: number
  readonly message: string
  readonly details: readonly { readonly typeUrl: string; readonly info: unknown }[]
}

/** The trailer as any library of another language reads it. */
function read(bytes: Buffer): Read {
  const status = google.lookupType('google.rpc.Status')
  const errorInfo = google.lookupType('google.rpc.ErrorInfo')
  const { code, message, details } = status.toObject(status.decode(bytes)) as { code: number; message: string; details: { typeUrl: string; value: Buffer }[] }
  return { code, message, details: details.map(({ typeUrl, value }) => ({ typeUrl, info: errorInfo.toObject(errorInfo.decode(value)) })) }
}

function trailer(error: BrokerError): Buffer {
  return toGrpcStatus(error).metadata.get(RICH_STATUS_KEY)[0] as Buffer
}

const leader = { nodeId: 2, host: '127.0.0.1', grpcPort: 9193, leaderEpoch: 7 }

describe('the trailer grpc-status-details-bin', () => {
  it('is a google.rpc.Status with ErrorInfo: reason, domain, what may be done', () => {
    expect(read(trailer(new BrokerError('NOT_ENOUGH_REPLICAS', 'one of two is in sync')))).toEqual({
      code: grpcStatus.UNAVAILABLE,
      message: 'NOT_ENOUGH_REPLICAS: one of two is in sync',
      details: [
        {
          typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo',
          info: { reason: 'NOT_ENOUGH_REPLICAS', domain: 'oxbow', metadata: { retriable: 'true', definite: 'true' } },
        },
      ],
    })
  })

  it('names the leader as an address to dial', () => {
    const metadata = (host: string): unknown =>
      read(trailer(new BrokerError('NOT_LEADER_OR_FOLLOWER', 'node 2 leads', { leader: { ...leader, host } }))).details[0]?.info
    expect(metadata('127.0.0.1')).toMatchObject({ metadata: { leader: '127.0.0.1:9193', leaderId: '2', leaderEpoch: '7', definite: 'true' } })
    expect(metadata('::1')).toMatchObject({ metadata: { leader: '[::1]:9193' } })
  })

  it('says of an unknown outcome that it is one (rules R1.3)', () => {
    expect(read(trailer(new BrokerError('NOT_CONTROLLER', 'who knows', { definite: false }))).details[0]?.info).toMatchObject({
      metadata: { definite: 'false' },
    })
  })

  it.each(Object.keys(errorTable) as Code[])(
    '%s is a legal reason, and code and message are those of the call: libraries refuse the trailer otherwise',
    (code) => {
      expect(code).toMatch(/^[A-Z][A-Z0-9_]+[A-Z0-9]$/)
      expect(code.length).toBeLessThanOrEqual(63)
      const status = toGrpcStatus(new BrokerError(code, 'détail'))
      const bytes = status.metadata.get(RICH_STATUS_KEY)[0] as Buffer
      expect(read(bytes)).toMatchObject({ code: status.code, message: status.details })
      expect(decodeRichStatus(bytes).info).toMatchObject({ reason: code, domain: 'oxbow' })
    },
  )

  it('fits with the others into the 8 KiB of trailers that clients take, whatever the text', () => {
    const { metadata, details } = toGrpcStatus(new BrokerError('INVALID_TOPIC_EXCEPTION', '€'.repeat(10_000), { leader: { ...leader, host: 'h'.repeat(255) } }))
    const encoded = [ERROR_DETAIL_KEY, RICH_STATUS_KEY].map((key) => (metadata.get(key)[0] as Buffer).toString('base64').length + key.length + 32)
    expect(encodeURI(details).length + 100 + encoded.reduce((sum, size) => sum + size, 0)).toBeLessThan(8 * 1024)
  })

  it('comes beside the ErrorDetail, which our own client goes on reading', () => {
    expect(fromGrpcStatus(toGrpcStatus(new BrokerError('NOT_LEADER_OR_FOLLOWER', 'node 2 leads', { leader })))).toMatchObject({
      code: 'NOT_LEADER_OR_FOLLOWER',
      detail: 'node 2 leads',
      definite: true,
      leader,
    })
  })
})
