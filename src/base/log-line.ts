/** What a structured log line may hold besides its message. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | readonly (string | number)[] | undefined>>

/** The seam to the operator's log. Production: pino. Simulation: the trace of the seed. One event, one line. */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** A logger that adds these fields to each line. */
  child(fields: LogFields): Logger
}
