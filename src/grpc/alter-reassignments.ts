import { alterReassignmentsRequestCodec, alterReassignmentsResponseCodec } from '../wire/admin-codec.ts'
import { checkPartitionIds, checkRange, MAX_TIMEOUT_MS } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Admin.AlterPartitionReassignments */
export function alterReassignments(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: alterReassignmentsRequestCodec,
    response: alterReassignmentsResponseCodec,
    answer(request, done) {
      checkRange('timeout_ms', request.timeoutMs, 0, MAX_TIMEOUT_MS)
      checkPartitionIds(request.partitions)
      context.broker.alterReassignments(request, done)
    },
  })
}
