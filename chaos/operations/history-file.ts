import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { formatEdn, parseEdn } from './edn.ts'
import { HistoryError } from './history-error.ts'
import type { Operation } from './operation.ts'
import { validateOperation } from './validate.ts'

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
 * Reads a whole history. A last line without its end, or that says nothing yet, was being written when the writer died: it is left out.
 * Throws a HistoryError that names the line for anything else that is no operation.
 */
export async function readHistory(path: string): Promise<Operation[]> {
  const parse = path.endsWith('.edn') ? parseEdn : parseJson
  const operations: Operation[] = []
  let lineNumber = 0
  let failed: HistoryError | undefined
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (failed !== undefined) throw failed
    lineNumber++
    try {
      const operation = line.trim() === '' ? undefined : parse(line)
      if (operation !== undefined) operations.push(operation)
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error
      failed = new HistoryError(`${path}, line ${lineNumber}: ${error.message}`)
    }
  }
  if (failed !== undefined && operations.length === 0) throw failed
  return operations
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
