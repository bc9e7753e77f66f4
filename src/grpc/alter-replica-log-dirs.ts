import { alterReplicaLogDirsRequestCodec, alterReplicaLogDirsResponseCodec } from '../wire/admin-codec.ts'
import { checkPartitionIds, checkRange } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

const MIN_BYTES_PER_SECOND = 1024

/** Admin.AlterReplicaLogDirs */
export function alterReplicaLogDirs(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: alterReplicaLogDirsRequestCodec,
    response: alterReplicaLogDirsResponseCodec,
    answer(request, done) {
      checkPartitionIds(request.partitions)
      if (request.bytesPerSecond !== null) checkRange('bytes_per_second', request.bytesPerSecond, MIN_BYTES_PER_SECOND, Number.MAX_SAFE_INTEGER)
      context.broker.alterReplicaLogDirs(request, done)
    },
  })
}
