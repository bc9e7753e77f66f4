import { HistoryError } from '../../operations/history-error.ts'
import { isMicroOperations, type Key, type Operation, type OperationKind, type Outcome, type Value } from '../../operations/operation.ts'

export interface Sent {
  readonly key: Key
  readonly value: Value
  readonly offset: number | null
}

export type Reads = ReadonlyMap<Key, readonly (readonly [offset: number, value: Value])[]>

/** An invocation and its completion as one. Without completion it is `info`, with what it was asked to send. */
export interface Call {
  readonly process: number
  readonly f: OperationKind
  readonly outcome: Outcome
  readonly invokedAt: number
  /** Infinity: never. Both are indexes of the history, which is in the order of what happened. */
  readonly completedAt: number
  readonly sends: readonly Sent[]
  readonly reads: Reads
  /** Of assign and subscribe. */
  readonly keys: readonly Key[]
  readonly rebalanced: readonly Key[]
  readonly seeksToBeginning: boolean
  readonly node: number | undefined
}

const NOTHING_SENT: readonly Sent[] = []
const NOTHING_READ: Reads = new Map()
const NO_KEYS: readonly Key[] = []

/** In the order of invocation. */
export function pairCalls(history: readonly Operation[]): Call[] {
  const calls: Call[] = []
  const open = new Map<number, { readonly at: number; readonly invoke: Operation }>()
  let last = -1
  for (const operation of history) {
    if (operation.index <= last) throw new HistoryError(`index ${operation.index} comes after ${last}`)
    last = operation.index
    const before = open.get(operation.process)
    if (operation.type === 'invoke') {
      if (before !== undefined) throw new HistoryError(`process ${operation.process} begins ${operation.index} and has not ended ${before.invoke.index}`)
      open.set(operation.process, { at: calls.length, invoke: operation })
      calls.push(callOf(operation, undefined))
      continue
    }
    if (before === undefined) throw new HistoryError(`process ${operation.process} ends at ${operation.index} what it never began`)
    calls[before.at] = callOf(before.invoke, operation)
    open.delete(operation.process)
  }
  return calls
}

function callOf(invoke: Operation, completion: Operation | undefined): Call {
  const { f, value, rebalanceLog } = completion ?? invoke
  const isMicro = isMicroOperations(value)
  return {
    process: invoke.process,
    f,
    outcome: completion === undefined || completion.type === 'invoke' ? 'info' : completion.type,
    invokedAt: invoke.index,
    completedAt: completion?.index ?? Infinity,
    sends: isMicro ? sendsOf(value) : NOTHING_SENT,
    reads: isMicro ? readsOf(value) : NOTHING_READ,
    keys: isMicro ? NO_KEYS : (value as readonly Key[]),
    rebalanced: rebalanceLog?.flatMap(({ keys }) => keys) ?? NO_KEYS,
    seeksToBeginning: (completion ?? invoke).seekToBeginning ?? invoke.seekToBeginning ?? false,
    node: (completion ?? invoke).node ?? invoke.node,
  }
}

function sendsOf(value: Parameters<typeof isMicroOperations>[0]): readonly Sent[] {
  let sends: Sent[] | undefined
  for (const part of value) {
    if (typeof part === 'number' || part[0] !== 'send') continue
    const [offset, sent] = typeof part[2] === 'number' ? [null, part[2]] : part[2]
    sends = [...(sends ?? []), { key: part[1], value: sent, offset }]
  }
  return sends ?? NOTHING_SENT
}

function readsOf(value: Parameters<typeof isMicroOperations>[0]): Reads {
  let reads: Map<Key, readonly (readonly [number, Value])[]> | undefined
  for (const part of value) {
    if (typeof part === 'number' || part[0] !== 'poll' || part[1] === undefined) continue
    reads ??= new Map()
    for (const [name, pairs] of Object.entries(part[1])) {
      const before = reads.get(Number(name))
      reads.set(Number(name), before === undefined ? pairs : [...before, ...pairs])
    }
  }
  return reads ?? NOTHING_READ
}
