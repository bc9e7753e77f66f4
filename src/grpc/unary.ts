import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { GatheredMessage } from '../wire/gathered.ts'
import { toGrpcStatus } from '../wire/grpc-error.ts'
import { type Codec, decode, encode } from '../wire/proto-message.ts'
import { MAX_CLIENT_ELEMENTS } from '../wire/services.ts'
import type { ListenerContext } from './context.ts'

/** What is asked may go on to the controller, on the stream that carries Raft: 10,000 partitions with all their replicas are a tenth of it. */
const MAX_REQUEST_BYTES = 1024 * 1024

export type UnaryHandler = (call: ServerUnaryCall<Buffer, GatheredMessage>, callback: sendUnaryData<GatheredMessage>) => void

/** A unary rpc: `answer` may throw BrokerError for a request that it does not take, or answer it as an error. */
export function unary<Request, Response>(
  context: ListenerContext,
  rpc: { readonly request: Codec<Request>; readonly response: Codec<Response>; answer(request: Request, done: Done<Response>): void },
): UnaryHandler {
  return (call, callback) => {
    const fail = (error: Error): void => {
      if (!(error instanceof BrokerError)) context.logger.error({ rpc: call.getPath(), error: error.stack ?? error.message }, 'a call failed unexpectedly')
      callback(toGrpcStatus(error))
    }
    try {
      const sizeBytes = call.request.length
      if (sizeBytes > MAX_REQUEST_BYTES)
        throw new BrokerError('INVALID_REQUEST', `the request has ${sizeBytes} bytes; outside of a stream it has at most ${MAX_REQUEST_BYTES}`)
      rpc.answer(decode(rpc.request, call.request, MAX_CLIENT_ELEMENTS), (error, response) => {
        if (error === undefined) callback(null, encode(rpc.response, response))
        else fail(error)
      })
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      fail(error)
    }
  }
}
