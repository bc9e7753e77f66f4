import { alterMaintenanceRequestCodec, brokerDescriptionCodec } from '../wire/admin-codec.ts'
import { checkRange, MAX_TIMEOUT_MS } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

/** Admin.AlterMaintenance */
export function alterMaintenance(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: alterMaintenanceRequestCodec,
    response: brokerDescriptionCodec,
    answer(request, done) {
      checkRange('timeout_ms', request.timeoutMs, 0, MAX_TIMEOUT_MS)
      checkRange('node_id', request.nodeId, 0, 0x7fff_ffff)
      context.broker.alterMaintenance(request, done)
    },
  })
}
