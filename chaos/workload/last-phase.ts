import { isMicroOperations, type Key } from '../operations/operation.ts'
import type { Clock } from '../../src/base/clock.ts'
import { sleep } from '../sleep.ts'
import type { Seen } from './seen.ts'
import type { Worker } from './worker.ts'

const POLL = { timeoutMs: 1_000, maxRecords: 5_000 }
const AGAIN_AFTER_MS = 200
/** Nothing new for so long, with all healed: nothing will come. */
const QUIET_LIMIT_MS = 15_000
/** Some partition is not to be had for so long. */
const ASSIGN_LIMIT_MS = 60_000

/**
 * What each client does in the end, when all is healed: it crashes, and the next one notes how partitions stand, goes to the beginning of all keys and polls until it is
 * where anybody ever was, and whatever was acknowledged without an offset was polled by someone, or nothing comes any more. `isReady`: whether its client may
 * assign them now. Answers the keys of which it did not come there in time. Source: jepsen.tests.kafka, its final generator.
 */
export async function pollToTheEnd(
  { clock, seen }: { readonly clock: Clock; readonly seen: Seen },
  worker: Worker,
  deadlineMs: number,
  isReady: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<readonly Key[]> {
  const ends = seen.ends()
  const keys = [...ends.keys()].sort((left, right) => left - right)
  await worker.perform({ f: 'crash' })
  await worker.perform({ f: 'debug-topic-partitions', keys })
  const lastAssignMs = Math.min(deadlineMs, clock.monotonicMs() + ASSIGN_LIMIT_MS)
  for (;;) {
    if ((await isReady()) && (await worker.perform({ f: 'assign', keys, seekToBeginning: true })).type === 'ok') break
    if (clock.monotonicMs() > lastAssignMs) return keys
    await sleep(clock, AGAIN_AFTER_MS)
  }
  const missing = new Map([...ends].filter(([, end]) => end >= 0))
  let lastNewsMs = clock.monotonicMs()
  while ((missing.size > 0 || seen.hasUnplaced) && clock.monotonicMs() < Math.min(deadlineMs, lastNewsMs + QUIET_LIMIT_MS)) {
    const { type, value } = await worker.poll(POLL)
    if (type !== 'ok') await sleep(clock, AGAIN_AFTER_MS)
    if (!isMicroOperations(value)) continue
    for (const part of value) {
      if (part[0] !== 'poll') continue
      for (const [name, pairs] of Object.entries(part[1] ?? {})) {
        lastNewsMs = clock.monotonicMs()
        const end = missing.get(Number(name)) ?? Infinity
        if ((pairs.at(-1)?.[0] ?? -1) >= end) missing.delete(Number(name))
      }
    }
  }
  return [...missing.keys()]
}
