import { deleteTopicRequestCodec } from '../wire/admin-codec.ts'
import { emptyCodec } from '../wire/metadata-codec.ts'
import { checkRange, MAX_TIMEOUT_MS } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Admin.DeleteTopic */
export function deleteTopic(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: deleteTopicRequestCodec,
    response: emptyCodec,
    answer(request, done) {
      checkRange('timeout_ms', request.timeoutMs, 0, MAX_TIMEOUT_MS)
      context.broker.deleteTopic(request, (error) => done(error, {}))
    },
  })
}
