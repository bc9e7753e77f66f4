import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs'
import type { SeedLine } from './seed-line.ts'

/** What is known of a seed, and of which commit. */
export interface RunLine extends SeedLine {
  readonly commit: string
}

/** A file that is none of a run; one sentence. */
export class RunFileError extends Error {
  override readonly name = 'RunFileError'
}

/** What each line begins with. */
const BEGINNING = '{"seed":'

/**
 * A run that goes on over days and machines, as a file: a line of JSON a seed, appended when the seed is done. The last line of a seed counts. Files of
 * several machines can be put behind one another.
 */
export class RunFile {
  readonly #path: string
  readonly #commit: string
  readonly #lines: Map<string, RunLine>

  /** `commit`: what seeds are run with from now on. The file need not be there yet. Throws RunFileError when it is another one. */
  constructor(path: string, commit: string) {
    this.#path = path
    this.#commit = commit
    const { lines, wholeBytes, sizeBytes } = existsSync(path) ? readLines(path) : { lines: new Map<string, RunLine>(), wholeBytes: 0, sizeBytes: 0 }
    this.#lines = lines
    if (wholeBytes < sizeBytes) truncateSync(path, wholeBytes)
  }

  get lines(): readonly RunLine[] {
    return [...this.#lines.values()]
  }

  /** What held is done. What failed is tried again with another commit. */
  isDone(seed: number, faultPhaseMs: number): boolean {
    const known = this.#lines.get(keyOf({ seed, faultPhaseMs }))
    return known !== undefined && (known.violation === null || known.commit === this.#commit)
  }

  add(line: SeedLine): void {
    const runLine: RunLine = { ...line, commit: this.#commit }
    appendFileSync(this.#path, `${JSON.stringify(runLine)}\n`)
    this.#lines.set(keyOf(runLine), runLine)
  }
}

/** The last line of each seed. Throws RunFileError when there is no such file, or it is another one. */
export function readRunLines(path: string): readonly RunLine[] {
  if (!existsSync(path)) throw new RunFileError(`there is no file ${path}`)
  return [...readLines(path).lines.values()]
}

function keyOf({ seed, faultPhaseMs }: Pick<SeedLine, 'seed' | 'faultPhaseMs'>): string {
  return `${seed} ${faultPhaseMs}`
}

/** A last line that a crash left unfinished, or that is being written, is passed over. */
function readLines(path: string): { readonly lines: Map<string, RunLine>; readonly wholeBytes: number; readonly sizeBytes: number } {
  const bytes = readFileSync(path)
  const wholeBytes = bytes.lastIndexOf('\n') + 1
  const lines = new Map<string, RunLine>()
  for (const [at, text] of bytes.toString('utf8', 0, wholeBytes).split('\n').slice(0, -1).entries()) {
    const line = parseLine(text)
    if (line === undefined) throw new RunFileError(`line ${at + 1} of ${path} is none of a run of the simulator`)
    lines.set(keyOf(line), line)
  }
  const unfinished = bytes.toString('utf8', wholeBytes, wholeBytes + BEGINNING.length)
  if (!BEGINNING.startsWith(unfinished)) throw new RunFileError(`the last line of ${path} is none of a run of the simulator`)
  return { lines, wholeBytes, sizeBytes: bytes.length }
}

function parseLine(text: string): RunLine | undefined {
  let read: Partial<RunLine> | null
  try {
    read = JSON.parse(text) as Partial<RunLine> | null
  } catch {
    return undefined
  }
  const isNumbered = typeof read?.seed === 'number' && typeof read.faultPhaseMs === 'number' && typeof read.cpuMs === 'number'
  const isWhole = isNumbered && typeof read?.commit === 'string' && Array.isArray(read.faults) && Array.isArray(read.situations)
  return isWhole ? (read as RunLine) : undefined
}
