import type { RaftEffect } from '../../../src/raft/effects.ts'
import type { RaftMessage } from '../../../src/raft/messages.ts'
import type { Raft } from '../../../src/raft/raft.ts'
import { copyGraph } from '../object-graph.ts'

/** What `open-cores` makes readable, as far as it is named here. All else is copied and compared without being named. */
interface OpenedRaft {
  _effects: RaftEffect[]
  readonly _peers: ReadonlyMap<number, unknown>
  readonly _log: { readonly lastTerm: number }
  readonly _candidacy: { readonly isPreVote: boolean; readonly _answers: ReadonlyMap<number, unknown> } | null
  readonly _ballot: { send(to: number, message: RaftMessage): void }
  readonly _clock: { _elapsedTicks: number; _timeoutTicks: number; _leaderSilentTicks: number; _timerId: number; readonly _isArmed: boolean }
  readonly _leader: OpenedLeader | null
  readonly _follower: { readonly _leaderId: number; readonly _term: number; readonly _matchedEndOffset: number } | null
  _heal(): boolean
}

interface OpenedLeader {
  _heartbeatTicks: number
  readonly _transfer: { ticks: number } | null
  readonly _progress: ReadonlyMap<number, OpenedProgress>
}

interface OpenedProgress {
  readonly _state: 'probe' | 'replicate' | 'snapshot'
  readonly _persistedEndOffset: number
  readonly _nextOffset: number
  _silentTicks: number
  _laggingTicks: number
  _goalTicks: number
  _goalEndOffset: number
  _hasCaughtUp: boolean
}

/** Rules R8; src/raft/election-clock, leader. */
export const ELECTION_TICKS = 20
const HEARTBEAT_TICKS = 2

export function opened(core: Raft): OpenedRaft {
  return core as unknown as OpenedRaft
}

/** The parts of a core call back into the whole by functions; those of the copy call back into the copy. */
export function copyRaft(core: Raft): Raft {
  const held: { copy: OpenedRaft | undefined } = { copy: undefined }
  const whole = (): OpenedRaft => held.copy as OpenedRaft
  const callbacks: Readonly<Record<string, unknown>> = {
    _emit: (effect: RaftEffect) => whole()._effects.push(effect),
    _send: (to: number, message: RaftMessage) => whole()._ballot.send(to, message),
    _mayCount: () => whole()._heal(),
  }
  const copy = copyGraph(core, (value, key) => {
    if (!(key in callbacks)) throw new Error(`${key} is a function that is not known here: ${String(value)}`)
    return callbacks[key]
  })
  held.copy = opened(copy)
  return copy
}

/**
 * How long something took is forgotten: timers run out when the exploration says so (`timeOut`, `beSilent`, `beatNext`, `loseQuorum`), whatever
 * happened before. What only a change of voters asks (who caught up when) is forgotten too.
 */
export function forgetTime(core: Raft): void {
  const machine = opened(core)
  const { _clock: clock, _leader: leader } = machine
  machine._effects = []
  clock._elapsedTicks = 0
  clock._timeoutTicks = ELECTION_TICKS
  clock._leaderSilentTicks = core.leaderId !== null && clock._leaderSilentTicks >= ELECTION_TICKS ? ELECTION_TICKS : 0
  clock._timerId = 0
  if (leader === null) return
  leader._heartbeatTicks = 0
  if (leader._transfer !== null) leader._transfer.ticks = 0
  for (const progress of leader._progress.values()) {
    Object.assign(progress, { _silentTicks: 0, _laggingTicks: 0, _goalTicks: 0, _goalEndOffset: 0, _hasCaughtUp: false })
  }
}

/** What is known of each peer is kept by its id: in which order the peers came up makes no difference (test/chaos/explore/order-of-peers.test.ts). */
export function forgetOrder(core: Raft): void {
  const { _peers, _leader, _candidacy } = opened(core)
  for (const map of [_peers, _leader?._progress, _candidacy?._answers]) if (map !== undefined) sortByKey(map as Map<number, unknown>)
}

function sortByKey(map: Map<number, unknown>): void {
  let last = -1
  let isSorted = true
  for (const key of map.keys()) {
    isSorted &&= key > last
    last = key
  }
  if (isSorted) return
  const entries = [...map].sort(([left], [right]) => left - right)
  map.clear()
  for (const [key, value] of entries) map.set(key, value)
}

/** The next tick is one too many for a voter's patience. */
export function timeOut(core: Raft): void {
  const { _clock: clock } = opened(core)
  clock._elapsedTicks = clock._timeoutTicks
  clock._leaderSilentTicks = ELECTION_TICKS
}

/** The leader was not heard for the shortest election timeout: pre-votes for others may be granted. */
export function beSilent(core: Raft): void {
  opened(core)._clock._leaderSilentTicks = ELECTION_TICKS
}

/** With the next tick the leader sends heartbeats, and waits for a transfer no longer. */
export function beatNext(core: Raft): void {
  const { _leader: leader } = opened(core)
  if (leader === null) return
  leader._heartbeatTicks = HEARTBEAT_TICKS
  if (leader._transfer !== null) leader._transfer.ticks = ELECTION_TICKS
}

/** With the next tick the leader has heard nobody for an election timeout. */
export function loseQuorum(core: Raft): void {
  for (const progress of opened(core)._leader?._progress.values() ?? []) progress._silentTicks = ELECTION_TICKS
}
