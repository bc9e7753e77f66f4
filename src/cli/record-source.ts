import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { BrokerError } from '../base/errors.ts'
import { MAX_RECORD_BYTES } from '../client/producer-options.ts'
import type { CliContext } from './context.ts'
import type { InputFormat, InputRecord } from './input-format.ts'
import { LineSplitter } from './lines.ts'
import { filling, type Template, type TemplateWorld } from './template.ts'

/** Something to send, or what is wrong with it. `name`: what the user knows it by. */
export type Draft =
  | { readonly type: 'record'; readonly name: string; readonly record: InputRecord }
  | { readonly type: 'fault'; readonly name: string; readonly error: BrokerError }

/** Records to send, some at a time. What it throws broke the input. */
export type RecordSource = AsyncGenerator<readonly Draft[], void, undefined>

const READ_BYTES = 256 * 1024
const TEMPLATES_AT_ONCE = 256

export function isStdin(file: string | undefined): file is undefined | '-' {
  return file === undefined || file === '-'
}

function inputOf(context: CliContext, file: string | undefined): AsyncIterable<Buffer | string> {
  return isStdin(file) ? context.stdin : createReadStream(file, { highWaterMark: READ_BYTES })
}

function draftOf(name: string, line: Buffer, format: InputFormat): Draft {
  try {
    return { type: 'record', name, record: format.parse(line) }
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return { type: 'fault', name, error }
  }
}

/** One file after the other, or stdin without any; the lines are counted through all of them. */
export async function* lineSource(context: CliContext, files: readonly string[], format: InputFormat): RecordSource {
  let number = 0
  const drafts = (lines: readonly Buffer[]): Draft[] => lines.map((line) => draftOf(`line ${++number}`, line, format))
  for (const file of files.length === 0 ? [undefined] : files) {
    const splitter = new LineSplitter(format.delimiter)
    for await (const chunk of inputOf(context, file)) yield drafts(splitter.feed(typeof chunk === 'string' ? Buffer.from(chunk) : chunk))
    yield drafts(splitter.end())
  }
}

/** Each file is one record, whatever is in it. */
export async function* fileSource(files: readonly string[]): RecordSource {
  for (const name of files) {
    const { size } = await stat(name)
    // No cluster takes it, so it is not read either.
    if (size > MAX_RECORD_BYTES) yield [{ type: 'fault', name, error: new BrokerError('MESSAGE_TOO_LARGE', `${size} bytes are too much for one record`) }]
    else yield [{ type: 'record', name, record: { key: null, value: await readFile(name) } }]
  }
}

export interface TemplateOptions {
  readonly template: Template
  readonly world: TemplateWorld
  /** Values are filled up to so many bytes. */
  readonly sizeBytes: number
}

/** Records made up, without end. */
export async function* templateSource({ template, world, sizeBytes }: TemplateOptions): RecordSource {
  for (let first = 1; ; first += TEMPLATES_AT_ONCE) {
    yield Array.from({ length: TEMPLATES_AT_ONCE }, (_, index) => {
      const number = first + index
      const text = template(number, world)
      const value = Buffer.from(text + filling(world.random, sizeBytes - Buffer.byteLength(text)))
      return { type: 'record', name: `record ${number}`, record: { key: null, value } } as const
    })
    // A buffer with room would let nothing else have its turn.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The first `count` of them. */
export async function* limited(source: RecordSource, count: number): RecordSource {
  let left = count
  for await (const drafts of source) {
    yield drafts.slice(0, left)
    left -= drafts.length
    if (left <= 0) return
  }
}
