import { createReadStream } from 'node:fs'
import { access, constants, stat } from 'node:fs/promises'
import { BrokerError } from '../base/errors.ts'
import type { OxbowClient } from '../client/client.ts'
import type { Producer } from '../client/producer.ts'
import { findTopic, openClient } from './session.ts'
import type { CliContext } from './context.ts'
import { exitCode, failureJson, failureLine, failureOf, UsageError } from './failure.ts'
import { LineWriter } from './line-writer.ts'
import { LineSplitter } from './lines.ts'
import type { ClusterOptions, KeyValue } from './options.ts'
import { bytesJson } from './record-json.ts'
import { isReaderGone, StreamError, stdoutFailed } from './stream-error.ts'

/** As commander hands it over; the bounds are checked by then. */
export interface ProduceRequest {
  readonly topic: string
  readonly file: string | undefined
  readonly keySeparator?: string
  readonly header?: readonly KeyValue[]
  readonly partition?: number
  readonly acks?: string
  readonly linger?: number
  readonly rate?: number
}

/** How long a cluster may take to answer at all; `--timeout` is about records here. */
const REACH_TIMEOUT_MS = 30_000
const RATE_SLICE_MS = 20

function reachTimeoutMs(options: ClusterOptions): number {
  return Math.min(options.timeoutMs, REACH_TIMEOUT_MS)
}

interface Line {
  readonly key: Buffer | null
  readonly value: Buffer
}

/** Splits `key<separator>value`; a line without the separator has no key. */
export function splitKey(line: Buffer, separator: string | undefined): Line {
  const at = separator === undefined || separator === '' ? -1 : line.indexOf(separator)
  if (separator === undefined || at < 0) return { key: null, value: line }
  return { key: line.subarray(0, at), value: line.subarray(at + Buffer.byteLength(separator)) }
}

/** Counts what became of every line, and says so as it happens. */
class Ledger {
  readonly #context: CliContext
  readonly #output: ClusterOptions['output']
  readonly #acks: ProduceRequest['acks']
  readonly lines: LineWriter
  readonly #errors: LineWriter
  acknowledged = 0
  failed = 0
  bytes = 0

  constructor(context: CliContext, output: ClusterOptions['output'], acks: ProduceRequest['acks']) {
    this.#context = context
    this.#output = output
    this.#acks = acks
    this.lines = new LineWriter(context.stdout)
    this.#errors = new LineWriter(context.stderr)
  }

