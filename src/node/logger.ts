import { type Logger as Pino, pino } from 'pino'
import { type LogLevel, type LogLevelControl, logLevels } from '../base/log-level.ts'
import type { LogFields, Logger } from '../base/log-line.ts'
import { LogRing } from './log-ring.ts'

/** Shared by a logger and all its children: pino's own level would be each one's own. */
class LevelGate implements LogLevelControl {
  #level: LogLevel
  #rank: number

  constructor(level: LogLevel) {
    this.#level = level
    this.#rank = logLevels.indexOf(level)
  }

  get level(): LogLevel {
    return this.#level
  }

  setLevel(level: LogLevel): void {
    this.#level = level
    this.#rank = logLevels.indexOf(level)
  }

  lets(rank: number): boolean {
    return rank >= this.#rank
  }
}

const RANK = { debug: 0, info: 1, warn: 2, error: 3 } as const satisfies Record<LogLevel, number>

class PinoLogger implements Logger {
  readonly #pino: Pino
  readonly #gate: LevelGate

  constructor(logger: Pino, gate: LevelGate) {
    this.#pino = logger
    this.#gate = gate
  }

  debug(fields: LogFields, message: string): void {
    if (this.#gate.lets(RANK.debug)) this.#pino.debug(fields, message)
  }

  info(fields: LogFields, message: string): void {
    if (this.#gate.lets(RANK.info)) this.#pino.info(fields, message)
  }

  warn(fields: LogFields, message: string): void {
    if (this.#gate.lets(RANK.warn)) this.#pino.warn(fields, message)
  }

  error(fields: LogFields, message: string): void {
    if (this.#gate.lets(RANK.error)) this.#pino.error(fields, message)
  }

  child(fields: LogFields): Logger {
    return new PinoLogger(this.#pino.child(fields), this.#gate)
  }
}

/** A node's log, and what may be asked of it while the node runs. */
export interface NodeLog {
  readonly logger: Logger
  readonly level: LogLevelControl
  /** The last lines, as they were written. */
  readonly ring: LogRing
}

/**
 * One event, one JSON line with time, level and node id. Written at once, so that the last line before a crash is there.
 * `descriptor`: 1 for stdout. A reader that went away costs the log, never the node.
 */
export function createNodeLog(options: { readonly nodeId: number; readonly level: LogLevel; readonly descriptor: number }): NodeLog {
  const destination = pino.destination({ dest: options.descriptor, sync: true })
  destination.on('error', () => {})
  const ring = new LogRing()
  const both = {
    write(line: string): void {
      ring.add(line)
      destination.write(line)
    },
  }
  const level = new LevelGate(options.level)
  const logger = pino(
    {
      level: 'debug',
      base: { node: options.nodeId },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    both,
  )
  return { logger: new PinoLogger(logger, level), level, ring }
}
