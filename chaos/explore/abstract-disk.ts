/** A log as batch numbers. */
export type LogOf = readonly number[]

/** How many batches both begin with. */
export function commonLength(left: LogOf, right: LogOf): number {
  let length = 0
  while (length < left.length && left[length] === right[length]) length += 1
  return length
}

/**
 * What a power loss may leave of a log (rules R1.2, R3.3): what is synced, and any part of what is not that recovery keeps, which is a beginning of
 * it. A cut that is not synced may have been made, or not.
 */
export function afterCrash(durable: LogOf, memory: LogOf): LogOf[] {
  const common = commonLength(durable, memory)
  const isCutPending = common < durable.length
  const left: LogOf[] = isCutPending ? [durable] : []
  for (let length = isCutPending ? common : durable.length; length <= memory.length; length++) left.push(memory.slice(0, length))
  return left
}

/** What a disk may leave that does not keep what it synced. */
export function afterLoss(durable: LogOf): LogOf[] {
  return durable.map((_batch, length) => durable.slice(0, length))
}