  /** `number`: of the line, from 1. */
  settle(
    number: number,
    line: Line,
    error: Error | undefined,
    at: { readonly topic: string; readonly partition: number; readonly offset: number } | undefined,
  ): void {
    if (error !== undefined || at === undefined) {
      this.failed++
      const cause = failureOf(error ?? new BrokerError('UNKNOWN_SERVER_ERROR', 'no answer'))
      const certainty = cause.definite ? 'it was not stored' : 'it may be stored or not'
      const hint = cause.hint === undefined ? certainty : `${certainty}; ${cause.hint}`
      const failure = { ...cause, message: `line ${number}: ${cause.message}`, hint }
      this.#errors.write(`${failureLine(failure)}\n`)
      if (this.#output === 'json') this.#errors.write(`${failureJson(failure)}\n`)
      return
    }
    this.acknowledged++
    this.bytes += line.value.length
    // acks 0 promises nothing, so it is not on the list of what was promised.
    if (this.#output === 'json' && this.#acks !== '0')
      this.lines.write(
        `${JSON.stringify({ topic: at.topic, partition: at.partition, offset: at.offset, key: bytesJson(line.key), value: bytesJson(line.value) })}\n`,
      )
  }

  /** The last words, on stderr. */
  summarise(elapsedMs: number): void {
    this.lines.flush()
    this.#errors.flush()
    const seconds = Math.max(elapsedMs, 1) / 1000
    const word = this.#acks === '0' ? 'sent' : 'acknowledged'
    const rate = `${Math.round(this.acknowledged / seconds)} records/s, ${(this.bytes / seconds / 1e6).toFixed(2)} MB/s`
    const failed = this.failed === 0 ? '' : `, ${this.failed} not ${word}`
    this.#context.stderr.write(`${this.acknowledged} records ${word}${failed} in ${seconds.toFixed(2)} s (${rate})\n`)
  }
}

const INPUT_HINT = 'give a file, or pipe lines into stdin'

async function checkInput(file: string | undefined): Promise<void> {
  if (isStdin(file)) return
  const found = await access(file, constants.R_OK)
    .then(() => stat(file))
    .catch(() => undefined)
  if (found === undefined) throw new UsageError(`${file} cannot be read`, INPUT_HINT)
  if (found.isDirectory()) throw new UsageError(`${file} is a folder`, INPUT_HINT)
}

function isStdin(file: string | undefined): file is undefined | '-' {
  return file === undefined || file === '-'
}

function openInput(context: CliContext, file: string | undefined): AsyncIterator<Buffer | string> {
  if (isStdin(file)) return context.stdin[Symbol.asyncIterator]()
  return createReadStream(file, { highWaterMark: 256 * 1024 })[Symbol.asyncIterator]()
}

/** Sends lines as fast as the buffer of the producer, the reader of stdout and `--rate` allow. */
class LineSender {
  readonly #producer: Producer
  readonly #ledger: Ledger
  readonly #request: ProduceRequest
  readonly #headers: readonly { readonly key: string; readonly value: Buffer }[]
  readonly #beganMs = performance.now()
  #number = 0

  constructor(producer: Producer, ledger: Ledger, request: ProduceRequest) {
    this.#producer = producer
    this.#ledger = ledger
    this.#request = request
    this.#headers = (request.header ?? []).map(([key, value]) => ({ key, value: Buffer.from(value) }))
  }

  /** Lines that were taken. */
  get count(): number {
    return this.#number
  }

  /** Answers whether it took all of them. */
  async send(lines: readonly Buffer[], isOver: () => boolean): Promise<boolean> {
    for (const bytes of lines) {
      if (isOver()) return false
      const number = ++this.#number
      const line = splitKey(bytes, this.#request.keySeparator)
      const { topic, partition } = this.#request
      const record = {
        topic,
        key: line.key,
        value: line.value,
        ...(this.#headers.length > 0 ? { headers: this.#headers } : {}),
        ...(partition === undefined ? {} : { partition }),
      }
      while (!this.#producer.trySend(record, (error, at) => this.#ledger.settle(number, line, error, at))) await this.#producer.whenRoom()
      if (this.#request.rate !== undefined) await this.#pace(this.#request.rate)
    }
    await this.#ledger.lines.whenTaken()
    return true
  }

  async #pace(rate: number): Promise<void> {
    const aheadMs = (this.#number / rate) * 1000 - (performance.now() - this.#beganMs)
    if (aheadMs > RATE_SLICE_MS) await new Promise((resolve) => setTimeout(resolve, aheadMs))
  }
}

/** What ends the sending before the end of the input. */
class Stops {
  readonly interrupted: Promise<void>
  /** An interrupt, or nobody takes the list of what was promised. */
  readonly any: Promise<void>
  readonly #undo: (() => void)[] = []
  #isInterrupted = false
  #stdoutError: Error | undefined

  constructor(context: CliContext) {
    this.interrupted = new Promise((say) => {
      this.#undo.push(
        context.onInterrupt(() => {
          this.#isInterrupted = true
          say()
        }),
      )
    })
    const stdoutFailure = new Promise<void>((say) => {
      this.#undo.push(
        context.onStdoutError((error) => {
          this.#stdoutError ??= error
          say()
        }),
      )
    })
    this.any = Promise.race([this.interrupted, stdoutFailure])
  }

  get isInterrupted(): boolean {
    return this.#isInterrupted
  }

  get stdoutError(): Error | undefined {
    return this.#stdoutError
  }

  get isAny(): boolean {
    return this.#isInterrupted || this.#stdoutError !== undefined
  }

  release(): void {
    for (const undo of this.#undo) undo()
  }
}

/** A failure is a value here: what was sent before it is waited for. */
async function nextOf(input: AsyncIterator<Buffer | string>): Promise<IteratorResult<Buffer | string> | Error> {
  try {
    return await input.next()
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** How the sending came to its end: all lines were sent, or something came between. */
type Pumped = 'done' | 'stopped' | StreamError

async function pump(input: AsyncIterator<Buffer | string>, sender: LineSender, over: Promise<void>, isOver: () => boolean): Promise<Pumped> {
  const splitter = new LineSplitter()
  for (;;) {
    const next = await Promise.race([nextOf(input), over])
    if (next === undefined) return 'stopped'
    if (next instanceof Error)
      return new StreamError('INPUT_FAILED', `the input broke (${next.message}): nothing was sent after line ${sender.count}`, { cause: next })
    if (next.done === true) return (await sender.send(splitter.end(), isOver)) ? 'done' : 'stopped'
    if (!(await sender.send(splitter.feed(typeof next.value === 'string' ? Buffer.from(next.value) : next.value), isOver))) return 'stopped'
  }
}

async function run(context: CliContext, client: OxbowClient, options: ClusterOptions, request: ProduceRequest): Promise<number> {
  const topic = await findTopic(client.admin({ totalTimeoutMs: reachTimeoutMs(options) }), request.topic)
  const { partition } = request
  if (partition !== undefined && partition >= topic.partitions.length)
    throw new BrokerError(
      'UNKNOWN_TOPIC_OR_PARTITION',
      `${request.topic} has ${topic.partitions.length} partitions, from 0; there is no partition ${partition}`,
    )
  const acks = request.acks === '0' ? 0 : request.acks === '1' ? 1 : 'all'
  const input = openInput(context, request.file)
  const ledger = new Ledger(context, options.output, request.acks)
  const producer = client.producer({ acks, deliveryTimeoutMs: options.timeoutMs, ...(request.linger === undefined ? {} : { lingerMs: request.linger }) })
  const sender = new LineSender(producer, ledger, request)
  const stops = new Stops(context)
  const beganMs = performance.now()
  const pumped = await pump(input, sender, stops.any, () => stops.isAny)
  // What was sent is delivered or given up, each record within its own time. An interrupt waits for at most 5 s.
  if (!stops.isInterrupted) await Promise.race([producer.flush(), stops.interrupted])
  await producer.close()
  stops.release()
  ledger.summarise(performance.now() - beganMs)
  if (stops.isInterrupted) return exitCode.interrupted
  const { stdoutError } = stops
  // Nobody reads the list of what was promised any more: that is no failure only if there was nothing more to promise.
  if (stdoutError !== undefined && pumped === 'stopped') throw stdoutFailed(stdoutError, `nothing was sent after line ${sender.count}`)
  if (stdoutError !== undefined && !isReaderGone(stdoutError)) throw stdoutFailed(stdoutError)
  if (pumped instanceof StreamError) throw pumped
  return ledger.failed > 0 ? exitCode.refused : exitCode.done
}

/** `oxbow produce`: what is on stdout with `-o json` is what the cluster has promised. */
export async function produce(context: CliContext, options: ClusterOptions, request: ProduceRequest): Promise<number> {
  await checkInput(request.file)
  const client = await openClient(context, { ...options, timeoutMs: reachTimeoutMs(options) })
  try {
    return await run(context, client, options, request)
  } finally {
    await client.close()
  }
}
