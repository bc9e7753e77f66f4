import { unregisterBrokerRequestCodec } from '../wire/admin-codec.ts'
import { emptyCodec } from '../wire/metadata-codec.ts'
import { checkRange, MAX_TIMEOUT_MS } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Admin.UnregisterBroker */
export function unregisterBroker(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: unregisterBrokerRequestCodec,
    response: emptyCodec,
    answer(request, done) {
      checkRange('timeout_ms', request.timeoutMs, 0, MAX_TIMEOUT_MS)
      checkRange('node_id', request.nodeId, 0, 0x7fff_ffff)
      context.broker.unregisterBroker(request, (error) => done(error, {}))
    },
  })
}
