import type { Key } from '../../operations/operation.ts'

/**
 * What can be wrong with a history, in the names of jepsen.tests.kafka; the last four are our own. Its PL-1, PL-2 and strong-PL names say that
 * a cycle exists that was not found: here each is found, so that they never come.
 */
export const anomalyNames = [
  'inconsistent-offsets',
  'duplicate',
  'G1a',
  'lost-write',
  'unseen',
  'poll-skip',
  'nonmonotonic-poll',
  'int-poll-skip',
  'int-nonmonotonic-poll',
  'nonmonotonic-send',
  'int-nonmonotonic-send',
  'int-send-skip',
  'precommitted-read',
  'G0',
  'G0-process',
  'G0-realtime',
  'G1c',
  'G1c-process',
  'G1c-realtime',
  'realtime-send-inversion',
  'lost-on-node',
  'unexpected-read',
  'vanished',
] as const
export type AnomalyName = (typeof anomalyNames)[number]

export interface Anomaly {
  readonly name: AnomalyName
  /** Undefined for what goes over several keys. */
  readonly key?: Key
  /** Of what one process polled. */
  readonly process?: number
  /** A profile that allows cycles allows those of writes: this one is there without them. */
  readonly isWithoutWrites?: true
  readonly sentence: string
  /** Indexes of the invocations concerned. */
  readonly operations: readonly number[]
}
