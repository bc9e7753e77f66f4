import { describeConfigsRequestCodec, describeConfigsResponseCodec } from '../wire/admin-codec.ts'
import { checkRange } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Each takes about 4 KiB of the answer. */
const MAX_RESOURCES = 1_000

/** Admin.DescribeConfigs */
export function describeConfigs(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: describeConfigsRequestCodec,
    response: describeConfigsResponseCodec,
    answer(request, done) {
      checkRange('the number of resources', request.topics.length + request.brokers.length, 1, MAX_RESOURCES)
      context.broker.describeConfigs(request, done)
    },
  })
}
