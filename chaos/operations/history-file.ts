import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { formatEdn, parseEdn } from './edn.ts'
import { HistoryError } from './history-error.ts'
import type { Operation } from './operation.ts'
import { validateOperation } from './validate.ts'

const CHUNK_BYTES = 256 * 1024

/** A history on disk while it happens, a line an operation: whoever writes it may be killed, and what was noted is there. */
export class HistoryWriter {
  readonly #file: number
  readonly #format: (operation: Operation) => string
  #next = 0

  /** `path` ends in .edn for Clojure's notation, otherwise lines are JSON. An existing file is not overwritten (EEXIST). */
  constructor(path: string) {
    this.#file = openSync(path, 'wx')
    this.#format = path.endsWith('.edn') ? formatEdn : JSON.stringify
  }

  /** Returns what was noted: the next index is given here. */
  add(operation: Omit<Operation, 'index'>): Operation {
    const noted = { index: this.#next++, ...operation }
    writeSync(this.#file, `${this.#format(noted)}\n`)
    return noted
  }

  close(): void {
    closeSync(this.#file)
  }
}

/**
 * Reads a history, an operation after the other. A last line without its end, the newline, was being written when the writer died: it is left out
 * where it says nothing yet. Throws a HistoryError that names the line for anything else that is no operation.
 */
export async function* readHistory(path: string): AsyncGenerator<Operation, void, undefined> {
  const parse = path.endsWith('.edn') ? parseEdn : parseJson
  let lineNumber = 0
  let operations = 0
  for await (const line of readLines(path)) {
    lineNumber++
    try {
      const operation = line.trim() === '' ? undefined : parse(line)
      if (operation === undefined) continue
      operations++
      yield operation
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error
      if (!line.endsWith('\n') && operations > 0) return
      throw new HistoryError(`${path}, line ${lineNumber}: ${error.message}`)
    }
  }
}

/** Each with its newline; without one: the last, which is not whole. */
async function* readLines(path: string): AsyncGenerator<string, void, undefined> {
  let rest = ''
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: CHUNK_BYTES })) {
    const text = rest + chunk
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      yield text.slice(from, end + 1)
      from = end + 1
    }
    rest = text.slice(from)
  }
  if (rest !== '') yield rest
}

function parseJson(line: string): Operation {
  let input: unknown
  try {
    input = JSON.parse(line)
  } catch {
    throw new HistoryError('not JSON')
  }
  return validateOperation(input)
}
