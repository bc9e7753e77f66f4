import type { LogFields, Logger } from '../../src/base/log-line.ts'
import type { Trace } from './trace.ts'

/** The operator's log of a simulated node: sentences of the story. Debug lines count only when somebody reads. */
export class StoryLogger implements Logger {
  readonly #trace: Trace
  readonly #who: string
  readonly #heard: (message: string) => void
  readonly #fields: LogFields

  /** `heard`: with every message but those for debugging. */
  constructor(trace: Trace, who: string, heard: (message: string) => void, fields: LogFields = {}) {
    this.#trace = trace
    this.#who = who
    this.#heard = heard
    this.#fields = fields
  }

  debug(_fields: LogFields, _message: string): void {}

  info(fields: LogFields, message: string): void {
    this.#tell('', fields, message)
  }

  warn(fields: LogFields, message: string): void {
    this.#tell('! ', fields, message)
  }

  error(fields: LogFields, message: string): void {
    this.#tell('!! ', fields, message)
  }

  child(fields: LogFields): Logger {
    return new StoryLogger(this.#trace, this.#who, this.#heard, { ...this.#fields, ...fields })
  }

  #tell(mark: string, fields: LogFields, message: string): void {
    const all = { ...this.#fields, ...fields }
    const shown = this.#trace.telling ? Object.entries(all).map(([name, value]) => ` ${name}=${String(value)}`) : []
    if (this.#trace.telling) this.#trace.aside(this.#who, `${mark}${message}${shown.length > 0 ? `  {${shown.join('').slice(1)}}` : ''}`)
    this.#trace.mixText(message)
    this.#heard(message)
  }
}
