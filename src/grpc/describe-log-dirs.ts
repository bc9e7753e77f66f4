import { logDirsDescriptionCodec } from '../wire/admin-codec.ts'
import { emptyCodec } from '../wire/metadata-codec.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Admin.DescribeLogDirs */
export function describeLogDirs(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: emptyCodec,
    response: logDirsDescriptionCodec,
    answer: (_request, done) => context.broker.describeLogDirs(done),
  })
}
