import { metadataRequestCodec, metadataResponseCodec } from '../wire/metadata-codec.ts'
import { checkRange } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Broker.GetMetadata */
export function getMetadata(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: metadataRequestCodec,
    response: metadataResponseCodec,
    answer(request, done) {
      checkRange('min_offset', request.minOffset, 0, Number.MAX_SAFE_INTEGER)
      context.broker.metadata(request, done)
    },
  })
}
