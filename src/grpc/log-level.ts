import { logLevelCodec } from '../wire/admin-codec.ts'
import { emptyCodec } from '../wire/metadata-codec.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Admin.GetLogLevel */
export function getLogLevel(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: emptyCodec,
    response: logLevelCodec,
    answer: (_request, done) => context.broker.getLogLevel(done),
  })
}

/** Admin.SetLogLevel */
export function setLogLevel(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: logLevelCodec,
    response: logLevelCodec,
    answer: (request, done) => context.broker.setLogLevel(request, done),
  })
}
