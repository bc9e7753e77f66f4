import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { RegisterOperation } from '../check/linearizable-register.ts'

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

/** On disk while it happens, as the history is. */
export class RegisterWriter {
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

/** The operations of each register. A file that is not there has none; a last line that was cut short is left out. */
export function readRegisters(path: string): ReadonlyMap<string, readonly RegisterOperation[]> {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const calls = new Map<number, Extract<RegisterEvent, { readonly type: 'call' }>>()
  const returns = new Map<number, Extract<RegisterEvent, { readonly type: 'ok' }>>()
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    if (line === '') continue
    const event = JSON.parse(line) as RegisterEvent
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
