import type { Admin } from '../client/admin.ts'

/** By partition, where the first record that is at least so late stands; the end where there is none. */
export async function offsetsAt(admin: Admin, topic: string, timestampMs: number, partitions: readonly number[]): Promise<Map<number, number>> {
  // The ends first: what comes between the two questions may be later than the moment, and lies behind them.
  const ends = new Map((await admin.listOffsets(topic, 'latest', partitions)).map(({ partition, offset }) => [partition, offset]))
  const found = await admin.listOffsets(topic, timestampMs, partitions)
  return new Map(found.map(({ partition, offset }) => [partition, offset < 0 ? (ends.get(partition) ?? 0) : offset]))
}
