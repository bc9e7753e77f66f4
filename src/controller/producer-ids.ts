import { BrokerError } from '../base/errors.ts'
import type { ControllerCommand, Decision } from './commands.ts'
import type { ControllerContext } from './context.ts'

/** Ids that one block may hold. */
const MAX_BLOCK = 100_000

/** Hands out a block of ids, once: a block whose answer is lost is never used. Source: Kafka ProducerIdControlManager. */
export function decideAllocateProducerIds(command: Extract<ControllerCommand, { readonly type: 'allocateProducerIds' }>, context: ControllerContext): Decision {
  const { count } = command
  if (!Number.isSafeInteger(count) || count < 1 || count > MAX_BLOCK)
    throw new BrokerError('INVALID_REQUEST', `a block of ${count} producer ids; it holds 1 to ${MAX_BLOCK}`)
  const firstProducerId = context.image.nextProducerId
  return { records: [{ type: 'producerIds', nextProducerId: firstProducerId + count }], reply: { type: 'producerIds', firstProducerId, count } }
}
