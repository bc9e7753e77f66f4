import { voterRequestCodec, votersChangeCodec } from '../wire/admin-codec.ts'
import type { VoterRequest } from '../wire/api.ts'
import { checkRange, MAX_TIMEOUT_MS } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { type UnaryHandler, unary } from './unary.ts'

function check({ nodeId, timeoutMs }: VoterRequest): void {
  checkRange('timeout_ms', timeoutMs, 0, MAX_TIMEOUT_MS)
  checkRange('node_id', nodeId, 0, 0x7fff_ffff)
}

/** Admin.AddVoter */
export function addVoter(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: voterRequestCodec,
    response: votersChangeCodec,
    answer(request, done) {
      check(request)
      context.broker.addVoter(request, done)
    },
  })
}

/** Admin.RemoveVoter */
export function removeVoter(context: ListenerContext): UnaryHandler {
  return unary(context, {
    request: voterRequestCodec,
    response: votersChangeCodec,
    answer(request, done) {
      check(request)
      context.broker.removeVoter(request, done)
    },
  })
}
