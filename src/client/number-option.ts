import { BrokerError } from '../base/errors.ts'

/** An option that the caller gave, `min` and `max` inclusive. Throws INVALID_CONFIG, for NaN and Infinity too: what is sent or waited for has an end. */
export function numberOption(name: string, value: number, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isFinite(value) || value < min || value > max)
    throw new BrokerError('INVALID_CONFIG', `${name} is ${value}, a number from ${min} to ${max} is expected`)
  return value
}

/** Both bounds inclusive. Throws INVALID_REQUEST. */
export function checkNumber(name: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return
  throw new BrokerError('INVALID_REQUEST', `${name} is ${value}, but must be an integer from ${min} to ${max}`)
}
