import { UsageError } from './failure.ts'

const FACTORS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }

/** Bytes a second: `1048576`, `512K`, `20M`, `1G`; units of 1,024. */
export function parseByteRate(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)([KMG]?)(?:i?B)?(?:\/s)?$/i.exec(text)
  const factor = FACTORS[parts?.[2]?.toUpperCase() ?? '']
  const rate = parts === null || factor === undefined ? Number.NaN : Math.round(Number(parts[1]) * factor)
  if (!Number.isSafeInteger(rate) || rate < 1024) throw new UsageError(`"${text}" is no number of bytes a second, 1K or more`, 'for example 20M')
  return rate
}
