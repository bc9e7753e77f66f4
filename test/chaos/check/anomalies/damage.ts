import type { AnomalyName } from '../../../../chaos/check/anomalies/anomaly.ts'
import type { MicroOperation, Operation } from '../../../../chaos/operations/operation.ts'
import type { Random } from '../../../../src/base/random.ts'
import { LAST_READER } from './valid-history.ts'

type Pair = [number, number]
interface Poll {
  readonly at: number
  readonly process: number
  readonly key: number
  /** Of the history itself: to be changed in place. */
  readonly pairs: Pair[]
}

/** Changes a valid history in one way. Returns undefined when it has nothing to be changed so. */
export interface Damage {
  readonly name: AnomalyName
  readonly also?: readonly AnomalyName[]
  readonly apply: (history: Operation[], random: Random) => Operation[] | undefined
}

function pollsOf(history: readonly Operation[], wanted: 'clients' | 'nodes' | 'all'): Poll[] {
  return history.flatMap((operation, at) => {
    if (operation.f !== 'poll' || operation.type !== 'ok' || (wanted !== 'all' && (operation.node === undefined) !== (wanted === 'clients'))) return []
    const polled = (operation.value[0] as readonly ['poll', Record<string, Pair[]>])[1]
    return Object.entries(polled).map(([key, pairs]) => ({ at, process: operation.process, key: Number(key), pairs }))
  })
}

function pick<One>(random: Random, from: readonly One[]): One | undefined {
  return from.length === 0 ? undefined : from[random.integer(from.length)]
}

function withoutNodes(history: readonly Operation[]): Operation[] {
  return history.filter(({ process }) => process < 200)
}

/** Sends that are ok and the only one of their operation. */
function okSends(
  history: readonly Operation[],
): { readonly at: number; readonly process: number; readonly key: number; readonly offset: number; readonly value: number }[] {
  return history.flatMap(({ f, type, process, value }, at) => {
    if (f !== 'send' || type !== 'ok') return []
    const [, key, [offset, sent]] = value[0] as readonly ['send', number, readonly [number, number]]
    return [{ at, process, key, offset, value: sent }]
  })
}

/** Takes the value out of all polls of its key. */
function unpoll(history: readonly Operation[], key: number, value: number): void {
  for (const { key: polled, pairs } of pollsOf(history, 'all')) {
    const at = pairs.findIndex((pair) => pair[1] === value)
    if (polled === key && at >= 0) pairs.splice(at, 1)
  }
}

function withValue(history: Operation[], at: number, value: readonly MicroOperation[], type = history[at]!.type): Operation[] {
  history[at] = { ...history[at]!, value, type }
  return history
}

/** The values of two places of a key change places, in polls and in acknowledgements. */
function swapValues(history: readonly Operation[], key: number, one: number, other: number): Operation[] {
  const swapped = (value: number): number => (value === one ? other : value === other ? one : value)
  for (const poll of pollsOf(history, 'all')) if (poll.key === key) for (const pair of poll.pairs) pair[1] = swapped(pair[1])
  const offsets = new Map<number, number>()
  const parts = history.flatMap(({ value }) => value as readonly MicroOperation[])
  for (const part of parts) if (part[0] === 'send' && part[1] === key && typeof part[2] !== 'number' && part[2][0] !== null) offsets.set(part[2][1], part[2][0])
  return history.map((operation) => ({
    ...operation,
    value: (operation.value as readonly MicroOperation[]).map((part) =>
      part[0] === 'send' && part[1] === key && typeof part[2] !== 'number' && swapped(part[2][1]) !== part[2][1]
        ? (['send', key, [offsets.get(swapped(part[2][1]))!, part[2][1]]] as const)
        : part,
    ),
  }))
}

