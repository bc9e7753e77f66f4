import { BrokerError } from '../base/errors.ts'
import type { ApiError } from '../wire/api.ts'

/** An answer's error as it is thrown: what the server called indefinite stays so (rules R1.3). */
export function toBrokerError(error: ApiError): BrokerError {
  return new BrokerError(error.code, error.message, error.definite ? { leader: error.leader } : { definite: false, leader: error.leader })
}

/** Any failure of a seam as a BrokerError; what is none may have happened all the same. */
export function asBrokerError(error: Error): BrokerError {
  return error instanceof BrokerError ? error : new BrokerError('UNKNOWN_SERVER_ERROR', error.message, { definite: false })
}

/** The same error, called indefinite: an earlier attempt may have done it. */
export function asIndefinite(error: BrokerError): BrokerError {
  return error.definite ? new BrokerError(error.code, error.detail, { definite: false, leader: error.leader }) : error
}
