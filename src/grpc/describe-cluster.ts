import { clusterDescriptionCodec } from '../wire/admin-codec.ts'
import { emptyCodec } from '../wire/metadata-codec.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Admin.DescribeCluster */
export function describeCluster(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: emptyCodec,
    response: clusterDescriptionCodec,
    answer: (_request, done) => context.broker.describeCluster(done),
  })
}