export const damages: readonly Damage[] = [
  {
    name: 'inconsistent-offsets',
    apply: (history, random) => {
      const poll = pick(
        random,
        pollsOf(history, 'clients').filter(({ pairs }) => pairs.length > 0),
      )
      if (poll === undefined) return undefined
      pick(random, poll.pairs)![1] = 9999
      const value = [['send', poll.key, 9999]] as const
      const unknown = { process: 999, f: 'send', value, time: 0, index: 0 } as const
      return [{ ...unknown, type: 'invoke' }, { ...unknown, type: 'info' }, ...history]
    },
  },
  {
    name: 'duplicate',
    apply: (history, random) => {
      const nodes = pollsOf(history, 'nodes')
      const { key, pairs } = pick(
        random,
        nodes.filter((poll) => poll.pairs.length > 0),
      ) ?? { key: -1, pairs: [] }
      const again: Pair | undefined = key < 0 ? undefined : [pairs.at(-1)![0] + 1, pick(random, pairs)![1]]
      if (again === undefined) return undefined
      for (const poll of nodes) if (poll.key === key) poll.pairs.push(again)
      return history
    },
  },
  {
    name: 'G1a',
    apply: (history, random) => {
      const sent = pick(random, okSends(history))
      return sent && withValue(history, sent.at, [['send', sent.key, sent.value]], 'fail')
    },
  },
  {
    name: 'lost-write',
    also: ['unseen'],
    apply: (history, random) => {
      const logs = pollsOf(history, 'nodes')
      const firsts = okSends(history).filter(({ key, value }) => logs.some((poll) => poll.key === key && poll.pairs.length > 1 && poll.pairs[0]![1] === value))
      const sent = pick(random, firsts)
      if (sent !== undefined) unpoll(history, sent.key, sent.value)
      return sent && withoutNodes(history)
    },
  },
  {
    name: 'unseen',
    apply: (history, random) => {
      const logs = pollsOf(history, 'nodes')
      const sent = pick(
        random,
        okSends(history).filter(({ key, value }) => logs.some((poll) => poll.key === key && poll.pairs.at(-1)?.[1] === value)),
      )
      if (sent !== undefined) unpoll(history, sent.key, sent.value)
      return sent && withoutNodes(history)
    },
  },
  {
    name: 'poll-skip',
    apply: (history, random) => {
      const polls = pollsOf(history, 'clients')
      const isLater = (poll: Poll): boolean =>
        polls.some((one) => one.process === poll.process && one.key === poll.key && one.at < poll.at && one.pairs.length > 0)
      const poll = pick(
        random,
        polls.filter((one) => one.pairs.length > 1 && isLater(one)),
      )
      poll?.pairs.shift()
      return poll && history
    },
  },
  {
    name: 'nonmonotonic-poll',
    apply: (history, random) => {
      const polls = pollsOf(history, 'clients').filter(({ pairs }) => pairs.length > 0)
      const before = (poll: Poll): Poll | undefined => polls.findLast((one) => one.process === poll.process && one.key === poll.key && one.at < poll.at)
      const poll = pick(
        random,
        polls.filter((one) => before(one) !== undefined),
      )
      poll?.pairs.unshift(before(poll)!.pairs.at(-1)!)
      return poll && history
    },
  },
  {
    name: 'int-poll-skip',
    apply: (history, random) => {
      const poll = pick(
        random,
        pollsOf(history, 'clients').filter(({ pairs }) => pairs.length > 2),
      )
      poll?.pairs.splice(1, 1)
      return poll && history
    },
  },
  {
    name: 'int-nonmonotonic-poll',
    apply: (history, random) => {
      const poll = pick(
        random,
        pollsOf(history, 'all').filter(({ pairs }) => pairs.length > 0),
      )
      poll?.pairs.push(poll.pairs.at(-1)!)
      return poll && history
    },
  },
  {
    name: 'nonmonotonic-send',
    also: ['G0-process', 'realtime-send-inversion'],
    apply: (history, random) => {
      const sends = okSends(history)
      const next = (at: number): (typeof sends)[number] | undefined =>
        sends.find((one) => one.at > at && one.process === sends.find((own) => own.at === at)!.process && one.key === sends.find((own) => own.at === at)!.key)
      const sent = pick(
        random,
        sends.filter(({ at }) => next(at) !== undefined),
      )
      return sent && swapValues(history, sent.key, sent.value, next(sent.at)!.value)
    },
  },
  {
    name: 'int-nonmonotonic-send',
    apply: (history, random) => {
      const isDouble = ({ f, type, value }: Operation): boolean =>
        f === 'txn' && type === 'ok' && (value[0] as MicroOperation)[1] === (value[1] as MicroOperation)[1]
      const parts = pick(random, history.filter(isDouble))?.value as readonly (readonly ['send', number, readonly [number, number]])[] | undefined
      return parts && swapValues(history, parts[0]![1], parts[0]![2][1], parts[1]![2][1])
    },
  },
  {
    name: 'precommitted-read',
    apply: (history, random) => {
      const sent = pick(random, okSends(history))
      if (sent === undefined) return undefined
      return withValue(history, sent.at, [
        ['send', sent.key, [sent.offset, sent.value]],
        ['poll', { [sent.key]: [[sent.offset, sent.value]] }],
      ])
    },
  },
  {
    name: 'lost-on-node',
    apply: (history, random) => {
      const poll = pick(
        random,
        pollsOf(history, 'nodes').filter(({ pairs }) => pairs.length > 0),
      )
      if (poll !== undefined && random.integer(2) === 0) poll.pairs.pop()
      else poll?.pairs.shift()
      return poll && history
    },
  },
  {
    name: 'unexpected-read',
    apply: (history, random) => {
      const poll = pick(
        random,
        pollsOf(history, 'clients').filter(({ process, pairs }) => process === LAST_READER && pairs.length > 0),
      )
      poll?.pairs.push([1_000_000, 999_999])
      return poll && history
    },
  },
  {
    name: 'vanished',
    apply: (history, random) => {
      const poll = pick(
        random,
        pollsOf(history, 'clients').filter(({ process, pairs }) => process === LAST_READER && pairs.length > 0),
      )
      if (poll !== undefined && random.integer(2) === 0) poll.pairs.pop()
      else poll?.pairs.shift()
      return poll && history
    },
  },
  {
    name: 'G1a',
    apply: (history, random) => {
      const failed = pick(
        random,
        history.filter(({ f, type }) => f === 'send' && type === 'fail'),
      )
      if (failed === undefined) return undefined
      const [, key, value] = failed.value[0] as readonly ['send', number, number]
      for (const poll of pollsOf(history, 'nodes')) if (poll.key === key) poll.pairs.push([1_000_000, value])
      return history
    },
  },
  {
    name: 'lost-on-node',
    apply: (history, random) => {
      const poll = pick(random, pollsOf(history, 'nodes'))
      if (poll === undefined) return undefined
      poll.pairs.push([1_000_000, 9999])
      const unknown = { process: 999, f: 'send', value: [['send', poll.key, 9999]], time: 0, index: 0 } as const
      return [{ ...unknown, type: 'invoke' }, { ...unknown, type: 'info' }, ...history]
    },
  },
]

