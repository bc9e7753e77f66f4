import { Metadata, status } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { fromGrpcStatus, toGrpcStatus } from '../../src/wire/grpc-error.ts'

/** As grpc-js words them. */
const DIAL = (why: string): string => `No connection established. Last error: ${why} (2026-01-02T03:04:05.678Z). Resolution note: `
const DEADLINE = 'Deadline exceeded after 0.851s,name resolution: 0.001s,metadata filters: 0.000s,time to current attempt start: 0.002s'

describe('what gRPC itself says of a failed call', () => {
  it.each([
    [status.UNAVAILABLE, DIAL('connect ECONNREFUSED 127.0.0.1:9192'), 'NETWORK_EXCEPTION', 'cannot connect to 127.0.0.1:9192 (refused)'],
    [status.UNAVAILABLE, DIAL('Error: connect ECONNREFUSED ::1:9192'), 'NETWORK_EXCEPTION', 'cannot connect to ::1:9192 (refused)'],
    [status.UNAVAILABLE, DIAL('connect EACCES 10.0.0.1:1'), 'NETWORK_EXCEPTION', 'cannot connect to 10.0.0.1:1 (EACCES)'],
    [status.UNAVAILABLE, DIAL('Socket closed'), 'NETWORK_EXCEPTION', 'cannot connect (Socket closed)'],
    [status.UNAVAILABLE, 'No connection established. Last error: null. Resolution note: ', 'NETWORK_EXCEPTION', 'cannot connect'],
    [status.UNAVAILABLE, 'No connection established', 'NETWORK_EXCEPTION', 'cannot connect'],
    [status.UNAVAILABLE, 'Name resolution failed for target dns:no.such.host:9192', 'NETWORK_EXCEPTION', 'cannot connect to no.such.host:9192 (no such host)'],
    [status.UNAVAILABLE, 'Connection dropped', 'NETWORK_EXCEPTION', 'the connection was lost'],
    [status.UNAVAILABLE, 'read ECONNRESET', 'NETWORK_EXCEPTION', 'read ECONNRESET'],
    [status.CANCELLED, '', 'NETWORK_EXCEPTION', 'the connection was lost'],
    [status.OK, '', 'NETWORK_EXCEPTION', 'the stream ended'],
    [status.DEADLINE_EXCEEDED, `${DEADLINE},Waiting for LB pick`, 'REQUEST_TIMED_OUT', 'no answer in time'],
    [status.DEADLINE_EXCEEDED, `${DEADLINE},LB pick: 0.004s,remote_addr=127.0.0.1:9193`, 'REQUEST_TIMED_OUT', 'no answer in time from 127.0.0.1:9193'],
  ] as const)('status %i, "%s"', (code, details, name, text) => {
    const error = fromGrpcStatus({ code, details, metadata: new Metadata() })
    expect(error).toMatchObject({ code: name, detail: text, definite: false, unanswered: true })
  })

  it('is told from what a node said', () => {
    const said = new BrokerError('NOT_CONTROLLER', 'node 2 leads the quorum')
    expect(fromGrpcStatus(toGrpcStatus(said))).toMatchObject({ code: said.code, detail: said.detail, definite: true, unanswered: false })
  })
})

describe('what a node says of a failed call', () => {
  it('is cut where it would not be delivered', () => {
    const said = toGrpcStatus(new BrokerError('INVALID_REQUEST', '€'.repeat(100_000)))
    expect(encodeURI(said.details).length).toBeLessThan(4_096)
    expect(said.details).toMatch(/^INVALID_REQUEST: €{300,}.*…$/)
    expect(fromGrpcStatus(said).detail).toBe(said.details.slice('INVALID_REQUEST: '.length))
  })

  it('is whole characters, where half of one was cut out of a name', () => {
    const said = toGrpcStatus(new BrokerError('INVALID_TOPIC_EXCEPTION', `the name "${'x\u{1f600}'.slice(0, 2)}" is not valid`))
    expect(decodeURI(encodeURI(said.details))).toBe('INVALID_TOPIC_EXCEPTION: the name "x\ufffd" is not valid')
    expect(fromGrpcStatus(said).detail).toBe('the name "x\ufffd" is not valid')
  })
})
