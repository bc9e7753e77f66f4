import { listOffsetsRequestCodec, listOffsetsResponseCodec } from '../wire/metadata-codec.ts'
import { checkPartitions } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Broker.ListOffsets */
export function listOffsets(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: listOffsetsRequestCodec,
    response: listOffsetsResponseCodec,
    answer(request, done) {
      checkPartitions(request.partitions)
      context.broker.listOffsets(request, done)
    },
  })
}
