import { alterTopicRequestCodec } from '../wire/admin-codec.ts'
import { topicInfoCodec } from '../wire/metadata-codec.ts'
import { checkRange, MAX_TIMEOUT_MS } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Admin.AlterTopic: numbers and configs are the controller's to judge. */
export function alterTopic(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: alterTopicRequestCodec,
    response: topicInfoCodec,
    answer(request, done) {
      checkRange('timeout_ms', request.timeoutMs, 0, MAX_TIMEOUT_MS)
      context.broker.alterTopic(request, done)
    },
  })
}
