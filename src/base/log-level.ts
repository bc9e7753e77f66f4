/** From all to least. A logger at a level writes that level and those after it. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export function isLogLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text)
}

/** The level of one node's log, which may change while it runs. */
export interface LogLevelControl {
  readonly level: LogLevel
  setLevel(level: LogLevel): void
}
