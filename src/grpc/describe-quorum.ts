import { quorumDescriptionCodec } from '../wire/admin-codec.ts'
import { emptyCodec } from '../wire/metadata-codec.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Admin.DescribeQuorum */
export function describeQuorum(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: emptyCodec,
    response: quorumDescriptionCodec,
    answer: (_request, done) => context.broker.describeQuorum(done),
  })
}
