import type { AnomalyName } from '../check/anomalies/anomaly.ts'
import type { ChaosRunOptions } from '../live/chaos-run.ts'

/** A cluster that does not keep its promise, and what has to show it. */
export interface GuiltyCase {
  readonly name: string
  /** Of chaos/sim/mutant-list.ts: patched into the servers. Undefined: the servers are as they are, and less is asked of them. */
  readonly mutant?: string
  readonly producer?: ChaosRunOptions['producer']
  /** As `--faults` has it. */
  readonly faults: string
  readonly seed: number
  /** Named before it was tried: one of them is enough, for a wound shows in more than one way. */
  readonly expected: readonly AnomalyName[]
}

/** An acknowledged record is gone, or another one lies where it was. */
const LOST: readonly AnomalyName[] = ['lost-write', 'unseen', 'inconsistent-offsets']

function broken(mutant: string, faults: string, seed: number, expected: readonly AnomalyName[]): GuiltyCase {
  return { name: mutant, mutant, faults, seed, expected }
}

export const guiltyCases: readonly GuiltyCase[] = [
  { name: 'acks=1, a leader is cut off', producer: { acks: 1 }, faults: 'partition-leader', seed: 3, expected: LOST },
  broken('acks=all answered by the own sync', 'partition-leader', 3, LOST),
  broken('a duplicate is appended again', 'reset', 1, ['duplicate']),
  broken('producer state lost on failover', 'kill-leader,reset', 1, ['duplicate']),
  broken('consumers read above the high watermark', 'partition-leader', 3, ['inconsistent-offsets']),
  broken('an election keeps the leader epoch', 'partition-leader', 3, LOST),
]
