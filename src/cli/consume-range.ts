import { BrokerError } from '../base/errors.ts'
import type { Admin } from '../client/admin.ts'
import type { Assignment } from '../client/consumer.ts'
import { UsageError } from './failure.ts'
import { offsetsAt } from './offsets-at.ts'
import { parseTimestamp } from './timestamp.ts'

/** Where to begin in every partition; `last` counts from the end, `time` is wall-clock ms. */
export type Start =
  | { readonly type: 'earliest' }
  | { readonly type: 'latest' }
  | { readonly type: 'offset'; readonly offset: number }
  | { readonly type: 'last'; readonly count: number }
  | { readonly type: 'time'; readonly timestampMs: number }

/** What to stop before, in every partition. */
export type Until = { readonly type: 'offset'; readonly offset: number } | { readonly type: 'time'; readonly timestampMs: number }

interface RangeFlags {
  readonly fromBeginning?: boolean
  readonly offset?: string
}

export function parseStart({ fromBeginning, offset }: RangeFlags, nowMs: number): Start {
  if (fromBeginning === true && offset !== undefined) throw new UsageError('--from-beginning and --offset exclude each other', 'leave one of them out')
  if (fromBeginning === true || offset === 'earliest') return { type: 'earliest' }
  if (offset === undefined || offset === 'latest') return { type: 'latest' }
  if (offset.startsWith('@')) return { type: 'time', timestampMs: parseTimestamp(offset, nowMs, '--offset') }
  const number = Number(offset)
  if (!/^-?\d+$/.test(offset) || !Number.isSafeInteger(number))
    throw new UsageError(`--offset ${offset} is not an offset`, 'earliest, latest, an offset N, -N for the last N records, or @TIMESTAMP')
  return offset.startsWith('-') ? { type: 'last', count: -number } : { type: 'offset', offset: number }
}

export function parseUntil(text: string | undefined, nowMs: number): Until | undefined {
  if (text === undefined) return undefined
  if (!text.startsWith('@')) {
    const offset = Number(text)
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(offset)) throw new UsageError(`--until ${text} is not an offset`, 'an offset N, or @TIMESTAMP')
    return { type: 'offset', offset }
  }
  const timestampMs = parseTimestamp(text, nowMs, '--until')
  // Which record will be the last one, nobody can know yet.
  if (timestampMs > nowMs) throw new UsageError(`--until ${text} lies in the future`, 'a moment that is over, or an offset')
  return { type: 'time', timestampMs }
}

/** Resolves where each partition begins, in the command's time. `-N` needs both ends of the log. */
export async function assignmentsOf(admin: Admin, topic: string, partitions: readonly number[], start: Start): Promise<Assignment[]> {
  switch (start.type) {
    case 'offset':
      return partitions.map((partition) => ({ topic, partition, offset: start.offset }))
    case 'earliest':
    case 'latest':
      return (await admin.listOffsets(topic, start.type, partitions)).map(({ partition, offset }) => ({ topic, partition, offset }))
    case 'time':
      return [...(await offsetsAt(admin, topic, start.timestampMs, partitions))].map(([partition, offset]) => ({ topic, partition, offset }))
    case 'last': {
      const [earliest, latest] = await Promise.all([admin.listOffsets(topic, 'earliest', partitions), admin.listOffsets(topic, 'latest', partitions)])
      return latest.map(({ partition, offset }, at) => ({ topic, partition, offset: Math.max(earliest[at]?.offset ?? 0, offset - start.count) }))
    }
  }
}

/** Where to stop, exclusive, a partition. */
export type Ends = ReadonlyMap<number, number>

export interface RangeEnd {
  /** Undefined: never. */
  readonly ends: Ends | undefined
  /** All of it is there: without progress something is wrong. */
  readonly isThere: boolean
}

/** `highWatermarks`: those of the start, where reading ends there at the latest. */
export async function rangeEnd(
  admin: Admin,
  topic: string,
  until: Until | undefined,
  highWatermarks: Ends | undefined,
  partitions: readonly number[],
): Promise<RangeEnd> {
  if (until === undefined) return { ends: highWatermarks, isThere: highWatermarks !== undefined }
  const ends =
    until.type === 'time' ? await offsetsAt(admin, topic, until.timestampMs, partitions) : new Map(partitions.map((partition) => [partition, until.offset]))
  if (highWatermarks === undefined) return { ends, isThere: until.type === 'time' }
  return { ends: new Map([...ends].map(([partition, end]) => [partition, Math.min(end, highWatermarks.get(partition) ?? end)])), isThere: true }
}

export async function highWatermarksOf(admin: Admin, topic: string, partitions: readonly number[]): Promise<Ends> {
  const found = await admin.listOffsets(topic, 'latest', partitions)
  return new Map(found.map(({ partition, offset }) => [partition, offset]))
}

/** Beyond the end nothing would be read, and all would seem well. What lies before the beginning, the leader refuses. */
export function checkStart(topic: string, start: Start, highWatermarks: Ends | undefined): void {
  if (start.type !== 'offset') return
  for (const [partition, end] of highWatermarks ?? [])
    if (start.offset > end)
      throw new BrokerError('OFFSET_OUT_OF_RANGE', `offset ${start.offset} is outside of the log of ${topic}-${partition}, which ends at ${end}`)
}
