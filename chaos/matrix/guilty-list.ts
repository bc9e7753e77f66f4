import type { AnomalyName } from '../check/anomalies/anomaly.ts'
import type { ChaosRunOptions } from '../live/run-options.ts'

/** A cluster that does not keep its promise, and what has to show it. */
export interface GuiltyCase {
  readonly name: string
  /** Of chaos/sim/mutant-list.ts: patched into the servers. Undefined: the servers are as they are, and less is asked of them. */
  readonly mutant?: string
  readonly producer?: ChaosRunOptions['producer']
  readonly topicConfigs?: ChaosRunOptions['topicConfigs']
  /** Default: three. */
  readonly nodes?: number
  /** Default: half a minute. */
  readonly seconds?: number
  /** As `--faults` has it. */
  readonly faults: string
  readonly seed: number
  /** Named before it was tried: one of them is enough, for a wound shows in more than one way. */
  readonly expected: readonly Symptom[]
}

/**
 * `death`: nodes end themselves, as an assertion of theirs fails. `unread`: in the end something is not there that was acknowledged; where somebody
 * polled it before, that is no anomaly of the history. `register`: one in the metadata log is not linearizable.
 */
export type Symptom = AnomalyName | 'death' | 'unread' | 'register'

/** An acknowledged record is gone, or another one lies where it was. */
const LOST: readonly Symptom[] = ['lost-write', 'unseen', 'inconsistent-offsets', 'unread']
/** Decisions are gone or part: a node notices, or what hangs on them goes wrong. */
const PARTED: readonly Symptom[] = ['death', 'register', ...LOST]

function broken(mutant: string, faults: string, seed: number, expected: readonly Symptom[]): GuiltyCase {
  return { name: mutant, mutant, faults, seed, expected }
}

/** All three replicas count, so that each of them may lead once all of them had been away: those that are back first, too. */
const ALL_COUNT: Pick<GuiltyCase, 'topicConfigs'> = { topicConfigs: { 'min.insync.replicas': '3' } }

export const guiltyCases: readonly GuiltyCase[] = [
  { name: 'acks=1, a leader is cut off', producer: { acks: 1 }, faults: 'partition-leader', seed: 3, expected: LOST },
  { name: 'acks=1, leaders are killed', producer: { acks: 1 }, faults: 'kill-leader,delay', seed: 1, seconds: 60, expected: LOST },
  {
    name: 'an unclean election is allowed',
    topicConfigs: { 'unclean.leader.election.enable': 'true' },
    nodes: 5,
    faults: 'outlive',
    seed: 1,
    expected: LOST,
  },
  broken('acks=all answered by the own sync', 'partition-leader', 3, LOST),
  broken('a duplicate is appended again', 'reset', 1, ['duplicate']),
  { ...broken('producer state lost on failover', 'kill-leader,reset', 1, ['duplicate']), seconds: 150 },
  broken('consumers read above the high watermark', 'partition-leader', 3, ['inconsistent-offsets']),
  broken('an election keeps the leader epoch', 'partition-leader', 3, PARTED),
  broken('ack before sync', 'power-loss', 1, PARTED),
  { ...broken('high watermark counts unsynced followers', 'slow-power-loss', 1, LOST), ...ALL_COUNT, seconds: 90 },
  { ...broken('a completion says more than the round wrote', 'slow-power-loss', 1, PARTED), ...ALL_COUNT },
  { ...broken('an entry counts once one voter has it', 'partition-leader', 3, PARTED), seconds: 90 },
  { ...broken('the leader counts itself before its own disk', 'slow-power-loss', 2, PARTED), seconds: 90 },
  { ...broken('half of the voters are a majority', 'partition-halves', 1, PARTED), nodes: 4 },
  { ...broken('a second vote in one term', 'kill-leader,delay', 1, PARTED), seconds: 120 },
  { ...broken('divergence ignored', 'partition-leader,kill-leader', 3, LOST), seconds: 120 },
]
