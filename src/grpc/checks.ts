import { BrokerError } from '../base/errors.ts'
import { MAX_REQUEST_PARTITIONS } from '../wire/api.ts'

export const MAX_TIMEOUT_MS = 600_000
export const MAX_WAIT_MS = 30_000

/** Checks a number that came from outside; both bounds inclusive. Throws INVALID_REQUEST. */
export function checkRange(name: string, value: number, min: number, max: number): void {
  if (value < min || value > max) throw new BrokerError('INVALID_REQUEST', `${name} is ${value}; it is from ${min} to ${max}`)
}

/** Checks ids of partitions. Throws INVALID_REQUEST. */
export function checkPartitionIds(partitions: readonly { readonly partition: number }[]): void {
  checkRange('the number of partitions', partitions.length, 1, MAX_REQUEST_PARTITIONS)
  for (const { partition } of partitions) checkRange('partition', partition, 0, Number.MAX_SAFE_INTEGER)
}

/** Checks what each request about partitions has. Throws INVALID_REQUEST. */
export function checkPartitions(partitions: readonly { readonly partition: number; readonly leaderEpoch: number }[]): void {
  checkPartitionIds(partitions)
  for (const { leaderEpoch } of partitions) checkRange('leader_epoch', leaderEpoch, -1, Number.MAX_SAFE_INTEGER)
}
