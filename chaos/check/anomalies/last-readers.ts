import type { Key } from '../../operations/operation.ts'
import type { Call } from './calls.ts'
import type { Facts } from './facts.ts'

/** The first thing that a process polled of a key after it had gone to its beginning. */
export interface FirstRead {
  readonly key: Key
  readonly index: number
  readonly call: Call
}

/** What a process polled of a key since it went to its beginning. */
interface KeyReading {
  readonly beganAt: number
  hasBegun: boolean
  /** The greatest index; -1: nothing. */
  furthest: number
  /** Since then a poll returned nothing at all. */
  isExhausted: boolean
}

interface Process {
  readonly readings: Map<Key, KeyReading>
  /** It has polled since it was assigned anything, and what it did last went well. */
  isWell: boolean
}

/**
 * Who went to the beginning of a key, and how far those came who did so once all sends to it were over and polled until all was done: what such
 * a process did last went well, and nothing that began since then is under way. A harness that was killed, or broken off, leaves one or the other.
 */
export class LastReaders {
  readonly firstReads: FirstRead[] = []
  readonly #furthest = new Map<Key, number>()
  readonly #exhausted = new Set<Key>()

  constructor(facts: Facts) {
    const processes = new Map<number, Process>()
    for (const call of facts.calls) {
      if (call.node !== undefined) continue
      const process = processes.get(call.process) ?? { readings: new Map<Key, KeyReading>(), isWell: false }
      processes.set(call.process, process)
      if (call.f === 'assign' || call.f === 'subscribe') assign(process, call)
      else this.#poll(facts, process, call)
    }
    const { lastSends, lastOpen } = ends(facts)
    for (const { readings, isWell } of processes.values()) {
      if (!isWell) continue
      for (const [key, { beganAt, furthest, isExhausted }] of readings) {
        const lastSend = lastSends.get(key) ?? -1
        if (beganAt < lastSend || lastOpen > lastSend) continue
        this.#furthest.set(key, Math.max(this.#furthest.get(key) ?? -1, furthest))
        if (isExhausted) this.#exhausted.add(key)
      }
    }
  }

  has(key: Key): boolean {
    return this.#furthest.has(key)
  }

  /** The greatest index that any last reader polled; -1: none polled anything. Undefined: none polled until nothing came any more. */
  endOf(key: Key): number | undefined {
    return this.#exhausted.has(key) ? this.#furthest.get(key) : undefined
  }

  #poll(facts: Facts, process: Process, call: Call): void {
    process.isWell = call.outcome === 'ok' && (call.f === 'poll' || call.f === 'txn' || process.isWell)
    if (call.f === 'poll' && call.outcome === 'ok' && call.reads.every(({ from, to }) => from === to))
      for (const reading of process.readings.values()) reading.isExhausted = true
    for (const { key, from, to } of call.reads) {
      const reading = process.readings.get(key)
      if (reading === undefined || from === to) continue
      const log = facts.log(key)
      if (!reading.hasBegun) this.firstReads.push({ key, index: facts.indexOfRead(log, from), call })
      reading.hasBegun = true
      reading.isExhausted = false
      if (call.outcome === 'ok') reading.furthest = Math.max(reading.furthest, facts.indexOfRead(log, to - 1))
    }
  }
}

function assign({ readings }: Process, call: Call): void {
  if (call.outcome === 'fail') return
  for (const key of readings.keys()) if (call.seeksToBeginning || !call.keys.includes(key)) readings.delete(key)
  if (call.outcome !== 'ok' || call.f !== 'assign' || !call.seeksToBeginning) return
  for (const key of call.keys) readings.set(key, { beganAt: call.invokedAt, hasBegun: false, furthest: -1, isExhausted: false })
}

/** When the last acknowledgement of each key came, and when the last call began that never ended; -1: there is none. */
function ends({ calls }: Facts): { readonly lastSends: ReadonlyMap<Key, number>; readonly lastOpen: number } {
  const lastSends = new Map<Key, number>()
  let lastOpen = -1
  for (const { outcome, sends, invokedAt, completedAt } of calls) {
    if (completedAt === Infinity) lastOpen = Math.max(lastOpen, invokedAt)
    if (outcome === 'ok') for (const { key } of sends) lastSends.set(key, Math.max(lastSends.get(key) ?? -1, completedAt))
  }
  return { lastSends, lastOpen }
}
