import { HistoryError } from '../../operations/history-error.ts'
import { isMicroOperations, type Key, type MicroOperation, type Operation, type OperationKind, type Outcome, type Value } from '../../operations/operation.ts'
import { NumberList } from './number-list.ts'

export interface Sent {
  readonly key: Key
  readonly value: Value
  readonly offset: number | null
}

/** What a call polled of one key: `from` to below `to` in the table of what was read, in the order in which it came. */
export interface KeyRead {
  readonly key: Key
  readonly from: number
  readonly to: number
}

/** Offsets and values of all that was polled, in two columns: a history of a million operations has several millions of them. */
export class ReadTable {
  readonly #offsets = new NumberList()
  readonly #values = new NumberList()

  get length(): number {
    return this.#offsets.length
  }

  add(offset: number, value: Value): void {
    this.#offsets.push(offset)
    this.#values.push(value)
  }

  offsetAt(at: number): number {
    return this.#offsets.at(at)
  }

  valueAt(at: number): Value {
    return this.#values.at(at)
  }
}

/** An invocation and its completion as one. Without completion it is `info`, with what it was asked to send. */
export interface Call {
  /** Its place in the order of invocation. */
  readonly at: number
  readonly process: number
  readonly f: OperationKind
  readonly outcome: Outcome
  readonly invokedAt: number
  /** Infinity: never. Both are indexes of the history, which is in the order of what happened. */
  readonly completedAt: number
  readonly sends: readonly Sent[]
  readonly reads: readonly KeyRead[]
  /** Of assign and subscribe. */
  readonly keys: readonly Key[]
  readonly rebalanced: readonly Key[]
  readonly seeksToBeginning: boolean
  readonly node: number | undefined
}

const NOTHING_SENT: readonly Sent[] = []
const NOTHING_READ: readonly KeyRead[] = []
const NO_KEYS: readonly Key[] = []

/** Makes calls of operations, which may be forgotten once they are added. */
export class Calls {
  /** In the order of invocation. */
  readonly all: Call[] = []
  readonly reads = new ReadTable()
  readonly #open = new Map<number, { readonly at: number; readonly invoke: Operation }>()
  /** By process: where it ended unknown. What it did then may still be under way, so that it is nobody's past any more. */
  readonly #endedUnknown = new Map<number, number>()
  #last = -1

  static of(history: Iterable<Operation>): Calls {
    const calls = new Calls()
    for (const operation of history) calls.add(operation)
    return calls
  }

  /** Throws a HistoryError when it cannot follow what came before, or a completion is not one of what its process began. */
  add(operation: Operation): void {
    if (operation.index <= this.#last) throw new HistoryError(`index ${operation.index} comes after ${this.#last}`)
    this.#last = operation.index
    const before = this.#open.get(operation.process)
    if (operation.type === 'invoke') {
      if (before !== undefined) throw new HistoryError(`process ${operation.process} begins ${operation.index} and has not ended ${before.invoke.index}`)
      const unknownAt = this.#endedUnknown.get(operation.process)
      if (unknownAt !== undefined)
        throw new HistoryError(
          `process ${operation.process} begins ${operation.index} and has ended unknown at ${unknownAt}: whoever goes on is another process`,
        )
      this.#open.set(operation.process, { at: this.all.length, invoke: operation })
      this.all.push(this.#call(this.all.length, operation, undefined))
      return
    }
    if (before === undefined) throw new HistoryError(`process ${operation.process} ends at ${operation.index} what it never began`)
    const call = this.#call(before.at, before.invoke, operation)
    requireMatch(before.invoke, (this.all[before.at] as Call).sends, operation, call.sends)
    this.all[before.at] = call
    this.#open.delete(operation.process)
    // Copies of nodes are no clients: their end is not known where they are damaged.
    if (call.outcome === 'info' && call.node === undefined) this.#endedUnknown.set(call.process, operation.index)
  }

  #call(at: number, invoke: Operation, completion: Operation | undefined): Call {
    const { f, value, rebalanceLog } = completion ?? invoke
    const isMicro = isMicroOperations(value)
    return {
      at,
      process: invoke.process,
      f,
      outcome: completion === undefined || completion.type === 'invoke' ? 'info' : completion.type,
      invokedAt: invoke.index,
      completedAt: completion?.index ?? Infinity,
      sends: isMicro ? sendsOf(value) : NOTHING_SENT,
      reads: isMicro ? this.#keepReads(value) : NOTHING_READ,
      keys: isMicro ? NO_KEYS : (value as readonly Key[]),
      rebalanced: rebalanceLog?.flatMap(({ keys }) => keys) ?? NO_KEYS,
      seeksToBeginning: (completion ?? invoke).seekToBeginning ?? invoke.seekToBeginning ?? false,
      node: (completion ?? invoke).node ?? invoke.node,
    }
  }

  /** A transaction may poll a key twice: what it read of it is one row. */
  #keepReads(value: readonly MicroOperation[]): readonly KeyRead[] {
    const polls = value.flatMap((part) => (part[0] === 'poll' && part[1] !== undefined ? [part[1]] : []))
    if (polls.length === 0) return NOTHING_READ
    const keys = polls.length === 1 ? Object.keys(polls[0] as object) : [...new Set(polls.flatMap((polled) => Object.keys(polled)))]
    return keys.map((name) => {
      const key = Number(name)
      const from = this.reads.length
      for (const polled of polls) for (const [offset, read] of polled[key] ?? []) this.reads.add(offset, read)
      return { key, from, to: this.reads.length }
    })
  }
}

/**
 * Each kind of end has all that was to be sent, in that order: a value that only one of both has would be judged as one that nobody sent, or that
 * was never acknowledged. An ok end says where each lies, if only that this is not known (null).
 */
function requireMatch(invoke: Operation, asked: readonly Sent[], completion: Operation, ended: readonly Sent[]): void {
  const { process, index, type } = completion
  if (invoke.f !== completion.f) throw new HistoryError(`process ${process} begins ${invoke.f} at ${invoke.index} and ends ${completion.f} at ${index}`)
  for (let at = 0; at < Math.max(asked.length, ended.length); at++) {
    if (asked[at]?.key === ended[at]?.key && asked[at]?.value === ended[at]?.value) continue
    const [before, after] = [describeSent(asked[at]), describeSent(ended[at])]
    throw new HistoryError(`process ${process} sends ${before} where it begins at ${invoke.index}, and ${after} where it ends at ${index}`)
  }
  if (type !== 'ok' || ended.length === 0) return
  const unplaced = (completion.value as readonly MicroOperation[]).find((part) => part[0] === 'send' && typeof part[2] === 'number')
  if (unplaced !== undefined)
    throw new HistoryError(`process ${process} ends ok at ${index} with ${JSON.stringify(unplaced)}: its offset is missing, null if not known`)
}

function describeSent(sent: Sent | undefined): string {
  return sent === undefined ? 'nothing more' : `value ${sent.value} to key ${sent.key}`
}

function sendsOf(value: readonly MicroOperation[]): readonly Sent[] {
  let sends: Sent[] | undefined
  for (const part of value) {
    if (part[0] !== 'send') continue
    const [offset, sent] = typeof part[2] === 'number' ? [null, part[2]] : part[2]
    const one = { key: part[1], value: sent, offset }
    if (sends === undefined) sends = [one]
    else sends.push(one)
  }
  return sends ?? NOTHING_SENT
}
