import { listOffsetsRequestCodec, listOffsetsResponseCodec } from '../wire/metadata-codec.ts'
import { checkPartitions, checkRange } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Broker.ListOffsets */
export function listOffsets(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: listOffsetsRequestCodec,
    response: listOffsetsResponseCodec,
    answer(request, done) {
      checkPartitions(request.partitions)
      for (const { at } of request.partitions) if (typeof at === 'number') checkRange('timestamp', at, 0, Number.MAX_SAFE_INTEGER)
      context.broker.listOffsets(request, done)
    },
  })
}
