import { readFileSync } from 'node:fs'

/** Clock ticks a second of /proc/PID/stat on Linux (sysconf _SC_CLK_TCK, 100 on every common build). */
const CLOCK_TICKS = 100
const UTIME_FIELD = 11
const STIME_FIELD = 12

export interface Usage {
  /** User and system time since the process started. */
  readonly cpuMs: number
  /** Peak resident set. */
  readonly peakRssBytes: number
  readonly rssBytes: number
}

/** What a process has used so far; undefined where there is no /proc or no such process. */
export function readUsage(pid: number): Usage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = Number(fields[UTIME_FIELD]) + Number(fields[STIME_FIELD])
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return { cpuMs: (ticks * 1000) / CLOCK_TICKS, peakRssBytes: kilobytes(status, 'VmHWM'), rssBytes: kilobytes(status, 'VmRSS') }
  } catch {
    return undefined
  }
}

function kilobytes(status: string, name: string): number {
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024
}
