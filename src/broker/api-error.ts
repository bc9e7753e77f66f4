import { BrokerError } from '../base/errors.ts'
import type { ApiError } from '../wire/api.ts'

/** An error as clients see it. A broken assertion is ours: it is thrown on, to end the node. */
export function toApiError(error: unknown): ApiError {
  if (!(error instanceof BrokerError)) throw error
  return { code: error.code, message: error.detail, retriable: error.retriable, definite: error.definite, leader: error.leader }
}
