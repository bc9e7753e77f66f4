import { describe, expect, it } from 'vitest'
import type { PartitionState } from '../../src/metadata/records.ts'
import type { FetchAnswer, FollowerFetch, PartitionEffect, ReplicaBroker, TimestampRule } from '../../src/replication/effects.ts'
import type { LogPositions } from '../../src/replication/own-log.ts'
import { Partition } from '../../src/replication/partition.ts'
import { Producers } from '../../src/replication/producers.ts'
import { type BatchOptions, headerOf, makeBatch } from './support/batches.ts'

const OWN = 1
const PEER = 2
const CREATE_TIME: TimestampRule = { type: 'CreateTime', beforeMaxMs: 1_000_000, afterMaxMs: 1_000 }
const FOLLOW = { leader: PEER, isr: [{ nodeId: PEER, brokerEpoch: 11 }] }

function partition(log: Partial<LogPositions> = {}, options: { highWatermark?: number; producers?: Producers } = {}): Partition {
  const end = log.endOffset ?? 0
  let nextFetchId = 1
  return new Partition({
    nodeId: OWN,
    log: {
      startOffset: 0,
      startBatchOffset: log.startOffset ?? 0,
      endOffset: end,
      syncedEndOffset: end,
      cutCount: 0,
      epochs: end === 0 ? [] : [{ epoch: 0, startOffset: 0 }],
      ...log,
    },
    highWatermark: options.highWatermark ?? 0,
    producers: options.producers ?? Producers.restore(undefined),
    fetchIds: { next: () => nextFetchId++ },
    lagTicks: 100,
    reportTicks: 4,
    fetchMaxBytes: 1000,
    maxUnansweredBatches: 5,
    repairing: false,
  })
}

function assign(core: Partition, change: Partial<PartitionState> = {}, timestamps = CREATE_TIME): PartitionEffect[] {
  const brokers = new Map<number, ReplicaBroker>([OWN, PEER].map((nodeId) => [nodeId, { brokerEpoch: 9 + nodeId, fenced: false, draining: false }]))
  const state = {
    topicId: '0'.repeat(32),
    partition: 0,
    replicas: [OWN, PEER],
    isr: [{ nodeId: OWN, brokerEpoch: 10 }],
    elr: [],
    leader: OWN,
    leaderEpoch: 3,
    leaderGrantedOffset: 20,
    partitionEpoch: 5,
    unclean: false,
    reassignment: null,
    ...change,
  }
  return core.step({ type: 'assign', state, brokers, minInSyncReplicas: 1, maxMessageBytes: 100, timestamps })
}

function only<T extends PartitionEffect['type']>(effects: readonly PartitionEffect[], type: T): Extract<PartitionEffect, { type: T }>[] {
  return effects.filter((effect): effect is Extract<PartitionEffect, { type: T }> => effect.type === type)
}

function produce(core: Partition, value: string, options: BatchOptions & { nowMs?: number } = {}): PartitionEffect[] {
  const bytes = makeBatch(value, options)
  return core.step({ type: 'produce', produceId: 1, nowMs: options.nowMs ?? 0, acks: -1, currentLeaderEpoch: -1, header: headerOf(bytes), bytes })
}

/** Node 2 asks the leader; what it is answered. */
function ask(core: Partition, change: Partial<FollowerFetch>): FetchAnswer['result'] | undefined {
  const fetch = {
    fetchId: 1,
    currentLeaderEpoch: 3,
    fetchOffset: 0,
    lastFetchedEpoch: -1,
    syncedEndOffset: 0,
    brokerEpoch: 11,
    logStartOffset: 0,
    maxBytes: 0,
    ...change,
  }
  return only(core.step({ type: 'fetch', from: PEER, fetch }), 'answerFetch')[0]?.answer.result
}

