import { createProducerIdResponseCodec, emptyCodec } from '../wire/metadata-codec.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Broker.CreateProducerId */
export function createProducerId(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: emptyCodec,
    response: createProducerIdResponseCodec,
    answer: (_request, done) => context.broker.createProducerId(done),
  })
}
