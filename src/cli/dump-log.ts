import { basename, join } from 'node:path'
import { DAMAGED_NOTE, parseDamagedNote } from '../log/damaged-note.ts'
import { DumpScan, type DumpedBatch } from '../log/dump-scan.ts'
import { IndexAudit } from '../log/index-audit.ts'
import { decodeLogStart, LOG_START_NOTE, unmovedStart } from '../log/log-start.ts'
import { segmentFileName } from '../log/segment.ts'
import { snapshotFileName, type SnapshotName } from '../log/snapshot-files.ts'
import { METADATA_LOG } from '../log/surface.ts'
import { loadCodecsOf } from '../node/dump-contents.ts'
import type { CliContext, OutputFormat } from './context.ts'
import { counted } from './counted.ts'
import { type DumpTarget, findTargets, ReadOnlyFile, readIfThere } from './dump-files.ts'
import { dumpSnapshot, type SnapshotReport } from './dump-snapshot.ts'
import { batchJson, batchLines, type Shown } from './dump-text.ts'
import { exitCode } from './failure.ts'
import { LineWriter } from './line-writer.ts'

export interface DumpRequest {
  readonly path: string
  /** First offset shown, of the records; of batches, that which holds it. */
  readonly from: number
  /** Exclusive. */
  readonly to: number
  readonly records: boolean
}

const WINDOW_BYTES = 1024 * 1024

/** What one segment file holds. `problems`: sentences, with the byte where it matters. */
interface SegmentReport {
  readonly file: string
  readonly baseOffset: number
  readonly endOffset: number
  readonly sizeBytes: number
  readonly batches: number
  readonly records: number
  readonly problems: readonly string[]
}

interface LogReport {
  readonly log: string
  /** null: the path names one file, and not where its log begins. */
  readonly startOffset: number | null
  readonly endOffset: number
  readonly segments: readonly SegmentReport[]
  readonly snapshots: readonly SnapshotReport[]
  /** Of the log as a whole. */
  readonly problems: readonly string[]
}

/** Reads one log after the other and says what it finds as it goes. */
class Dump {
  readonly #request: DumpRequest
  readonly #output: OutputFormat
  readonly #writer: LineWriter
  readonly #isLive: boolean

  constructor(context: CliContext, request: DumpRequest, options: { readonly output: OutputFormat; readonly isLive: boolean }) {
    this.#request = request
    this.#output = options.output
    this.#writer = new LineWriter(context.stdout)
    this.#isLive = options.isLive
  }

