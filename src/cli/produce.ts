import { access, constants, stat } from 'node:fs/promises'
import { BrokerError } from '../base/errors.ts'
import { type Random, SeededRandom } from '../base/random.ts'
import type { OxbowClient } from '../client/client.ts'
import type { ProducerOptions } from '../client/producer.ts'
import { CryptoRandom } from '../client/crypto-random.ts'
import type { CliContext } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import { compileInputFormat, lineFormat } from './input-format.ts'
import { LiveLine } from './live-line.ts'
import type { ClusterOptions, KeyValue } from './options.ts'
import { ProduceLedger } from './produce-ledger.ts'
import { RecordSender } from './record-sender.ts'
import { type Draft, fileSource, isStdin, lineSource, limited, type RecordSource, templateSource } from './record-source.ts'
import { findTopic, openClient } from './session.ts'
import { Stops } from './stops.ts'
import { isReaderGone, StreamError, stdoutFailed } from './stream-error.ts'
import { compileTemplate, type Template, type TemplateWorld } from './template.ts'

/** As commander hands it over; the bounds are checked by then. */
export interface ProduceRequest {
  readonly topic: string
  readonly files: readonly string[]
  readonly keySeparator?: string
  readonly key?: string
  readonly format?: string
  readonly header?: readonly KeyValue[]
  readonly tombstone?: boolean
  readonly filePerRecord?: boolean
  readonly template?: string
  readonly count?: number
  readonly size?: number
  readonly seed?: number
  readonly partition?: number
  readonly acks?: string
  readonly compression?: ProducerOptions['compression']
  readonly linger?: number
  readonly rate?: number
}

/** How long a cluster may take to answer at all; `--timeout` is about records here. */
const REACH_TIMEOUT_MS = 30_000

function reachTimeoutMs(options: ClusterOptions): number {
  return Math.min(options.timeoutMs, REACH_TIMEOUT_MS)
}

const INPUT_HINT = 'give a file, or pipe lines into stdin'

async function checkFile(file: string): Promise<void> {
  if (isStdin(file)) return
  const found = await access(file, constants.R_OK)
    .then(() => stat(file))
    .catch(() => undefined)
  if (found === undefined) throw new UsageError(`${file} cannot be read`, INPUT_HINT)
  if (found.isDirectory()) throw new UsageError(`${file} is a folder`, INPUT_HINT)
}

/** What is read or made up, and whether that is what comes from stdin. */
interface Plan {
  readonly source: RecordSource
  readonly key: Template | undefined
  readonly world: TemplateWorld
  readonly readsStdin: boolean
}

/** Two ways to say where records come from, or what their keys are, are one too many. */
function refuseTwo(request: ProduceRequest): void {
  const given = (names: readonly (keyof ProduceRequest)[]): string[] =>
    names
      .filter((name) => request[name] !== undefined && !(name === 'files' && request.files.length === 0))
      .map((name) => (name === 'files' ? 'FILE' : `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`))
  const exclusive: readonly (readonly (keyof ProduceRequest)[])[] = [
    ['files', 'template'],
    ['files', 'size'],
    ['format', 'template'],
    ['format', 'size'],
    ['format', 'keySeparator'],
    ['format', 'filePerRecord'],
    ['key', 'keySeparator'],
    ['keySeparator', 'template'],
    ['keySeparator', 'size'],
    ['keySeparator', 'filePerRecord'],
    ['template', 'filePerRecord'],
  ]
  for (const names of exclusive) {
    const [first, second] = given(names)
    if (first !== undefined && second !== undefined) throw new UsageError(`${first} and ${second} exclude each other`, 'leave one of them out')
  }
  if (request.filePerRecord === true && (request.files.length === 0 || request.files.some(isStdin)))
    throw new UsageError('--file-per-record needs files', 'for example: oxbow produce images *.png --file-per-record')
}

function isMadeUp(request: ProduceRequest): boolean {
  return request.template !== undefined || request.size !== undefined
}

