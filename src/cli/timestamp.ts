import { UsageError } from './failure.ts'

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/
const HINT = 'for example @2026-01-31T12:00:00Z, @1769860800000 (milliseconds) or @-1h'

/**
 * A moment as wall-clock milliseconds: `@2026-01-31` (UTC), `@2026-01-31T12:00` (of this machine, unless it ends in Z or an offset), `@1769860800000`,
 * `@now`, `@-90s` (before `nowMs`; ms s m h d w). Throws UsageError, which names the `option`.
 */
export function parseTimestamp(text: string, nowMs: number, option: string): number {
  const moment = text.slice(1)
  const relative = /^-(\d+)(ms|[smhdw])$/.exec(moment)
  const ms =
    moment === 'now'
      ? nowMs
      : relative !== null
        ? nowMs - Number(relative[1]) * (UNITS_MS[relative[2] as string] as number)
        : ISO.test(moment)
          ? Date.parse(moment)
          : /^\d+$/.test(moment)
            ? Number(moment)
            : Number.NaN
  if (!text.startsWith('@') || !Number.isSafeInteger(ms) || ms < 0) throw new UsageError(`${option} ${text} is not a moment`, HINT)
  return ms
}
