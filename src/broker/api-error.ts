import { BrokerError } from '../base/errors.ts'
import type { ControllerReply } from '../controller/commands.ts'
import type { ApiError } from '../wire/api.ts'

/** An error as clients see it. A broken assertion is ours: it is thrown on, to end the node. */
export function toApiError(error: unknown): ApiError {
  if (!(error instanceof BrokerError)) throw error
  return { code: error.code, message: error.detail, retriable: error.retriable, definite: error.definite, leader: error.leader }
}

/** What the controller refused; or said that nobody asked. */
export function unexpectedReply(reply: ControllerReply): BrokerError {
  if (reply.type !== 'error') return new BrokerError('UNKNOWN_SERVER_ERROR', `the controller answered ${reply.type}`)
  return new BrokerError(reply.code, reply.message, reply.definite ? {} : { definite: false })
}
