export const levels = ['error', 'warn', 'info', 'debug'] as const
export type Level = (typeof levels)[number]

export interface LogEvent {
  /** Wall clock ms, when it happened. */
  readonly time: number
  readonly level: Level
  readonly message: string
}

export type Parsed = { readonly type: 'event'; readonly event: LogEvent } | { readonly type: 'malformed'; readonly reason: string }

const DAY_MS = 86_400_000
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const ACCESS = /^\S+ \S+ \S+ \[(\d{2})\/(\w{3})\/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})\] "([^"]*)" (\d{3}) /
const NGINX_ERROR = /^(\d{4})\/(\d{2})\/(\d{2}) (\d{2}:\d{2}:\d{2}) \[(\w+)\] (.*)$/
/** dpkg.log, alternatives.log and syslog in RFC 3339: local time unless it says its zone. */
const DATED = /^(?:[\w-]+ )?(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2}(?:[.,]\d+)?)(Z|[+-]\d{2}:\d{2})?:?\s+(.*)$/
const SYSLOG = /^(?:<\d+>)?(\w{3}) {1,2}(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) \S+ (.*)$/
const WORDS: readonly (readonly [Level, RegExp])[] = [
  ['error', /\b(error|err|fail(ed|ure)?|fatal|panic|crit(ical)?|emerg|alert)\b/i],
  ['warn', /\bwarn(ing)?\b/i],
  ['debug', /\b(debug|trace)\b/i],
]

function levelOf(text: string): Level {
  return WORDS.find(([, words]) => words.test(text))?.[0] ?? 'info'
}

/** pino and bunyan count: 20 debug, 30 info, 40 warn, 50 error. */
function jsonLevel(value: unknown): Level {
  if (typeof value === 'number') return value >= 50 ? 'error' : value >= 40 ? 'warn' : value >= 30 ? 'info' : 'debug'
  return typeof value === 'string' ? levelOf(value) : 'info'
}

function jsonTime(value: unknown): number {
  if (typeof value === 'string') return Date.parse(value)
  if (typeof value !== 'number') return Number.NaN
  return value < 1e11 ? Math.round(value * 1000) : Math.round(value)
}

function parseJson(line: string): LogEvent | string {
  let fields: Record<string, unknown>
  try {
    fields = JSON.parse(line) as Record<string, unknown>
  } catch {
    return 'it begins as JSON and is none'
  }
  const message = fields.msg ?? fields.message ?? ''
  const level = jsonLevel(fields.level ?? fields.severity ?? fields.lvl)
  return { time: jsonTime(fields.time ?? fields.timestamp ?? fields['@timestamp'] ?? fields.ts), level, message: String(message) }
}

function parseText(line: string, receivedMs: number): LogEvent | string {
  const access = ACCESS.exec(line)
  if (access !== null) {
    const [, day, month = '', year, time, zoneHours, zoneMinutes, request = '', status] = access
    const number = String(MONTHS.indexOf(month) + 1).padStart(2, '0')
    const level = Number(status) >= 500 ? 'error' : Number(status) >= 400 ? 'warn' : 'info'
    return { time: Date.parse(`${year}-${number}-${day}T${time}${zoneHours}:${zoneMinutes}`), level, message: `${status} ${request}` }
  }
  const nginx = NGINX_ERROR.exec(line)
  if (nginx !== null) {
    const [, year, month, day, time, level = '', message = ''] = nginx
    return { time: Date.parse(`${year}-${month}-${day}T${time}`), level: levelOf(level), message }
  }
  const dated = DATED.exec(line)
  if (dated !== null) {
    const [, date, time = '', zone = '', message = ''] = dated
    return { time: Date.parse(`${date}T${time.replace(',', '.')}${zone}`), level: levelOf(message), message }
  }
  const syslog = SYSLOG.exec(line)
  if (syslog === null) return 'it has no shape that is known'
  const [, month = '', day, hours, minutes, seconds, message = ''] = syslog
  // It does not say its year: the last one in which it does not lie in the future.
  const year = new Date(receivedMs).getFullYear()
  const at = (inYear: number): number => new Date(inYear, MONTHS.indexOf(month), Number(day), Number(hours), Number(minutes), Number(seconds)).getTime()
  if (!MONTHS.includes(month)) return `it names a month "${month}"`
  return { time: at(year) > receivedMs + DAY_MS ? at(year - 1) : at(year), level: levelOf(message), message }
}

/**
 * One line of a log: JSON lines, access logs of nginx and Apache, error logs of nginx, dpkg.log and its like, syslog in both forms.
 * `receivedMs`: when it was collected, wall clock.
 */
export function parseLine(line: string, receivedMs: number): Parsed {
  const text = line.trim()
  if (text === '') return { type: 'malformed', reason: 'it is empty' }
  const event = text.startsWith('{') ? parseJson(text) : parseText(text, receivedMs)
  if (typeof event === 'string') return { type: 'malformed', reason: event }
  if (!Number.isFinite(event.time) || event.time < 0) return { type: 'malformed', reason: 'its time cannot be read' }
  if (event.time > receivedMs + DAY_MS) return { type: 'malformed', reason: 'its time lies in the future' }
  return { type: 'event', event }
}
