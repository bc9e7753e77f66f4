import { BrokerError } from '../base/errors.ts'
import type { CliContext, OutputFormat } from './context.ts'
import { counted } from './counted.ts'
import { failureJson, failureLine, failureOf } from './failure.ts'
import type { InputRecord } from './input-format.ts'
import { LineWriter } from './line-writer.ts'
import { bytesJson } from './record-json.ts'

export interface LedgerOptions {
  readonly output: OutputFormat
  /** acks 0: nothing is promised. */
  readonly isPromised: boolean
  /** What takes away the live line in front of an error. */
  readonly erasing: string
}

/** Counts what became of every record, and says so as it happens. */
export class ProduceLedger {
  readonly #context: CliContext
  readonly #options: LedgerOptions
  readonly lines: LineWriter
  readonly #errors: LineWriter
  acknowledged = 0
  failed = 0
  bytes = 0

  constructor(context: CliContext, options: LedgerOptions) {
    this.#context = context
    this.#options = options
    this.lines = new LineWriter(context.stdout)
    this.#errors = new LineWriter(context.stderr)
  }

  /** `name`: what the user knows the record by, such as `line 5`. */
  settle(
    name: string,
    record: InputRecord,
    error: Error | undefined,
    at: { readonly topic: string; readonly partition: number; readonly offset: number } | undefined,
  ): void {
    if (error !== undefined || at === undefined) {
      this.fail(name, error)
      return
    }
    this.acknowledged++
    this.bytes += record.value?.length ?? 0
    // acks 0 promises nothing, so it is not on the list of what was promised.
    if (this.#options.output === 'json' && this.#options.isPromised)
      this.lines.write(
        `${JSON.stringify({ topic: at.topic, partition: at.partition, offset: at.offset, key: bytesJson(record.key), value: bytesJson(record.value) })}\n`,
      )
  }

  fail(name: string, error: Error | undefined): void {
    this.failed++
    const cause = failureOf(error ?? new BrokerError('UNKNOWN_SERVER_ERROR', 'no answer'))
    const certainty = cause.definite ? 'it was not stored' : 'it may be stored or not'
    const hint = cause.hint === undefined ? certainty : `${certainty}; ${cause.hint}`
    const failure = { ...cause, message: `${name}: ${cause.message}`, hint }
    this.#errors.write(`${this.#options.erasing}${failureLine(failure)}\n`)
    if (this.#options.output === 'json') this.#errors.write(`${failureJson(failure)}\n`)
  }

  /** How far it is, and how fast it was. */
  progress(elapsedMs: number): string {
    const seconds = Math.max(elapsedMs, 1) / 1000
    const word = this.#options.isPromised ? 'acknowledged' : 'sent'
    const rate = `${Math.round(this.acknowledged / seconds)} records/s, ${(this.bytes / seconds / 1e6).toFixed(2)} MB/s`
    const failed = this.failed === 0 ? '' : `, ${this.failed} not ${word}`
    return `${counted(this.acknowledged, 'record')} ${word}${failed} in ${seconds.toFixed(2)} s (${rate})`
  }

  /** The last words, on stderr. */
  summarise(elapsedMs: number): void {
    this.lines.flush()
    this.#errors.flush()
    this.#context.stderr.write(`${this.progress(elapsedMs)}\n`)
  }
}
