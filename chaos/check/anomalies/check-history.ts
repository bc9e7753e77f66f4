import type { Operation, Outcome } from '../../operations/operation.ts'
import { findAbortedReads } from './aborted-read.ts'
import { type Anomaly, type AnomalyName, anomalyNames } from './anomaly.ts'
import { findCycles } from './cycles.ts'
import { findDuplicates } from './duplicate.ts'
import { Facts } from './facts.ts'
import { findInconsistentOffsets } from './inconsistent-offsets.ts'
import { findIntPollOrder } from './int-poll-order.ts'
import { findIntSendOrder } from './int-send-order.ts'
import { findLostOnNode } from './lost-on-node.ts'
import { findLostWrites } from './lost-write.ts'
import { findPollOrder } from './poll-order.ts'
import { findPrecommittedReads } from './precommitted-read.ts'
import { type Profile, profiles } from './profiles.ts'
import { findRealtimeSendInversions } from './realtime-send-inversion.ts'
import { findSendOrder } from './send-order.ts'
import { findUnseen } from './unseen.ts'

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
]

export interface HistoryVerdict {
  readonly profile: string
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** In the order of `anomalyNames`, the allowed ones too. */
  readonly anomalies: readonly Anomaly[]
  readonly forbidden: readonly AnomalyName[]
  readonly isValid: boolean
}

/** Throws a HistoryError when the history itself makes no sense. */
export function checkHistory(history: readonly Operation[], profile: Profile = profiles.oxbow): HistoryVerdict {
  const facts = new Facts(history)
  const outcomes = { ok: 0, fail: 0, info: 0 }
  let subscribes = false
  for (const { outcome, f } of facts.calls) {
    outcomes[outcome]++
    subscribes ||= f === 'subscribe'
  }
  const anomalies = checkers.flatMap((find) => find(facts)).sort((left, right) => anomalyNames.indexOf(left.name) - anomalyNames.indexOf(right.name))
  const isAllowed = (name: AnomalyName): boolean => profile.allowed.has(name) || (subscribes && profile.allowedToSubscribers.has(name))
  const forbidden = anomalyNames.filter((name) => !isAllowed(name) && anomalies.some((one) => one.name === name))
  return { profile: profile.name, outcomes, anomalies, forbidden, isValid: forbidden.length === 0 }
}
