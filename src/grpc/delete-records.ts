import { deleteRecordsRequestCodec, deleteRecordsResponseCodec } from '../wire/admin-codec.ts'
import { checkPartitionIds, checkRange, MAX_TIMEOUT_MS } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Admin.DeleteRecords */
export function deleteRecords(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: deleteRecordsRequestCodec,
    response: deleteRecordsResponseCodec,
    answer(request, done) {
      checkRange('timeout_ms', request.timeoutMs, 0, MAX_TIMEOUT_MS)
      checkPartitionIds(request.partitions)
      for (const { beforeOffset } of request.partitions) checkRange('before_offset', beforeOffset, -1, Number.MAX_SAFE_INTEGER)
      context.broker.deleteRecords(request, done)
    },
  })
}