/** Both at once, each in its order; the second has other keys and other processes. */
export function interleave(first: readonly Operation[], second: readonly Operation[], random: Random): Operation[] {
  const rest = [[...first], second.map(moved)] as const satisfies readonly [Operation[], Operation[]]
  const merged: Operation[] = []
  while (rest[0].length + rest[1].length > 0) merged.push(rest[random.integer(rest[0].length + rest[1].length) < rest[0].length ? 0 : 1].shift()!)
  return merged
}

function moved(operation: Operation): Operation {
  const value = operation.value.map((part) => (typeof part === 'number' ? part + 50 : movedPart(part))) as Operation['value']
  const { rebalanceLog } = operation
  const log = rebalanceLog === undefined ? {} : { rebalanceLog: rebalanceLog.map(({ keys }) => ({ keys: keys.map((key) => key + 50) })) }
  return { ...operation, ...log, process: operation.process + 500, value }
}

function movedPart(part: MicroOperation): MicroOperation {
  if (part[0] === 'send') return ['send', part[1] + 50, part[2]] as MicroOperation
  if (part[1] === undefined) return part
  return ['poll', Object.fromEntries(Object.entries(part[1]).map(([key, pairs]) => [Number(key) + 50, pairs]))]
}

/** In the order in which they are. */
export function numbered(history: readonly Operation[]): Operation[] {
  return history.map((operation, index) => ({ ...operation, index, time: index }))
}
