import { closeSync, existsSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import type { RegisterOperation } from '../check/linearizable-register.ts'
import { HistoryError } from './history-error.ts'

const HEAD_BYTES = 1_024

/** What a client did with a register, a line each: it calls, and it may return. A call that does not return may have happened at any time since, or never. */
export type RegisterEvent =
  | {
      readonly type: 'call'
      readonly id: number
      readonly register: string
      readonly f: 'read' | 'write'
      readonly value: string | null
      readonly time: number
    }
  /** `value`: what was read, or written. */
  | { readonly type: 'ok'; readonly id: number; readonly value: string | null; readonly time: number }
  /** It surely did not happen. */
  | { readonly type: 'fail'; readonly id: number }

/** Where such a history goes. */
export interface RegisterSink {
  add(event: RegisterEvent): void
  close(): void
}

/** On disk while it happens, as the history is. */
export class RegisterWriter implements RegisterSink {
  readonly #file: number

  /** An existing file is not overwritten (EEXIST). */
  constructor(path: string) {
    this.#file = openSync(path, 'wx')
  }

  add(event: RegisterEvent): void {
    writeSync(this.#file, `${JSON.stringify(event)}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** Whether a file is such a history: its first line says so. */
export function isRegisterFile(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    const [line = ''] = head.toString('utf8', 0, readSync(file, head, 0, HEAD_BYTES, 0)).split('\n')
    return parse(line) !== undefined
  } finally {
    closeSync(file)
  }
}

/**
 * The operations of each register. A file that is not there has none; a last line that was cut short is left out. Throws a HistoryError that names
 * the line for anything else that is none.
 */
export function readRegisters(path: string): ReadonlyMap<string, readonly RegisterOperation[]> {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const events: RegisterEvent[] = []
  for (const [at, line] of text.slice(0, text.lastIndexOf('\n')).split('\n').entries()) {
    const event = parse(line)
    if (line === '') continue
    if (event === undefined) throw new HistoryError(`${path}, line ${at + 1}: nothing that a register does`)
    events.push(event)
  }
  return registersOf(events)
}

/** The operations of each register. */
export function registersOf(events: Iterable<RegisterEvent>): ReadonlyMap<string, readonly RegisterOperation[]> {
  const calls = new Map<number, Extract<RegisterEvent, { readonly type: 'call' }>>()
  const returns = new Map<number, Extract<RegisterEvent, { readonly type: 'ok' }>>()
  for (const event of events) {
    if (event.type === 'call') calls.set(event.id, event)
    else if (event.type === 'ok') returns.set(event.id, event)
    else calls.delete(event.id)
  }
  const registers = new Map<string, RegisterOperation[]>()
  for (const { id, register, f, value, time } of calls.values()) {
    const returned = returns.get(id)
    const operations = registers.get(register) ?? []
    registers.set(register, operations)
    operations.push({ type: f, value: returned?.value ?? value, calledAt: time, returnedAt: returned?.time ?? Infinity })
  }
  return registers
}

/** Undefined: it is none. */
function parse(line: string): RegisterEvent | undefined {
  try {
    const event = JSON.parse(line) as Readonly<Record<string, unknown>>
    const { type, id, register, f, value, time } = event
    if (!Number.isSafeInteger(id)) return undefined
    const isTimed = (value === null || typeof value === 'string') && typeof time === 'number'
    const isCall = type === 'call' && typeof register === 'string' && (f === 'read' || f === 'write')
    return type === 'fail' || (isTimed && (isCall || type === 'ok')) ? (event as RegisterEvent) : undefined
  } catch {
    return undefined
  }
}