/** The leader answers the newest fetch in `effects`. */
function answer(core: Partition, effects: readonly PartitionEffect[], change: Partial<FetchAnswer>): PartitionEffect[] {
  const { fetchId, fetchOffset, lastFetchedEpoch } = only(effects, 'sendFetch').at(-1)!.fetch
  const head: FetchAnswer = { fetchId, leaderEpoch: 3, fetchOffset, lastFetchedEpoch, highWatermark: 0, logStartOffset: 0, result: { type: 'data' }, ...change }
  return core.step({ type: 'answer', from: PEER, answer: head, headers: [], bytes: Buffer.alloc(0) })
}

const RESET = { type: 'reset', offset: 40, epoch: 2, producers: [] } as const

describe('R6.9 a leader moves its log start', () => {
  it('up to its high watermark at most, never back, and only as a leader', () => {
    const core = partition({ endOffset: 10 }, { highWatermark: 4 })
    assign(core, FOLLOW)
    expect(core.step({ type: 'advanceStart', offset: 3 })).toEqual([])
    assign(core, { leaderEpoch: 4, partitionEpoch: 6, isr: [OWN, PEER].map((nodeId) => ({ nodeId, brokerEpoch: 9 + nodeId })) })
    expect(core.step({ type: 'advanceStart', offset: 9 })).toContainEqual({ type: 'advanceStart', offset: 4 })
    expect(core.logStartOffset).toBe(4)
    expect(core.step({ type: 'advanceStart', offset: 2 })).toEqual([])
  })

  it('answers what is below with where to go on: the batch that holds the start, its epoch, and who wrote before', () => {
    const batches = [{ producerEpoch: 0, baseSequence: 0, lastSequence: 0, baseOffset: 1, lastOffset: 1 }]
    const producers = Producers.restore({ endOffset: 10, producers: [{ producerId: 7, batches }] })
    const epochs = [0, 2].map((epoch) => ({ epoch, startOffset: epoch * 2 }))
    const core = partition({ endOffset: 10, epochs }, { highWatermark: 10, producers })
    assign(core)
    core.step({ type: 'advanceStart', offset: 8 })
    // Not known yet where the batch begins: asked again, and nothing is noted.
    expect(ask(core, { fetchOffset: 3, lastFetchedEpoch: 0 })).toEqual({ type: 'error', code: 'OFFSET_OUT_OF_RANGE' })
    core.step({ type: 'startSynced', offset: 8, batchOffset: 6 })
    expect(ask(core, { fetchId: 2, fetchOffset: 3, lastFetchedEpoch: 0 })).toMatchObject({
      type: 'reset',
      offset: 6,
      epoch: 2,
      producers: [{ producerId: 7, batches }],
    })
    expect(core.maximalIsr).toEqual([OWN])
    expect(ask(core, { fetchId: 3, fetchOffset: 6, lastFetchedEpoch: 2 })).toEqual({ type: 'data' })
    expect(core.epochs[0]).toEqual({ epoch: 2, startOffset: 4 })
  })

  it('still tells apart who ends at its start: the record before it is gone, not who wrote it', () => {
    const core = partition({ endOffset: 10, epochs: [1, 2].map((epoch) => ({ epoch, startOffset: epoch === 1 ? 0 : 8 })) }, { highWatermark: 10 })
    assign(core)
    core.step({ type: 'advanceStart', offset: 8 })
    core.step({ type: 'startSynced', offset: 8, batchOffset: 8 })
    expect(ask(core, { fetchOffset: 8, lastFetchedEpoch: 1 })).toEqual({ type: 'data' })
    expect(ask(core, { fetchId: 2, fetchOffset: 8, lastFetchedEpoch: 0 })).toMatchObject({ type: 'diverging', epoch: -1 })
    // Who holds nothing parts from nobody.
    expect(ask(core, { fetchId: 3, fetchOffset: 8, lastFetchedEpoch: -1, logStartOffset: 8 })).toEqual({ type: 'data' })
    expect(ask(core, { fetchId: 4, fetchOffset: 8, lastFetchedEpoch: -1, logStartOffset: 3 })).toMatchObject({ type: 'diverging' })
    expect(ask(core, { fetchId: 5, fetchOffset: 11, lastFetchedEpoch: -1, logStartOffset: 11 })).toMatchObject({ type: 'diverging' })
  })

  it('refuses a log start that no log can have', () => {
    const core = partition({ endOffset: 10 }, { highWatermark: 10 })
    assign(core)
    for (const logStartOffset of [-1, 11])
      expect(ask(core, { fetchOffset: 10, lastFetchedEpoch: 0, logStartOffset })).toMatchObject({ code: 'INVALID_REQUEST' })
  })

  it('counts it where the disks of all in sync have it', () => {
    const core = partition({ endOffset: 10 }, { highWatermark: 10 })
    assign(core, { isr: [OWN, PEER].map((nodeId) => ({ nodeId, brokerEpoch: 9 + nodeId })) })
    core.step({ type: 'advanceStart', offset: 8 })
    ask(core, { fetchOffset: 10, lastFetchedEpoch: 0, syncedEndOffset: 10, logStartOffset: 8 })
    expect(core.lowWatermark).toBe(0)
    expect(core.step({ type: 'startSynced', offset: 8, batchOffset: 8 })).toEqual([{ type: 'lowWatermark', offset: 8 }])
    expect(core.lowWatermark).toBe(8)
  })
})

