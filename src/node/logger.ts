import { type Logger as Pino, pino } from 'pino'
import type { LogFields, Logger } from '../base/log-line.ts'

class PinoLogger implements Logger {
  readonly #pino: Pino

  constructor(logger: Pino) {
    this.#pino = logger
  }

  debug(fields: LogFields, message: string): void {
    this.#pino.debug(fields, message)
  }

  info(fields: LogFields, message: string): void {
    this.#pino.info(fields, message)
  }

  warn(fields: LogFields, message: string): void {
    this.#pino.warn(fields, message)
  }

  error(fields: LogFields, message: string): void {
    this.#pino.error(fields, message)
  }

  child(fields: LogFields): Logger {
    return new PinoLogger(this.#pino.child(fields))
  }
}

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export function isLogLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text)
}

/**
 * One event, one JSON line with time, level and node id. Written at once, so that the last line before a crash is there.
 * `descriptor`: 1 for stdout. A reader that went away costs the log, never the node.
 */
export function createLogger(options: { readonly nodeId: number; readonly level: LogLevel; readonly descriptor: number }): Logger {
  const destination = pino.destination({ dest: options.descriptor, sync: true })
  destination.on('error', () => {})
  const logger = pino(
    {
      level: options.level,
      base: { node: options.nodeId },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  return new PinoLogger(logger)
}
