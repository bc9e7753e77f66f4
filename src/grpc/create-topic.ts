import { createTopicRequestCodec, createTopicResponseCodec } from '../wire/admin-codec.ts'
import { checkRange, MAX_TIMEOUT_MS } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Admin.CreateTopic: names, numbers and configs are the controller's to judge. */
export function createTopic(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: createTopicRequestCodec,
    response: createTopicResponseCodec,
    answer(request, done) {
      checkRange('timeout_ms', request.timeoutMs, 0, MAX_TIMEOUT_MS)
      context.broker.createTopic(request, done)
    },
  })
}
