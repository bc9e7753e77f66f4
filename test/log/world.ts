import { SimDisk } from '../../chaos/sim/disk.ts'
import type { Clock, Timer } from '../../src/base/clock.ts'
import type { Disk } from '../../src/base/disk.ts'
import type { Done } from '../../src/base/done.ts'
import type { Logger } from '../../src/base/log-line.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { type LogDirectoryOptions, openLogDirectory } from '../../src/log/log-directory.ts'
import type { Log, LogDirectory, LogMarks, OpenedLog } from '../../src/log/surface.ts'
import { BATCH_HEADER_BYTES, type BatchHeader, readBatchHeader, sealBatch, writeBatchHeader } from '../../src/record/batch.ts'

/** Simulated time: events by (time, sequence), run until nothing is left or a condition holds. */
export class TestClock implements Clock {
  #nowMs = 0
  #sequence = 0
  #events: { readonly atMs: number; readonly sequence: number; callback: (() => void) | undefined }[] = []

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  after(delayMs: number, callback: () => void): Timer {
    const event = { atMs: this.#nowMs + delayMs, sequence: this.#sequence++, callback: callback as (() => void) | undefined }
    let at = this.#events.length
    while (
      at > 0 &&
      (this.#events[at - 1]!.atMs > event.atMs || (this.#events[at - 1]!.atMs === event.atMs && this.#events[at - 1]!.sequence > event.sequence))
    )
      at--
    this.#events.splice(at, 0, event)
    return { cancel: () => (event.callback = undefined) }
  }

  defer(callback: () => void): void {
    this.after(0, callback)
  }

  /** Runs one event. False: there is none. */
  step(): boolean {
    const event = this.#events.shift()
    if (event === undefined) return false
    this.#nowMs = event.atMs
    event.callback?.()
    return true
  }

  run(): void {
    while (this.step());
  }

  /** Runs until the call completed; throws its error. */
  wait<T>(start: (done: Done<T>) => void): T {
    let outcome: { error: Error | undefined; value: T } | undefined
    start((error, value) => {
      outcome = { error, value }
    })
    while (outcome === undefined) if (!this.step()) throw new Error('nothing is under way, and the call did not complete')
    if (outcome.error !== undefined) throw outcome.error
    return outcome.value
  }

  waitVoid(start: (done: (error: Error | undefined) => void) => void): void {
    this.wait<undefined>((done) => start((error) => done(error, undefined)))
  }
}

export interface LogLine {
  readonly level: string
  readonly message: string
}

export function testLogger(lines: LogLine[]): Logger {
  const write = (level: string) => (_: unknown, message: string) => void lines.push({ level, message })
  const logger: Logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), child: () => logger }
  return logger
}

interface BatchOptions {
  readonly count?: number
  readonly epoch?: number
  readonly payload?: Buffer | number
  readonly timestampMs?: number
}

/** One sealed batch of `count` records; the payload is any bytes, for the log does not look inside. */
export function batch(options: BatchOptions & { readonly baseOffset?: number }): Buffer {
  const payload = typeof options.payload === 'number' ? Buffer.alloc(options.payload, options.baseOffset ?? 7) : (options.payload ?? Buffer.from('payload'))
  const { baseOffset = 0, count = 1, epoch = 0, timestampMs = 0 } = options
  const bytes = Buffer.concat([Buffer.alloc(BATCH_HEADER_BYTES), payload])
  writeBatchHeader(bytes, 0, {
    baseOffset,
    lastOffset: baseOffset + count - 1,
    sizeBytes: bytes.length,
    leaderEpoch: epoch,
    attributes: 0,
    baseTimestamp: timestampMs,
    maxTimestamp: timestampMs,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    recordCount: count,
  })
  sealBatch(bytes)
  return bytes
}

export interface Said {
  readonly type: 'synced' | 'failed'
  readonly log: string
  readonly endOffset: number
  readonly cutCount: number
}

/** One simulated machine and the process on it. */
export class World {
  readonly clock = new TestClock()
  readonly random: SeededRandom
  readonly said: Said[] = []
  readonly lines: LogLine[] = []
  disk: SimDisk
  directory: LogDirectory | undefined
  /** Called with each event. */
  onSaid: ((said: Said, log: Log) => void) | undefined
  readonly #settings: Partial<LogDirectoryOptions>

  constructor(settings: Partial<LogDirectoryOptions> = {}, seed = 1) {
    this.#settings = settings
    this.random = new SeededRandom(seed)
    this.disk = new SimDisk({ clock: this.clock, random: this.random.fork('disk'), minLatencyMs: 0.1, maxLatencyMs: 2 })
  }

  /** A fresh process on the disk. */
  start(wrap: (disk: Disk) => Disk = (disk) => disk): LogDirectory {
    this.disk = this.disk.reopen()
    const say = (said: Said, log: Log): void => {
      this.said.push(said)
      this.onSaid?.(said, log)
    }
    const options: LogDirectoryOptions = {
      disk: wrap(this.disk),
      clock: this.clock,
      logger: testLogger(this.lines),
      segmentBytes: 1024 * 1024,
      indexIntervalBytes: 256,
      tailCacheBytes: 8 * 1024 * 1024,
      events: {
        synced: (log, endOffset, cutCount) => say({ type: 'synced', log: log.name, endOffset, cutCount }, log),
        failed: (log) => say({ type: 'failed', log: log.name, endOffset: log.endOffset, cutCount: log.cutCount }, log),
      },
      ...this.#settings,
    }
    this.directory = this.clock.wait<LogDirectory>((done) => openLogDirectory(options, done))
    return this.directory
  }

  open(name: string, marks: Partial<LogMarks> = {}, visit: (header: BatchHeader) => void = () => undefined, visitFrom = 0): OpenedLog {
    const all = { safeEndOffset: 0, cleanEndOffset: -1, ...marks }
    return this.clock.wait<OpenedLog>((done) => this.directory!.openLog({ name, marks: all, visitFrom, visit }, done))
  }

  close(): ReadonlyMap<string, number> {
    return this.clock.wait<ReadonlyMap<string, number>>((done) => this.directory!.close(done))
  }

  read(log: Log, offset: number, maxBytes = 1024 * 1024): Buffer {
    return Buffer.concat(this.clock.wait<readonly Buffer[]>((done) => log.read(offset, maxBytes, done)))
  }

  /** All batches that hold served offsets, in reads of at most `maxBytes`. */
  readAll(log: Log, maxBytes = 1024 * 1024): Buffer {
    const seen: Buffer[] = []
    for (let offset = log.startOffset; offset < log.endOffset; offset = headersOf(seen.at(-1)!).at(-1)!.lastOffset + 1) {
      seen.push(this.read(log, offset, maxBytes))
    }
    return Buffer.concat(seen)
  }

  advance(log: Log, offset: number): void {
    this.clock.waitVoid((done) => log.advanceStart(offset, done))
  }

  /** Names of a log's files as a process sees them. */
  fileNames(name: string): string[] {
    return [...this.clock.wait<readonly string[]>((done) => this.disk.list(name, done))]
  }
}

export function append(log: Log, options: BatchOptions = {}): Buffer {
  const bytes = batch({ baseOffset: log.endOffset, ...options })
  log.appendAsLeader(bytes, { baseOffset: log.endOffset, leaderEpoch: options.epoch ?? 0 })
  return bytes
}

/** Splits a buffer of whole batches. */
export function headersOf(bytes: Buffer): BatchHeader[] {
  const headers: BatchHeader[] = []
  for (let at = 0; at < bytes.length; at += headers.at(-1)!.sizeBytes) headers.push(readBatchHeader(bytes, at))
  return headers
}