  async log(target: DumpTarget): Promise<LogReport> {
    const problems: string[] = []
    const startNote = target.isWhole ? await readIfThere(join(target.folder, LOG_START_NOTE)) : undefined
    const noted = startNote === undefined ? undefined : decodeLogStart(startNote)
    const start = noted === undefined ? unmovedStart : noted === 'unreadable' ? undefined : noted.start
    if (start === undefined) problems.push(`the note ${LOG_START_NOTE} cannot be read`)
    const damaged = target.isWhole ? await readIfThere(join(target.folder, DAMAGED_NOTE)) : undefined
    if (damaged !== undefined) problems.push(`it is marked damaged: ${parseDamagedNote(damaged.toString()).reason}`)
    const baseOffset = target.isWhole ? start?.baseOffset : target.segments[0]
    const bases = target.segments.filter((base) => base >= (baseOffset ?? 0))
    const leftovers = target.segments.length - bases.length
    if (leftovers > 0) this.#say(`log ${target.name}: ${leftovers} segments below its start are left over; they go when the node starts`)
    const segments: SegmentReport[] = []
    let endOffset = baseOffset ?? bases[0] ?? 0
    let lastEpoch = -1
    for (const [at, base] of bases.entries()) {
      if (base !== endOffset) problems.push(`a segment begins at offset ${base} where ${endOffset} should be`)
      const nextBase = bases[at + 1]
      if (base >= this.#request.to || (nextBase !== undefined && nextBase <= this.#request.from)) {
        endOffset = nextBase ?? base
        lastEpoch = -1
        continue
      }
      const read = await this.#segment(target, base, { lastEpoch, isLast: nextBase === undefined })
      segments.push(read.report)
      endOffset = read.report.endOffset
      lastEpoch = read.lastEpoch
    }
    const startOffset = target.isWhole ? (start?.startOffset ?? bases[0] ?? 0) : null
    const isCutShort = bases.length > 0 && (bases.at(-1) as number) >= this.#request.to
    if (startOffset !== null && endOffset < startOffset && !isCutShort) {
      if (bases.length === 0 && start?.baseOffset === startOffset) endOffset = startOffset
      else problems.push(`it ends at offset ${endOffset}, below its start at ${startOffset}`)
    }
    const snapshots: SnapshotReport[] = []
    for (const name of target.snapshots) snapshots.push(...(await this.#snapshot(target, name)))
    const isReached = startOffset === null || snapshots.some((snapshot) => snapshot.endOffset >= startOffset && snapshot.problems.length === 0)
    if (basename(target.folder) === METADATA_LOG && startOffset !== 0 && !isReached)
      problems.push(`it begins at offset ${startOffset}, and no snapshot that reaches that is whole`)
    const report = { log: target.name, startOffset, endOffset, segments, snapshots, problems }
    if (target.isWhole || snapshots.length === 0) this.#verdict(report)
    return report
  }

  /** Its batches are shown when it was named. */
  async #snapshot(target: DumpTarget, name: SnapshotName): Promise<SnapshotReport[]> {
    const shown: Shown | undefined = this.#request.records ? { from: 0, to: Number.MAX_SAFE_INTEGER, as: 'decisions' } : undefined
    const report = await dumpSnapshot(join(target.folder, snapshotFileName(name)), name, {
      batch: (batch) => {
        if (!target.isWhole) this.#write(target, batch, shown)
      },
      pause: () => this.#writer.whenTaken(),
    })
    if (report === undefined) return []
    for (const problem of report.problems) this.#say(`  wrong: ${problem}`)
    const holds = `offsets 0 to ${report.endOffset}, term ${report.lastTerm}, ${counted(report.records, 'record')}, ${report.sizeBytes} bytes`
    this.#say(`snapshot ${snapshotFileName(name)}: ${holds}: ${verdictOf(report.problems.length)}`)
    return [report]
  }

  async #segment(
    target: DumpTarget,
    baseOffset: number,
    place: { readonly lastEpoch: number; readonly isLast: boolean },
  ): Promise<{ readonly report: SegmentReport; readonly lastEpoch: number }> {
    const path = join(target.folder, segmentFileName(baseOffset))
    const file = await ReadOnlyFile.open(path)
    try {
      const { sizeBytes } = file
      const scan = new DumpScan({ baseOffset, lastEpoch: place.lastEpoch, sizeBytes })
      const index = await readIfThere(path.replace(/log$/, 'index'))
      const timeIndex = await readIfThere(path.replace(/log$/, 'timeindex'))
      const audit = new IndexAudit({ baseOffset, sizeBytes }, { index, timeIndex })
      this.#say(`segment ${path}`)
      const counts = await this.#batches(target, file, scan, audit)
      // Of a running node the end may be on its way, and indexes are written while they are read.
      const isGrowing = this.#isLive && place.isLast
      const ofIndexes = isGrowing ? [] : audit.finish({ baseOffset, endOffset: scan.endOffset, sizeBytes })
      const ofBatches = scan.problems.filter(({ position }) => !(isGrowing && position >= sizeBytes - scan.unreadBytes))
      const problems = [...ofBatches.map(({ position, message }) => `at byte ${position}: ${message}`), ...ofIndexes]
      const report = { file: path, baseOffset, endOffset: scan.endOffset, sizeBytes, ...counts, problems }
      for (const problem of problems) this.#say(`  wrong: ${problem}`)
      const range = `offsets ${baseOffset} to ${scan.endOffset}, ${counts.batches === 1 ? '1 batch' : `${counts.batches} batches`}, ${counted(counts.records, 'record')}, ${sizeBytes} bytes`
      this.#say(`segment ${segmentFileName(baseOffset)}: ${range}: ${verdictOf(problems.length)}`)
      return { report, lastEpoch: scan.lastEpoch }
    } finally {
      await file.close()
    }
  }

