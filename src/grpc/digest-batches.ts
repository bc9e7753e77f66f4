import { batchDigestsCodec, digestBatchesRequestCodec } from '../wire/admin-codec.ts'
import { checkRange } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** What one answer costs the node's one thread stays within some milliseconds. */
const MAX_BYTES = 8 * 1024 * 1024

/** Admin.DigestBatches */
export function digestBatches(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: digestBatchesRequestCodec,
    response: batchDigestsCodec,
    answer(request, done) {
      checkRange('partition', request.partition, 0, Number.MAX_SAFE_INTEGER)
      checkRange('start_offset', request.startOffset, 0, Number.MAX_SAFE_INTEGER)
      checkRange('end_offset', request.endOffset, 0, Number.MAX_SAFE_INTEGER)
      checkRange('max_bytes', request.maxBytes, 1, MAX_BYTES)
      context.broker.digestBatches(request, done)
    },
  })
}
