import type { ServerDuplexStream } from '@grpc/grpc-js'
import { BrokerError } from '../base/errors.ts'
import type { GatheredMessage } from '../wire/gathered.ts'
import { toGrpcStatus } from '../wire/grpc-error.ts'
import type { ListenerContext } from './context.ts'

export type StreamCall = ServerDuplexStream<Buffer, GatheredMessage>

/**
 * Runs one client stream: `received` gets each message and throws BrokerError for one that cannot be taken, which ends the stream with its
 * status, the node lives on. `ended` is called once, however the stream ends. Anything else that is thrown is a bug, and ends the node.
 */
export function runStream(context: ListenerContext, call: StreamCall, name: string, stream: { received(bytes: Buffer): void; ended(): void }): void {
  let ended = false
  const end = (error: Error | undefined): void => {
    if (ended) return
    ended = true
    untrack()
    stream.ended()
    if (error === undefined) call.end()
    else call.emit('error', toGrpcStatus(error))
  }
  const untrack = context.track({ end })
  call.on('data', (bytes: Buffer) => {
    if (ended) return
    try {
      stream.received(bytes)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      context.logger.warn({ stream: name, client: call.getPeer(), code: error.code, reason: error.detail }, 'a client stream was ended')
      end(error)
    }
  })
  call.on('error', () => end(undefined))
  call.on('cancelled', () => end(undefined))
}
