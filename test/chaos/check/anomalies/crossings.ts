import type { MicroOperation, Operation, Polled } from '../../../../chaos/operations/operation.ts'
import type { Random } from '../../../../src/base/random.ts'
import type { Damage } from './damage.ts'

/** Keys that nobody uses before the damage. */
const ONE = 10
const OTHER = 11
const FIRST_NODE_PROCESS = 200

/** A call that is ok, by the positions of its begin and its end. */
interface Span {
  readonly from: number
  readonly to: number
  readonly process: number
}

function spansOf(history: readonly Operation[], isWanted: (operation: Operation) => boolean): Span[] {
  const begun = new Map<number, number>()
  return history.flatMap((operation, at) => {
    if (operation.type === 'invoke') begun.set(operation.process, at)
    if (operation.type !== 'ok' || !isWanted(operation)) return []
    return [{ from: begun.get(operation.process) as number, to: at, process: operation.process }]
  })
}

function sendsOf(history: readonly Operation[]): Span[] {
  return spansOf(history, ({ f }) => f !== 'poll')
}

function pollsOf(history: readonly Operation[]): Span[] {
  return spansOf(history, ({ f, process }) => f === 'poll' && process < FIRST_NODE_PROCESS)
}

function isEmpty({ value }: Operation): boolean {
  return (value as readonly MicroOperation[]).every((part) => part[0] === 'poll' && Object.values(part[1] ?? {}).every((pairs) => pairs.length === 0))
}

function pick<One>(random: Random, from: readonly One[]): One | undefined {
  return from.length === 0 ? undefined : from[random.integer(from.length)]
}

/** Two that go on at once. */
function pickAtOnce(history: readonly Operation[], random: Random): readonly [Span, Span] | undefined {
  const sends = sendsOf(history)
  const pairs = sends.flatMap((one) => sends.flatMap((other) => (one.from < other.from && other.from < one.to ? [[one, other] as const] : [])))
  return pick(random, pairs)
}

/**
 * One poll that is over before another one begins, of the same process or of two, and a call that goes on from before the end of the one to behind
 * the begin of the other. That other one returns nothing: what it had polled would put it behind that call already.
 */
function pickAcross(history: readonly Operation[], random: Random, isOneProcess: boolean): readonly [Span, Span, Span] | undefined {
  const polls = pollsOf(history)
  const empty = polls.filter(({ to }) => isEmpty(history[to] as Operation))
  const pairs = polls.flatMap((one) =>
    empty.flatMap((other) => (one.to < other.from && (one.process === other.process) === isOneProcess ? [[one, other] as const] : [])),
  )
  const sends = sendsOf(history)
  return pick(
    random,
    pairs.flatMap(([one, other]) => {
      // What that process polled since would come before what it does next.
      const since = polls.findLast(({ process, from, to }) => process === other.process && from < other.from && !isEmpty(history[to] as Operation))?.to ?? 0
      return sends.flatMap((across) =>
        across.from < one.to && across.to > other.from && (isOneProcess || since < across.from) ? [[one, other, across] as const] : [],
      )
    }),
  )
}

/** The same call does this as well. */
function extend(history: Operation[], { from, to }: Span, ...parts: readonly MicroOperation[]): void {
  const asked = parts.map((part): MicroOperation => (part[0] === 'poll' ? ['poll'] : part))
  for (const [at, added] of [
    [from, asked],
    [to, parts],
  ] as const) {
    const operation = history[at] as Operation
    history[at] = { ...operation, f: 'txn', value: [...(operation.value as readonly MicroOperation[]), ...added] }
  }
}

/** Somebody else polls it in the end. */
function seen(history: readonly Operation[], polled: Polled): Operation[] {
  const poll = { index: 0, time: 0, process: 900, f: 'poll' } as const
  return [...history, { ...poll, type: 'invoke', value: [['poll']] }, { ...poll, type: 'ok', value: [['poll', polled]] }]
}

function placed(...values: readonly number[]): readonly (readonly [number, number])[] {
  return values.map((value, offset) => [offset, value] as const)
}

/** Two write what a third writes too, each the other way round. */
function crossedWrites(name: 'G0-process' | 'G0-realtime'): Damage {
  return {
    name,
    apply: (history, random) => {
      const [one, other, across] = pickAcross(history, random, name === 'G0-process') ?? []
      if (one === undefined || other === undefined || across === undefined) return undefined
      extend(history, one, ['send', ONE, [1, 2]])
      extend(history, other, ['send', OTHER, [0, 1]])
      extend(history, across, ['send', ONE, [0, 1]], ['send', OTHER, [1, 2]])
      return seen(history, { [ONE]: placed(1, 2), [OTHER]: placed(1, 2) })
    },
  }
}

/** The first polls what a third wrote, and that one polls what the second wrote. */
function crossedReads(name: 'G1c-process' | 'G1c-realtime'): Damage {
  return {
    name,
    apply: (history, random) => {
      const [one, other, across] = pickAcross(history, random, name === 'G1c-process') ?? []
      if (one === undefined || other === undefined || across === undefined) return undefined
      extend(history, one, ['poll', { [ONE]: placed(1) }])
      extend(history, other, ['send', OTHER, [0, 1]])
      extend(history, across, ['send', ONE, [0, 1]], ['poll', { [OTHER]: placed(1) }])
      return history
    },
  }
}

/** Calls of a valid history do more, in an order that cannot be. */
export const crossings: readonly Damage[] = [
  {
    name: 'int-send-skip',
    also: ['G0'],
    apply: (history, random) => {
      const [one, other] = pickAtOnce(history, random) ?? []
      if (one === undefined || other === undefined) return undefined
      extend(history, one, ['send', ONE, [0, 1]], ['send', ONE, [2, 3]])
      extend(history, other, ['send', ONE, [1, 2]])
      return seen(history, { [ONE]: placed(1, 2, 3) })
    },
  },
  {
    name: 'G0',
    apply: (history, random) => {
      const [one, other] = pickAtOnce(history, random) ?? []
      if (one === undefined || other === undefined) return undefined
      extend(history, one, ['send', ONE, [0, 1]], ['send', OTHER, [1, 2]])
      extend(history, other, ['send', ONE, [1, 2]], ['send', OTHER, [0, 1]])
      return seen(history, { [ONE]: placed(1, 2), [OTHER]: placed(1, 2) })
    },
  },
  crossedWrites('G0-process'),
  crossedWrites('G0-realtime'),
  {
    name: 'G1c',
    apply: (history, random) => {
      const [one, other] = pickAtOnce(history, random) ?? []
      if (one === undefined || other === undefined) return undefined
      extend(history, one, ['send', ONE, [0, 1]], ['poll', { [OTHER]: placed(1) }])
      extend(history, other, ['send', OTHER, [0, 1]], ['poll', { [ONE]: placed(1) }])
      return history
    },
  },
  crossedReads('G1c-process'),
  crossedReads('G1c-realtime'),
  {
    name: 'realtime-send-inversion',
    also: ['G0-realtime'],
    apply: (history, random) => {
      const [one, other] = pickAcross(history, random, false) ?? []
      if (one === undefined || other === undefined) return undefined
      extend(history, one, ['send', ONE, [1, 2]])
      extend(history, other, ['send', ONE, [0, 1]])
      return seen(history, { [ONE]: placed(1, 2) })
    },
  },
]
