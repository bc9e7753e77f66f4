import type { Operation, Outcome } from '../../operations/operation.ts'
import { findAbortedReads } from './aborted-read.ts'
import { type Anomaly, type AnomalyName, anomalyNames } from './anomaly.ts'
import { Calls } from './calls.ts'
import { findCycles } from './cycles.ts'
import { findDoubts } from './doubts.ts'
import { findDuplicates } from './duplicate.ts'
import { Facts } from './facts.ts'
import { findInconsistentOffsets } from './inconsistent-offsets.ts'
import { findIntPollOrder } from './int-poll-order.ts'
import { findIntSendOrder } from './int-send-order.ts'
import { findLostOnNode } from './lost-on-node.ts'
import { LastReaders } from './last-readers.ts'
import { findLostWrites } from './lost-write.ts'
import { findPollOrder } from './poll-order.ts'
import { findPrecommittedReads } from './precommitted-read.ts'
import { type Profile, profiles } from './profiles.ts'
import { findRealtimeSendInversions } from './realtime-send-inversion.ts'
import { findSendOrder } from './send-order.ts'
import { findUnexpectedReads } from './unexpected-read.ts'
import { findUnseen } from './unseen.ts'
import { findVanished } from './vanished.ts'

const checkers: readonly ((facts: Facts) => Anomaly[])[] = [
  findInconsistentOffsets,
  findDuplicates,
  findAbortedReads,
  findLostWrites,
  findUnseen,
  findPollOrder,
  findIntPollOrder,
  findSendOrder,
  findIntSendOrder,
  findPrecommittedReads,
  findCycles,
  findRealtimeSendInversions,
  findLostOnNode,
  findUnexpectedReads,
]

export type Conclusion = 'valid' | 'anomalies' | 'inconclusive'

export interface HistoryVerdict {
  readonly profile: string
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** In the order of `anomalyNames`, the allowed ones too. */
  readonly anomalies: readonly Anomaly[]
  readonly forbidden: readonly AnomalyName[]
  /** Nothing forbidden was found. Where there are `doubts`, that says little. */
  readonly isValid: boolean
  /** All that is `unseen` is so in keys that nobody read to the end when all was over. */
  readonly isCutShort: boolean
  /** Why the history cannot be judged, as sentences. */
  readonly doubts: readonly string[]
}

/** Throws a HistoryError when the history itself makes no sense. */
export function checkHistory(history: Iterable<Operation>, profile: Profile = profiles.oxbow): HistoryVerdict {
  return checkCalls(Calls.of(history), profile)
}

export function checkCalls(calls: Calls, profile: Profile = profiles.oxbow): HistoryVerdict {
  const facts = new Facts(calls)
  const outcomes = { ok: 0, fail: 0, info: 0 }
  const subscribers = new Set<number | undefined>()
  for (const { outcome, f, process } of facts.calls) {
    outcomes[outcome]++
    if (f === 'subscribe' && outcome !== 'fail') subscribers.add(process)
  }
  const lastReaders = new LastReaders(facts)
  const anomalies = [...checkers.flatMap((find) => find(facts)), ...findVanished(facts, lastReaders)].sort(
    (left, right) => anomalyNames.indexOf(left.name) - anomalyNames.indexOf(right.name),
  )
  const isAllowed = ({ name, process, isWithoutWrites }: Anomaly): boolean =>
    (profile.allowed.has(name) && isWithoutWrites !== true) || (profile.allowedToSubscribers.has(name) && subscribers.has(process))
  const found = new Set(anomalies.filter((one) => !isAllowed(one)).map(({ name }) => name))
  const forbidden = anomalyNames.filter((name) => found.has(name))
  const unseen = anomalies.flatMap(({ name, key }) => (name === 'unseen' && key !== undefined ? [key] : []))
  const cutShort = unseen.filter((key) => !lastReaders.has(key))
  const doubts = findDoubts(facts, cutShort.length > 0)
  const isCutShort = cutShort.length === unseen.length
  return { profile: profile.name, outcomes, anomalies, forbidden, isValid: forbidden.length === 0, isCutShort, doubts }
}

/** What a verdict comes to. What was not polled is no anomaly where nobody polled for it in the end. */
export function conclusionOf({ forbidden, doubts, isCutShort }: HistoryVerdict): Conclusion {
  if (forbidden.some((name) => name !== 'unseen' || !isCutShort)) return 'anomalies'
  return doubts.length > 0 ? 'inconclusive' : 'valid'
}
