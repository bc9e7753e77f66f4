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
 * the line for anything else that is none, and when a return does not belong to a call.
 */
export function readRegisters(path: string): ReadonlyMap<string, readonly RegisterOperation[]> {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const events: RegisterEvent[] = []
  for (const [at, line] of text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .entries()) {
    const event = parse(line)
    if (line === '') continue
    if (event === undefined) throw new HistoryError(`${path}, line ${at + 1}: nothing that a register does`)
    events.push(event)
  }
  return registersOf(events)
}

type RegisterCall = Extract<RegisterEvent, { readonly type: 'call' }>
type RegisterReturn = Exclude<RegisterEvent, RegisterCall>

/** The operations of each register. Throws a HistoryError when a return does not belong to a call. */
export function registersOf(events: Iterable<RegisterEvent>): ReadonlyMap<string, readonly RegisterOperation[]> {
  const calls = new Map<number, { readonly call: RegisterCall; returned?: RegisterReturn }>()
  for (const event of events) {
    const before = calls.get(event.id)
    if (event.type === 'call') {
      if (before !== undefined) throw new HistoryError(`id ${event.id} is called twice: each call has an id of its own`)
      calls.set(event.id, { call: event })
    } else {
      if (before === undefined) throw new HistoryError(`id ${event.id} returns what was never called`)
      if (before.returned !== undefined) throw new HistoryError(`id ${event.id} returns twice`)
      requireReturnOf(before.call, event)
      before.returned = event
    }
  }
  const registers = new Map<string, RegisterOperation[]>()
  for (const { call, returned } of calls.values()) {
    if (returned?.type === 'fail') continue
    const operations = registers.get(call.register) ?? []
    registers.set(call.register, operations)
    operations.push({ type: call.f, value: (returned ?? call).value, calledAt: call.time, returnedAt: returned?.time ?? Infinity })
  }
  return registers
}

function requireReturnOf({ id, f, value, time }: RegisterCall, returned: RegisterReturn): void {
  if (returned.type === 'fail') return
  if (returned.time < time) throw new HistoryError(`id ${id} is called at ${time} and returns at ${returned.time}, which is before`)
  if (f === 'write' && returned.value !== value)
    throw new HistoryError(`id ${id} is called to write ${JSON.stringify(value)} and returns ${JSON.stringify(returned.value)}`)
}

/** Undefined: it is none. */
function parse(line: string): RegisterEvent | undefined {
  try {
    const event = JSON.parse(line) as Readonly<Record<string, unknown>>
    const { type, id, register, f, value, time } = event
    if (!Number.isSafeInteger(id)) return undefined
    const isTimed = (value === null || typeof value === 'string') && Number.isFinite(time)
    const isCall = type === 'call' && typeof register === 'string' && (f === 'read' || f === 'write')
    return type === 'fail' || (isTimed && (isCall || type === 'ok')) ? (event as RegisterEvent) : undefined
  } catch {
    return undefined
  }
}
