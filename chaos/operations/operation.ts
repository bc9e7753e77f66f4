/**
 * What clients did and were told, in the schema of jepsen.tests.kafka, so that its checker can read it too. An operation is an `invoke` and at
 * most one completion of the same process: `ok`, `fail` (definitely did not happen) or `info` (unknown: that process never acts again).
 */
export interface Operation {
  /** Position in the history: 0, 1, 2 … It is the order of what happened; times may be equal. */
  readonly index: number
  /** Nanoseconds since the history began. */
  readonly time: number
  readonly process: number
  readonly type: 'invoke' | Outcome
  readonly f: OperationKind
  readonly value: readonly MicroOperation[] | readonly Key[]
  readonly error?: unknown
  /** Keys that were assigned anew while a poll ran. */
  readonly rebalanceLog?: readonly { readonly keys: readonly Key[] }[]
  readonly seekToBeginning?: boolean
  /** Not in Jepsen's schema: the polls of this operation read this node's own copy. */
  readonly node?: number
  /** Not in Jepsen's schema, which says nothing of it: what debug-topic-partitions was told, key by key. Nothing is judged by it. */
  readonly partitions?: Readonly<Record<Key, PartitionState>>
}

/** As a node told it; −1: no leader. */
export interface PartitionState {
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

export type Outcome = 'ok' | 'fail' | 'info'
export const operationKinds = ['send', 'poll', 'txn', 'assign', 'subscribe', 'crash', 'debug-topic-partitions'] as const
export type OperationKind = (typeof operationKinds)[number]
/** One partition: topic `t` + floor(key / 2), partition key mod 2. */
export type Key = number
/** Unique in its key. */
export type Value = number
export type MicroOperation =
  | readonly ['send', Key, Value]
  | readonly ['send', Key, readonly [offset: number | null, Value]]
  | readonly ['poll']
  | readonly ['poll', Polled]
/** What a poll returned, key by key, each in the order in which it came. */
export type Polled = Readonly<Record<Key, readonly (readonly [offset: number, Value])[]>>

export function isMicroOperations(value: Operation['value']): value is readonly MicroOperation[] {
  return Array.isArray(value[0])
}