  async #batches(target: DumpTarget, file: ReadOnlyFile, scan: DumpScan, audit: IndexAudit): Promise<{ readonly batches: number; readonly records: number }> {
    const counts = { batches: 0, records: 0 }
    let shown: DumpedBatch[] = []
    const visit = (batch: DumpedBatch): void => {
      counts.batches++
      counts.records += batch.header.recordCount
      audit.batch(batch.header, batch.position)
      const { baseOffset, lastOffset } = batch.header
      if (lastOffset >= this.#request.from && baseOffset < this.#request.to) shown.push(batch)
    }
    for (let neededBytes = 1; neededBytes > 0; ) {
      const { position } = scan
      const window = await file.read(position, Math.max(WINDOW_BYTES, neededBytes))
      neededBytes = scan.feed(window, visit)
      if (this.#request.records) await loadCodecsOf(shown)
      for (const batch of shown) this.#batch(target, batch)
      shown = []
      // The file became shorter under us: a running node cut it.
      if (neededBytes > window.length && window.length < file.sizeBytes - position) break
      await this.#writer.whenTaken()
    }
    return counts
  }

  #batch(target: DumpTarget, batch: DumpedBatch): void {
    const { from, to, records } = this.#request
    const shown: Shown | undefined = records ? { from, to, as: basename(target.folder) === METADATA_LOG ? 'decisions' : 'records' } : undefined
    this.#write(target, batch, shown)
  }

  #write(target: DumpTarget, batch: DumpedBatch, shown: Shown | undefined): void {
    if (this.#output === 'json') this.#writer.write(`${JSON.stringify({ type: 'batch', log: target.name, ...batchJson(batch, shown) })}\n`)
    else this.#writer.write(batchLines(batch, shown))
  }

  #verdict(report: LogReport): void {
    const { log, startOffset, endOffset, segments, problems } = report
    for (const problem of problems) this.#say(`  wrong: ${problem}`)
    this.#say(
      `log ${log}: ${startOffset === null ? '' : `start ${startOffset}, `}end ${endOffset}, ${counted(segments.length, 'segment')} read: ${verdictOf(problemCount(report))}`,
    )
  }

  #say(line: string): void {
    if (this.#output === 'table') this.#writer.write(`${line}\n`)
  }

  finish(logs: readonly LogReport[]): void {
    if (this.#output === 'json') {
      const segments = logs.flatMap((log) => log.segments)
      const problems = logs.reduce((sum, log) => sum + problemCount(log), 0)
      const [batches, records] = [segments.reduce((sum, one) => sum + one.batches, 0), segments.reduce((sum, one) => sum + one.records, 0)]
      this.#writer.write(`${JSON.stringify({ type: 'summary', ok: problems === 0, problems, batches, records, logs })}\n`)
    }
    this.#writer.flush()
  }
}

function problemCount({ problems, segments, snapshots }: LogReport): number {
  return [...segments, ...snapshots].reduce((sum, file) => sum + file.problems.length, problems.length)
}

function verdictOf(problems: number): string {
  return problems === 0 ? 'good' : problems === 1 ? 'one thing is wrong' : `${problems} things are wrong`
}

/** Reads logs offline, and never writes. Exit 1 when anything is wrong. */
export async function dumpLog(context: CliContext, request: DumpRequest, output: OutputFormat): Promise<number> {
  const { logs, holderPid } = await findTargets(request.path)
  if (holderPid !== undefined) context.stderr.write(`notice: process ${holderPid} uses this folder: what it writes meanwhile may be missing at the end\n`)
  const dump = new Dump(context, request, { output, isLive: holderPid !== undefined })
  const reports: LogReport[] = []
  for (const target of logs) reports.push(await dump.log(target))
  dump.finish(reports)
  const isWrong = reports.some((log) => problemCount(log) > 0)
  return isWrong ? exitCode.refused : exitCode.done
}