function planOf(context: CliContext, request: ProduceRequest): Plan {
  refuseTwo(request)
  const random: Random = request.seed === undefined ? new CryptoRandom() : new SeededRandom(request.seed)
  const world = { random, nowMs: () => Date.now() }
  const key = request.key === undefined ? undefined : compileTemplate(request.key)
  const madeUp = isMadeUp(request)
  if (madeUp && request.count === undefined && request.rate === undefined)
    throw new UsageError('nothing says how many records to make', 'add --count 1000, or --rate 10 to go on until Ctrl-C')
  const template = compileTemplate(request.template ?? '')
  const format = request.format === undefined ? lineFormat(request.keySeparator) : compileInputFormat(request.format)
  const source = madeUp
    ? templateSource({ template, world, sizeBytes: request.size ?? 0 })
    : request.filePerRecord === true
      ? fileSource(request.files)
      : lineSource(context, request.files, format)
  const readsStdin = !madeUp && (request.files.length === 0 || request.files.some(isStdin))
  return { source: request.count === undefined ? source : limited(source, request.count), key, world, readsStdin }
}

/** A failure is a value here: what was sent before it is waited for. */
async function nextOf(source: RecordSource): Promise<IteratorResult<readonly Draft[], void> | Error> {
  try {
    return await source.next()
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** How the sending came to its end: all lines were sent, or something came between. */
type Pumped = 'done' | 'stopped' | StreamError

async function pump(source: RecordSource, sender: RecordSender, stops: Stops): Promise<Pumped> {
  for (;;) {
    const next = await Promise.race([nextOf(source), stops.any])
    if (next === undefined) return 'stopped'
    if (next instanceof Error)
      return new StreamError('INPUT_FAILED', `the input broke (${next.message}): nothing was sent after ${sender.lastName}`, { cause: next })
    if (next.done === true) return 'done'
    if (!(await sender.send(next.value, () => stops.isAny))) return 'stopped'
  }
}

interface Run {
  readonly context: CliContext
  readonly client: OxbowClient
  readonly options: ClusterOptions
  readonly request: ProduceRequest
  readonly plan: Plan
}

async function run({ context, client, options, request, plan }: Run): Promise<number> {
  const topic = await findTopic(client.admin({ totalTimeoutMs: reachTimeoutMs(options) }), request.topic)
  const { partition } = request
  if (partition !== undefined && partition >= topic.partitions.length)
    throw new BrokerError(
      'UNKNOWN_TOPIC_OR_PARTITION',
      `${request.topic} has ${topic.partitions.length} partitions, from 0; there is no partition ${partition}`,
    )
  const acks = request.acks === '0' ? 0 : request.acks === '1' ? 1 : 'all'
  const live = new LiveLine(context.stderr, !(plan.readsStdin && context.stdin.isTTY === true) && !(options.output === 'json' && context.stdout.isTTY === true))
  const ledger = new ProduceLedger(context, { output: options.output, isPromised: acks !== 0, erasing: live.erasing })
  const producer = client.producer({
    acks,
    deliveryTimeoutMs: options.timeoutMs,
    compression: request.compression ?? 'none',
    ...(request.linger === undefined ? {} : { lingerMs: request.linger }),
  })
  const sender = new RecordSender(producer, ledger, {
    topic: request.topic,
    partition,
    headers: request.header ?? [],
    key: plan.key,
    world: plan.world,
    rate: request.rate,
    isEmptyNull: request.tombstone === true,
  })
  const stops = new Stops(context)
  const beganMs = performance.now()
  live.start(() => ledger.progress(performance.now() - beganMs))
  const pumped = await pump(plan.source, sender, stops)
  // What was sent is delivered or given up, each record within its own time. An interrupt waits for at most 5 s.
  if (!stops.isInterrupted) await Promise.race([producer.flush(), stops.interrupted])
  await producer.close()
  stops.release()
  live.stop()
  ledger.summarise(performance.now() - beganMs)
  if (stops.isInterrupted) return exitCode.interrupted
  const { stdoutError } = stops
  // Nobody reads the list of what was promised any more: that is no failure only if there was nothing more to promise.
  if (stdoutError !== undefined && pumped === 'stopped') throw stdoutFailed(stdoutError, `nothing was sent after ${sender.lastName}`)
  if (stdoutError !== undefined && !isReaderGone(stdoutError)) throw stdoutFailed(stdoutError)
  if (pumped instanceof StreamError) throw pumped
  return ledger.failed > 0 ? exitCode.refused : exitCode.done
}

/** `oxbow produce`: what is on stdout with `-o json` is what the cluster has promised. */
export async function produce(context: CliContext, options: ClusterOptions, request: ProduceRequest): Promise<number> {
  const plan = planOf(context, request)
  for (const file of request.files) await checkFile(file)
  const client = await openClient(context, { ...options, timeoutMs: reachTimeoutMs(options) })
  try {
    return await run({ context, client, options, request, plan })
  } finally {
    await client.close()
  }
}
