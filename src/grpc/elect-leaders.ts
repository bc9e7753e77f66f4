import { electLeadersRequestCodec, electLeadersResponseCodec } from '../wire/admin-codec.ts'
import { checkPartitionIds, checkRange, MAX_TIMEOUT_MS } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Admin.ElectLeaders */
export function electLeaders(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: electLeadersRequestCodec,
    response: electLeadersResponseCodec,
    answer(request, done) {
      checkRange('timeout_ms', request.timeoutMs, 0, MAX_TIMEOUT_MS)
      if (request.partitions !== null) checkPartitionIds(request.partitions)
      if (request.metadataOffset !== null) checkRange('metadata_offset', request.metadataOffset, 0, Number.MAX_SAFE_INTEGER)
      context.broker.electLeaders(request, done)
    },
  })
}
