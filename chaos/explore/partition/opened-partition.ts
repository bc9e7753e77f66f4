import type { Partition } from '../../../src/replication/partition.ts'
import type { PartitionOptions } from '../../../src/replication/partition.ts'

/** What `open-cores` makes readable, as far as it is named here. All else is copied and compared without being named. */
export interface OpenedPartition {
  _options: PartitionOptions
  readonly _role: { readonly type: string; readonly leader?: OpenedLeader; readonly follower?: OpenedFollower }
}

interface OpenedLeader {
  readonly _followers: ReadonlyMap<number, OpenedProgress>
  readonly _isr: { readonly _proposal: { readonly retryTick: number | undefined } | undefined; readonly _refusedUntil: ReadonlyMap<number, number> }
}

interface OpenedProgress {
  _lastDataFetchId: number
  _lastReportId: number
  _waiting: { readonly fetch: { readonly fetchId: number } } | undefined
}

interface OpenedFollower {
  _dataFetch: { readonly fetchId: number } | undefined
  _report: { readonly fetchId: number } | undefined
  readonly _retryTick: number
}

export function opened(core: Partition): OpenedPartition {
  return core as unknown as OpenedPartition
}

/** Timers of the cores, in ticks (replication/follower, leader, isr): what one `soon` passes, what one `later` passes. */
const SOON_TICKS = 4
const LATER_TICKS = 40

type Fields = Record<string, unknown>

/**
 * How long something took is forgotten: what began earlier began now, and what is due within `soon` or `later` is due at the end of that. So a timer
 * runs out when the exploration says so, whatever happened before, and states that differ in elapsed time alone are one. Fields that hold ticks
 * are known by their names.
 */
export function forgetTime(core: Partition): void {
  forget(core, (core as unknown as { readonly _tick: number })._tick, new Set())
}

function forget(value: unknown, now: number, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || seen.has(value) || Buffer.isBuffer(value)) return
  seen.add(value)
  if (value instanceof Map || value instanceof Set || Array.isArray(value)) {
    for (const entry of value instanceof Map ? value.values() : value) forget(entry, now, seen)
    return
  }
  const fields = value as Fields
  for (const key of Object.keys(fields)) {
    const held = fields[key]
    if (typeof held === 'number') {
      if (Number.isFinite(held) && /[tT]ick$/.test(key)) fields[key] = /retryTick$/i.test(key) ? left(held, now) : 0
      else if (key === '_patienceTicks') fields[key] = LATER_TICKS
    } else if (key === '_refusedUntil') forgetRefused(held as Map<number, number>, now)
    else forget(held, now, seen)
  }
}

function left(tick: number, now: number): number {
  if (tick <= now) return 0
  return tick - now <= SOON_TICKS ? SOON_TICKS : LATER_TICKS
}

function forgetRefused(until: Map<number, number>, now: number): void {
  for (const [nodeId, tick] of until) {
    if (tick <= now) until.delete(nodeId)
    else until.set(nodeId, LATER_TICKS)
  }
}

/** Fetch ids of the replica `owner` that the core of `nodeId` holds, as bits. */
export function fetchIdsIn(core: Partition, nodeId: number, owner: number): number {
  const { leader, follower } = opened(core)._role
  if (nodeId === owner) return bit(follower?._dataFetch?.fetchId) | bit(follower?._report?.fetchId)
  const progress = leader?._followers.get(owner)
  return bit(progress?._lastDataFetchId) | bit(progress?._lastReportId) | bit(progress?._waiting?.fetch.fetchId)
}

/** Puts other ids in their place. */
export function renameFetchIds(core: Partition, nodeId: number, owner: number, rename: (id: number) => number): void {
  const { leader, follower } = opened(core)._role
  const renamed = <T extends { readonly fetchId: number }>(held: T): T => ({ ...held, fetchId: rename(held.fetchId) })
  if (nodeId === owner) {
    if (follower?._dataFetch !== undefined) follower._dataFetch = renamed(follower._dataFetch)
    if (follower?._report !== undefined) follower._report = renamed(follower._report)
    return
  }
  const progress = leader?._followers.get(owner)
  if (progress === undefined) return
  if (progress._lastDataFetchId >= 0) progress._lastDataFetchId = rename(progress._lastDataFetchId)
  if (progress._lastReportId >= 0) progress._lastReportId = rename(progress._lastReportId)
  if (progress._waiting !== undefined) progress._waiting = { ...progress._waiting, fetch: renamed(progress._waiting.fetch) }
}

function bit(id: number | undefined): number {
  return id === undefined || id < 0 ? 0 : 1 << id
}
