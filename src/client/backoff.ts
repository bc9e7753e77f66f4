import { between, type Random } from '../base/random.ts'

const MIN_BACKOFF_MS = 50
const MAX_BACKOFF_MS = 1000
const MAX_DOUBLINGS = 5

/** How long to wait before the next attempt: 50 ms doubling to 1000 ms, a quarter more or less by jitter, within these bounds (rules 8). `failures`: in a row, at least 1. */
export function backoffMs(random: Random, failures: number): number {
  const middle = MIN_BACKOFF_MS * 2 ** Math.min(failures - 1, MAX_DOUBLINGS)
  return between(
    random,
    Math.min(Math.max(MIN_BACKOFF_MS, Math.floor(middle * 0.75)), MAX_BACKOFF_MS - 250),
    Math.min(MAX_BACKOFF_MS, Math.ceil(middle * 1.25)),
  )
}
