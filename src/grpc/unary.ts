import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { BrokerSession } from '../broker/api.ts'
import type { GatheredMessage } from '../wire/gathered.ts'
import { toGrpcStatus } from '../wire/grpc-error.ts'
import { type Codec, decode, encode } from '../wire/proto-message.ts'
import { MAX_CLIENT_ELEMENTS } from '../wire/services.ts'
import type { ListenerContext } from './context.ts'

/** What is asked may go on to the controller, on the stream that carries Raft: 10,000 partitions with all their replicas are a tenth of it. */
const MAX_REQUEST_BYTES = 1024 * 1024

export type UnaryHandler = (call: ServerUnaryCall<Buffer, GatheredMessage>, callback: sendUnaryData<GatheredMessage>) => void

interface UnaryRpc<Request, Response> {
  readonly request: Codec<Request>
  readonly response: Codec<Response>
  /** Default: 1 MiB. */
  readonly maxRequestBytes?: number
}

/** A unary rpc: `answer` may throw BrokerError for a request that it does not take, or answer it as an error. */
export function unary<Request, Response>(
  context: ListenerContext,
  rpc: UnaryRpc<Request, Response> & { answer(request: Request, done: Done<Response>): void },
): UnaryHandler {
  return (call, callback) => serve(context, rpc, call, callback, (request, done) => rpc.answer(request, done))
}

/** A unary rpc that may wait: in a session of its own, which ends with the call, answered or given up by the client. */
export function sessionUnary<Request, Response>(
  context: ListenerContext,
  rpc: UnaryRpc<Request, Response> & { answer(session: BrokerSession, request: Request, done: Done<Response>): void },
): UnaryHandler {
  return (call, callback) => {
    const session = context.broker.openSession()
    let isOver = false
    const end = (failure: object | null, response?: GatheredMessage): void => {
      if (isOver) return
      isOver = true
      untrack()
      session.close()
      callback(failure, response)
    }
    const untrack = context.track({ end: (error) => end(toGrpcStatus(error)) })
    call.on('cancelled', () => end({ code: status.CANCELLED }))
    serve(context, rpc, call, end, (request, done) => rpc.answer(session, request, done))
  }
}

function serve<Request, Response>(
  context: ListenerContext,
  rpc: UnaryRpc<Request, Response>,
  call: ServerUnaryCall<Buffer, GatheredMessage>,
  callback: (failure: object | null, response?: GatheredMessage) => void,
  answer: (request: Request, done: Done<Response>) => void,
): void {
  const { maxRequestBytes = MAX_REQUEST_BYTES } = rpc
  const fail = (error: Error): void => {
    if (!(error instanceof BrokerError)) context.logger.error({ rpc: call.getPath(), error: error.stack ?? error.message }, 'a call failed unexpectedly')
    callback(toGrpcStatus(error))
  }
  try {
    const sizeBytes = call.request.length
    if (sizeBytes > maxRequestBytes) throw new BrokerError('INVALID_REQUEST', `the request has ${sizeBytes} bytes; this call takes at most ${maxRequestBytes}`)
    answer(decode(rpc.request, call.request, MAX_CLIENT_ELEMENTS), (error, response) => {
      if (error === undefined) callback(null, encode(rpc.response, response))
      else fail(error)
    })
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    fail(error)
  }
}