describe('R6.9 a follower and the log start of its leader', () => {
  it('goes as far as its own high watermark, further with its sync, and reports what its disk has', () => {
    const core = partition({ endOffset: 10, syncedEndOffset: 4 })
    const effects = answer(core, assign(core, FOLLOW), { highWatermark: 10, logStartOffset: 7 })
    expect(only(effects, 'advanceStart')).toEqual([{ type: 'advanceStart', offset: 4 }])
    expect(only(core.step({ type: 'synced', cutCount: 0, endOffset: 10 }), 'advanceStart')).toEqual([{ type: 'advanceStart', offset: 7 }])
    const reported = only(core.step({ type: 'startSynced', offset: 7, batchOffset: 7 }), 'sendFetch')
    for (const { fetch } of reported) expect(fetch.logStartOffset).toBe(7)
    expect(core.logStartOffset).toBe(7)
  })

  it('begins anew only below the offset it is told, by an answer that describes its log', () => {
    const core = partition({ endOffset: 10 }, { highWatermark: 5 })
    const asked = assign(core, FOLLOW)
    for (const change of [{ fetchOffset: 9 }, { lastFetchedEpoch: 1 }, { leaderEpoch: 2 }]) {
      const other = partition({ endOffset: 10 }, { highWatermark: 5 })
      expect(only(answer(other, assign(other, FOLLOW), { result: RESET, logStartOffset: 40, ...change }), 'resetLog')).toEqual([])
    }
    for (const result of [
      { ...RESET, offset: 10 },
      { ...RESET, offset: 3 },
      { ...RESET, epoch: 4 },
    ]) {
      const other = partition({ endOffset: 10 }, { highWatermark: 5 })
      expect(only(answer(other, assign(other, FOLLOW), { result, logStartOffset: 40 }), 'resetLog')).toEqual([])
      expect(other.logEndOffset).toBe(10)
    }
    expect(only(answer(core, asked, { result: RESET, logStartOffset: 40 }), 'resetLog')).toEqual([{ type: 'resetLog', offset: 40, cutCount: 1 }])
    expect(core).toMatchObject({ logStartOffset: 40, logEndOffset: 40, lastEpoch: 2 })
  })

  it('R6.1: claims nothing there before its disk has begun anew', () => {
    const core = partition({ endOffset: 10 }, { highWatermark: 5 })
    const effects = answer(core, assign(core, FOLLOW), { result: RESET, logStartOffset: 40, highWatermark: 50 })
    expect(only(effects, 'sendFetch').at(-1)!.fetch).toMatchObject({ fetchOffset: 40, lastFetchedEpoch: 2, syncedEndOffset: 10, logStartOffset: 0 })
    expect(core).toMatchObject({ highWatermark: 5, syncedEndOffset: 10 })
    // Of the log that was: too late.
    core.step({ type: 'synced', cutCount: 0, endOffset: 10 })
    answer(core, effects, { highWatermark: 50, logStartOffset: 40 })
    expect(core.highWatermark).toBe(5)
    const done = core.step({ type: 'synced', cutCount: 1, endOffset: 40 })
    expect(core).toMatchObject({ highWatermark: 40, syncedEndOffset: 40 })
    expect(only(done, 'sendFetch').at(-1)!.fetch).toMatchObject({ syncedEndOffset: 40, logStartOffset: 40 })
  })

  it('R6.3: where the leader keeps nothing of what they parted at, what is committed here stays', () => {
    const core = partition({ endOffset: 10 }, { highWatermark: 5 })
    const effects = answer(core, assign(core, FOLLOW), { result: { type: 'diverging', epoch: -1, endOffset: 7 }, logStartOffset: 8 })
    expect(only(effects, 'truncate')).toEqual([{ type: 'truncate', endOffset: 5, cutCount: 1 }])
    expect(only(effects, 'quarantine')).toEqual([])
  })

  it('R6.3: with a high watermark above the start of a leader that parts from it below, it is set aside', () => {
    const core = partition({ endOffset: 10 }, { highWatermark: 9 })
    const effects = answer(core, assign(core, FOLLOW), { result: { type: 'diverging', epoch: -1, endOffset: 7 }, logStartOffset: 8 })
    expect(only(effects, 'truncate')).toEqual([])
    expect(only(effects, 'quarantine')).toHaveLength(1)
  })

  it.each([
    ['the leader ends below its start', { type: 'diverging', epoch: 0, endOffset: 2 }, 0],
    ['the leader knows nobody who wrote that long ago', { type: 'diverging', epoch: -1, endOffset: 7 }, 7],
  ] as const)('R6.3: after an unclean election it begins anew where %s, and claims nothing', (_name, result, logStartOffset) => {
    const core = partition({ startOffset: 6, endOffset: 9, epochs: [{ epoch: 0, startOffset: 5 }] }, { highWatermark: 9 })
    const effects = answer(core, assign(core, { ...FOLLOW, unclean: true }), { logStartOffset, result })
    expect(only(effects, 'quarantine')).toEqual([])
    expect(only(effects, 'resetLog')).toEqual([{ type: 'resetLog', offset: 0, cutCount: 1 }])
    expect(only(effects, 'sendFetch').at(-1)?.fetch).toMatchObject({ fetchOffset: 0, lastFetchedEpoch: -1, syncedEndOffset: 0, logStartOffset: 0 })
    expect(core).toMatchObject({ logStartOffset: 0, highWatermark: 0, logEndOffset: 0, syncedEndOffset: 0, epochs: [], role: 'follower' })
    // A start that was on its way to the disk changes nothing any more.
    expect(core.step({ type: 'startSynced', offset: 6, batchOffset: 6 })).toEqual([])
  })

  it('waits for a leader that does not know who wrote the record before its start', () => {
    const core = partition({ endOffset: 10 }, { highWatermark: 9 })
    const effects = answer(core, assign(core, FOLLOW), { result: { type: 'diverging', epoch: -1, endOffset: 8 }, logStartOffset: 8 })
    expect(effects).toEqual([])
    expect(core.role).toBe('follower')
  })

  it('waits, too, where that start lies within a batch and all that is here, up to where the batch begins, is committed', () => {
    const core = partition({ endOffset: 7, epochs: [{ epoch: 2, startOffset: 0 }] }, { highWatermark: 7 })
    const effects = answer(core, assign(core, FOLLOW), { result: { type: 'diverging', epoch: -1, endOffset: 7 }, logStartOffset: 8 })
    expect(effects).toEqual([])
    expect([core.role, core.logEndOffset]).toEqual(['follower', 7])
    // After an unclean election nothing of it has to stay, and what ends below its start goes on where the leader says.
    const freed = partition({ endOffset: 7, epochs: [{ epoch: 2, startOffset: 0 }] }, { highWatermark: 7 })
    const cut = answer(freed, assign(freed, { ...FOLLOW, unclean: true }), { result: { type: 'diverging', epoch: -1, endOffset: 7 }, logStartOffset: 8 })
    expect(only(cut, 'truncate')).toEqual([{ type: 'truncate', endOffset: 0, cutCount: 1 }])
    expect(only(cut, 'sendFetch').at(-1)?.fetch).toMatchObject({ fetchOffset: 0, lastFetchedEpoch: -1 })
  })

  it('R6.8: takes the leader’s word for who wrote what is gone', () => {
    const core = partition({ endOffset: 10 })
    const batches = [{ producerEpoch: 0, baseSequence: 0, lastSequence: 1, baseOffset: 38, lastOffset: 39 }]
    answer(core, assign(core, FOLLOW), { result: { ...RESET, producers: [{ producerId: 7, batches, idleTicks: 0 }] }, logStartOffset: 40 })
    core.step({ type: 'synced', cutCount: 1, endOffset: 40 })
    assign(core, { leaderEpoch: 4, partitionEpoch: 6 })
    const again = produce(core, 'x', { producerId: 7, baseSequence: 0, records: 2 })
    expect(only(again, 'produceReply')).toMatchObject([{ baseOffset: 38, code: null }])
    expect(only(produce(core, 'y', { producerId: 7, baseSequence: 2 }), 'append')).toHaveLength(1)
  })
})

