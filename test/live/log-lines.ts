import type { Random } from '../../src/base/random.ts'

/** The logs that are written: JSON lines, an access log, and syslog in RFC 3339. */
export const logNames = ['access.log', 'app.log', 'syslog'] as const
export type LogName = (typeof logNames)[number]
type Level = 'error' | 'warn' | 'info'
type Counts = Partial<Record<Level, number>>

export interface WrittenLine {
  readonly name: LogName
  readonly text: string
}

export interface Expected {
  readonly totals: { readonly name: string; counts: Counts; late: number; malformed: number }[]
  /** By log and start. */
  readonly windows: Record<string, Counts>
  /** Ids, sorted. */
  readonly alerts: string[]
}

const MINUTE_MS = 60_000
const LATENESS_MS = 30_000
const MANY_ERRORS = 10
const BAD_SHARE = 0.25
const ENOUGH_EVENTS = 20
const START_MS = Date.UTC(2026, 0, 5, 10)
const LEVELS: readonly Level[] = ['info', 'info', 'info', 'warn', 'error']
const STATUS: Readonly<Record<Level, number>> = { info: 200, warn: 404, error: 503 }
const MALFORMED = [
  '',
  'not a line of any log',
  '{"time":"2026-01-05T10:00:00Z","level":',
  '{"level":"info","msg":"without a time"}',
  '{"time":"2999-01-01T00:00:00Z"}',
]
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function format(name: LogName, number: number, timeMs: number, level: Level): string {
  const at = new Date(timeMs)
  const iso = at.toISOString()
  if (name === 'app.log') return JSON.stringify({ time: iso, level, msg: `request ${number}` })
  if (name === 'syslog') return `${iso.replace('Z', '+00:00')} host app[7]: ${level}: request ${number}`
  const day = `${iso.slice(8, 10)}/${MONTHS[at.getUTCMonth()]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`
  return `10.0.0.1 - - [${day}] "GET /item/${number} HTTP/1.1" ${STATUS[level]} 512 "-" "curl"`
}

function add(counts: Counts, level: Level): void {
  counts[level] = (counts[level] ?? 0) + 1
}

/** A log's counts as a program would make them that is never killed: a naive twin of the example's windows. */
class Twin {
  readonly totals: Expected['totals'][number]
  readonly windows = new Map<number, Counts>()
  #newestMs = 0

  constructor(name: string) {
    this.totals = { name, counts: {}, late: 0, malformed: 0 }
  }

  event(timeMs: number, level: Level): void {
    add(this.totals.counts, level)
    const start = timeMs - (timeMs % MINUTE_MS)
    if (this.#newestMs >= start + MINUTE_MS + LATENESS_MS) this.totals.late++
    else {
      const counts = this.windows.get(start) ?? {}
      add(counts, level)
      this.windows.set(start, counts)
      this.#newestMs = Math.max(this.#newestMs, timeMs)
    }
  }

  get alerts(): string[] {
    return [...this.windows].flatMap(([start, counts]) => {
      const events = Object.values(counts).reduce((sum, count) => sum + count, 0)
      const errors = counts.error ?? 0
      const isClosed = this.#newestMs >= start + MINUTE_MS + LATENESS_MS
      const where = `${start} ${this.totals.name}`
      return [
        ...(errors >= MANY_ERRORS ? [`many-errors ${where}`] : []),
        ...(isClosed && events >= ENOUGH_EVENTS && errors / events >= BAD_SHARE ? [`error-share ${where}`] : []),
      ]
    })
  }
}

/** `count` lines of all logs as time goes by, some out of order, some too late, some malformed; and what there is to count. */
export function writtenLines(random: Random, count: number): { lines: WrittenLine[]; expected: Expected } {
  const twins = new Map(logNames.map((name) => [name, new Twin(name)]))
  let nowMs = START_MS
  const lines = Array.from({ length: count }, (_, number): WrittenLine => {
    const name = logNames[random.integer(logNames.length)] as LogName
    const twin = twins.get(name) as Twin
    nowMs += random.integer(700)
    // The first line of a file is its name in the pipeline: two files do not begin alike.
    if (number > 30 && random.integer(25) === 0) {
      twin.totals.malformed++
      return { name, text: MALFORMED[random.integer(MALFORMED.length)] as string }
    }
    const behindMs = random.integer(40) === 0 ? 200_000 : random.integer(10) * 1000
    const timeMs = nowMs - (nowMs % 1000) - behindMs
    const level = LEVELS[random.integer(LEVELS.length)] as Level
    twin.event(timeMs, level)
    return { name, text: format(name, number, timeMs, level) }
  })
  const all = [...twins.values()]
  return {
    lines,
    expected: {
      totals: all.map(({ totals }) => totals),
      windows: Object.fromEntries(all.flatMap(({ totals, windows }) => [...windows].map(([start, counts]) => [`${totals.name} ${start}`, counts]))),
      alerts: all.flatMap(({ alerts }) => alerts).toSorted(),
    },
  }
}