describe('whose time a record carries', () => {
  const late = { maxTimestamp: 12_001, baseTimestamp: 11_000 }
  const early = { maxTimestamp: 11_000, baseTimestamp: -990_000 }

  it.each([
    ['ahead of the clock by more than message.timestamp.after.max.ms', late, 'after.max.ms is 1000'],
    ['behind it by more than message.timestamp.before.max.ms', early, 'before.max.ms is 1000000'],
  ])('%s', (_what, times, detail) => {
    const core = partition()
    assign(core)
    const nowMs = times === late ? 11_000 : 10_001
    const bytes = makeBatch('x')
    const header = { ...headerOf(bytes), ...times }
    const step = (now: number) => core.step({ type: 'produce', produceId: 1, nowMs: now, acks: -1, currentLeaderEpoch: -1, header, bytes })
    const [reply] = only(step(nowMs), 'produceReply')
    expect(reply).toMatchObject({ code: 'INVALID_TIMESTAMP', definite: true })
    expect(reply!.detail).toContain(detail)
    expect(only(step(times === late ? 11_001 : 10_000), 'append')).toMatchObject([{ logAppendTimeMs: null }])
  })

  it('is the leader’s with LogAppendTime, whatever the producer said', () => {
    const core = partition()
    assign(core, {}, { ...CREATE_TIME, type: 'LogAppendTime' })
    const bytes = makeBatch('x')
    const header = { ...headerOf(bytes), ...late }
    const effects = core.step({ type: 'produce', produceId: 1, nowMs: 5, acks: -1, currentLeaderEpoch: -1, header, bytes })
    expect(only(effects, 'append')).toMatchObject([{ logAppendTimeMs: 5 }])
  })

  it('is none of a producer’s business to mark as the leader’s', () => {
    const core = partition()
    assign(core)
    expect(only(produce(core, 'x', { attributes: 0x08 }), 'produceReply')).toMatchObject([{ code: 'INVALID_RECORD', definite: true }])
  })

  it('may be unknown', () => {
    const core = partition()
    assign(core)
    const bytes = makeBatch('x')
    const header = { ...headerOf(bytes), baseTimestamp: -1, maxTimestamp: -1 }
    const effects = core.step({ type: 'produce', produceId: 1, nowMs: 10_000_000, acks: -1, currentLeaderEpoch: -1, header, bytes })
    expect(only(effects, 'append')).toHaveLength(1)
  })
})
