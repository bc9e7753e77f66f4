import { describe, expect, it } from 'vitest'
import type { PartitionState } from '../../src/metadata/records.ts'
import type { FetchAnswer, FollowerFetch, PartitionEffect, ReplicaBroker } from '../../src/replication/effects.ts'
import { Partition } from '../../src/replication/partition.ts'
import { Producers } from '../../src/replication/producers.ts'
import { type BatchOptions, headerOf, makeBatch } from './support/batches.ts'

const OWN = 1
const PEER = 2
const TIMESTAMPS = { type: 'CreateTime', beforeMaxMs: 1_000_000, afterMaxMs: 1_000 } as const

function partition(
  options: { start?: number; end?: number; lastEpoch?: number; highWatermark?: number; repairing?: boolean; isStartLost?: boolean } = {},
): Partition {
  const { start = 0, end = 0, lastEpoch: epoch = 0, highWatermark = 0, repairing = false, isStartLost = false } = options
  let nextFetchId = 1
  return new Partition({
    nodeId: OWN,
    log: {
      startOffset: start,
      startBatchOffset: start,
      endOffset: end,
      syncedEndOffset: end,
      cutCount: 0,
      epochs: end === 0 ? [] : [{ epoch, startOffset: start }],
    },
    highWatermark,
    producers: Producers.restore(undefined),
    fetchIds: { next: () => nextFetchId++ },
    lagTicks: 100,
    reportTicks: 4,
    fetchMaxBytes: 1000,
    maxUnansweredBatches: 5,
    repairing,
    isStartLost,
  })
}

function assign(core: Partition, change: Partial<PartitionState> = {}, options: { own?: number | null; minInSyncReplicas?: number } = {}): PartitionEffect[] {
  const own = options.own === undefined ? 10 : options.own
  const brokers = new Map<number, ReplicaBroker>([[PEER, { brokerEpoch: 11, fenced: false, draining: false }]])
  if (own !== null) brokers.set(OWN, { brokerEpoch: own, fenced: false, draining: false })
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
  return core.step({ type: 'assign', state, brokers, minInSyncReplicas: options.minInSyncReplicas ?? 1, maxMessageBytes: 100, timestamps: TIMESTAMPS })
}

function produce(
  core: Partition,
  value: string,
  options: BatchOptions & { acks?: -1 | 0 | 1; leaderEpoch?: number; produceId?: number } = {},
): PartitionEffect[] {
  const bytes = makeBatch(value, options)
  const { acks = -1, leaderEpoch: currentLeaderEpoch = -1, produceId = 1 } = options
  return core.step({ type: 'produce', produceId, nowMs: 0, acks, currentLeaderEpoch, header: headerOf(bytes), bytes })
}

function only<T extends PartitionEffect['type']>(effects: readonly PartitionEffect[], type: T): Extract<PartitionEffect, { type: T }>[] {
  return effects.filter((effect): effect is Extract<PartitionEffect, { type: T }> => effect.type === type)
}

function peerFetch(change: Partial<FollowerFetch> = {}): FollowerFetch {
  return {
    fetchId: 1,
    currentLeaderEpoch: 3,
    fetchOffset: 0,
    lastFetchedEpoch: -1,
    syncedEndOffset: 0,
    brokerEpoch: 11,
    logStartOffset: 0,
    maxBytes: 1000,
    ...change,
  }
}

/** Answers the newest fetch in `effects`. */
function answer(
  core: Partition,
  effects: readonly PartitionEffect[],
  result: FetchAnswer['result'],
  values: readonly Buffer[] = [],
  highWatermark = 0,
): PartitionEffect[] {
  const { fetchId, fetchOffset, lastFetchedEpoch } = (only(effects, 'sendFetch').at(-1) as Extract<PartitionEffect, { type: 'sendFetch' }>).fetch
  const head: FetchAnswer = { fetchId, leaderEpoch: core.leaderEpoch, fetchOffset, lastFetchedEpoch, highWatermark, logStartOffset: 0, result }
  return core.step({ type: 'answer', from: PEER, answer: head, headers: values.map(headerOf), bytes: Buffer.concat(values) })
}

function stamped(value: string, baseOffset: number, leaderEpoch: number): Buffer {
  const bytes = makeBatch(value)
  bytes.writeBigInt64BE(BigInt(baseOffset), 0)
  bytes.writeInt32BE(leaderEpoch, 12)
  return bytes
}

const FOLLOW = { leader: PEER, isr: [{ nodeId: PEER, brokerEpoch: 11 }] }

describe('who leads (rules R5.4)', () => {
  it('does not lead an epoch that was granted before its own broker epoch, and leads the next one', () => {
    const core = partition()
    assign(core, { leaderGrantedOffset: 9 })
    expect(core.role).toBe('none')
    assign(core, { leaderEpoch: 4, leaderGrantedOffset: 21, partitionEpoch: 6 })
    expect(core.role).toBe('leader')
  })

  it('neither leads nor follows before its own registration is applied', () => {
    const core = partition()
    assign(core, {}, { own: null })
    expect(core.role).toBe('none')
    const other = partition()
    expect(only(assign(other, FOLLOW, { own: null }), 'sendFetch')).toEqual([])
    expect(other.role).toBe('none')
  })
})

describe('produce, in the order of its checks (rules R6.6, R1.3)', () => {
  it.each([
    ['an older leader epoch', { leaderEpoch: 2 }, 'FENCED_LEADER_EPOCH'],
    ['a newer leader epoch', { leaderEpoch: 4 }, 'UNKNOWN_LEADER_EPOCH'],
    ['a control batch', { attributes: 0x20 }, 'INVALID_RECORD'],
    ['a producer without a sequence', { producerId: 5, baseSequence: -1 }, 'INVALID_RECORD'],
    ['a producer without an epoch', { producerId: 5, producerEpoch: -1 }, 'INVALID_RECORD'],
  ] as const)('refuses %s, definite, and appends nothing', (_name, options, code) => {
    const core = partition()
    assign(core)
    expect(produce(core, 'a', options)).toMatchObject([{ type: 'produceReply', baseOffset: -1, code, definite: true }])
    expect(produce(core, 'a', { ...options, acks: 0 })).toEqual([])
    expect(core.logEndOffset).toBe(0)
  })

  it('refuses what is too large, and a header that does not fit its bytes', () => {
    const core = partition()
    assign(core)
    expect(produce(core, 'a'.repeat(40))).toMatchObject([{ code: 'MESSAGE_TOO_LARGE' }])
    const bytes = makeBatch('a')
    const step = (header: ReturnType<typeof headerOf>) =>
      core.step({ type: 'produce', produceId: 1, nowMs: 0, acks: -1, currentLeaderEpoch: -1, header, bytes })
    expect(step({ ...headerOf(bytes), recordCount: 0 })).toMatchObject([{ code: 'INVALID_RECORD' }])
    expect(step({ ...headerOf(bytes), lastOffset: 9 })).toMatchObject([{ code: 'INVALID_RECORD' }])
    expect(step({ ...headerOf(bytes), sizeBytes: 99 })).toMatchObject([{ code: 'CORRUPT_MESSAGE' }])
    expect(core.logEndOffset).toBe(0)
  })

  it('answers a committed duplicate though too few are in sync: it did happen', () => {
    const core = partition()
    assign(core)
    produce(core, 'a', { producerId: 5 })
    core.step({ type: 'synced', cutCount: 0, endOffset: 1 })
    assign(core, { partitionEpoch: 6 }, { minInSyncReplicas: 2 })
    expect(produce(core, 'a', { producerId: 5 })).toMatchObject([{ type: 'produceReply', baseOffset: 0, code: null }])
    expect(produce(core, 'b', { producerId: 5, baseSequence: 1 })).toMatchObject([{ code: 'NOT_ENOUGH_REPLICAS', definite: true }])
  })

  it("acks=1 waits for the leader's own sync, whatever else happens", () => {
    const core = partition()
    assign(core)
    produce(core, 'a', { acks: 1 })
    expect(only(core.step({ type: 'fetch', from: PEER, fetch: peerFetch() }), 'produceReply')).toEqual([])
    expect(only(core.step({ type: 'synced', cutCount: 0, endOffset: 1 }), 'produceReply')).toMatchObject([{ baseOffset: 0, code: null }])
  })

  it('acks=0 is never answered, not by commit and not by the end of leadership', () => {
    const core = partition()
    assign(core)
    expect(only(produce(core, 'a', { acks: 0 }), 'append')).toHaveLength(1)
    expect(only(core.step({ type: 'synced', cutCount: 0, endOffset: 1 }), 'produceReply')).toEqual([])
    expect(only(core.step({ type: 'offline', reason: 'disk' }), 'produceReply')).toEqual([])
  })
})

describe('a leader and its followers (rules R6.1, R6.4, R6.5)', () => {
  const isr = [
    { nodeId: OWN, brokerEpoch: 10 },
    { nodeId: PEER, brokerEpoch: 11 },
  ]

  it.each([
    [{ currentLeaderEpoch: 2 }, 'FENCED_LEADER_EPOCH'],
    [{ currentLeaderEpoch: 4 }, 'UNKNOWN_LEADER_EPOCH'],
    [{ brokerEpoch: 10 }, 'STALE_BROKER_EPOCH'],
    [{ brokerEpoch: 12 }, 'BROKER_ID_NOT_REGISTERED'],
    [{ syncedEndOffset: 2 }, 'INVALID_REQUEST'],
  ] as const)('refuses a fetch with %o and learns nothing of it', (change, code) => {
    const core = partition({ end: 1 })
    assign(core, { isr })
    const fetch = peerFetch({ fetchOffset: 1, lastFetchedEpoch: 0, syncedEndOffset: 1, ...change })
    expect(core.step({ type: 'fetch', from: PEER, fetch })).toMatchObject([{ type: 'answerFetch', maxBytes: 0, answer: { result: { type: 'error', code } } }])
    expect(core.highWatermark).toBe(0)
    core.step({ type: 'fetch', from: PEER, fetch: { ...fetch, currentLeaderEpoch: 3, brokerEpoch: 11, syncedEndOffset: 1 } })
    expect(core.highWatermark).toBe(1)
  })

  it('forgets what a follower had synced when it registers anew', () => {
    const core = partition()
    assign(core, { isr })
    core.step({ type: 'fetch', from: PEER, fetch: peerFetch() })
    produce(core, 'a')
    core.step({ type: 'synced', cutCount: 0, endOffset: 1 })
    const brokers = new Map([
      [OWN, { brokerEpoch: 10, fenced: false, draining: false }],
      [PEER, { brokerEpoch: 30, fenced: false, draining: false }],
    ])
    core.step({
      type: 'assign',
      state: { ...(core.state as PartitionState), partitionEpoch: 6 },
      brokers,
      minInSyncReplicas: 2,
      maxMessageBytes: 100,
      timestamps: TIMESTAMPS,
    })
    core.step({ type: 'fetch', from: PEER, fetch: peerFetch({ fetchId: 2, fetchOffset: 1, lastFetchedEpoch: 3, syncedEndOffset: 1 }) })
    expect(core.highWatermark).toBe(0)
  })

  it('answers the newest data fetch alone, and a report at once', () => {
    const core = partition()
    assign(core, { isr })
    expect(core.step({ type: 'fetch', from: PEER, fetch: peerFetch({ fetchId: 5 }) })).toEqual([])
    expect(core.step({ type: 'fetch', from: PEER, fetch: peerFetch({ fetchId: 4 }) })).toEqual([])
    expect(core.step({ type: 'fetch', from: PEER, fetch: peerFetch({ fetchId: 6, maxBytes: 0 }) })).toMatchObject([{ answer: { fetchId: 6 }, maxBytes: 0 }])
    expect(core.step({ type: 'fetch', from: PEER, fetch: peerFetch({ fetchId: 7 }) })).toEqual([])
    const answers = only(produce(core, 'a'), 'answerFetch')
    expect(answers.map((effect) => effect.answer.fetchId)).toEqual([7])
    expect(only(produce(core, 'b', { produceId: 2 }), 'answerFetch')).toEqual([])
  })

  it('repeats a proposal with the same members when the controller could not decide', () => {
    const core = partition()
    assign(core)
    const proposed = only(core.step({ type: 'fetch', from: PEER, fetch: peerFetch() }), 'proposeIsr')
    expect(proposed).toMatchObject([{ partitionEpoch: 5, isr }])
    core.step({ type: 'isrAnswer', leaderEpoch: 3, partitionEpoch: 5, code: 'NOT_CONTROLLER' })
    expect(core.quietTicks).toBe(3)
    const later = [1, 2, 3, 4].map(() => only(core.step({ type: 'tick' }), 'proposeIsr'))
    expect(later).toEqual([[], [], [], proposed])
  })

  it('is quiet until something is due, and takes what was quiet at once', () => {
    const core = partition()
    assign(core, { isr })
    expect(core.quietTicks).toBe(100)
    // First the high watermark is told, then nothing but that there is nothing.
    for (const [fetchId, quietTicks] of [
      [1, 3],
      [2, 19],
    ] as const) {
      core.step({ type: 'fetch', from: PEER, fetch: peerFetch({ fetchId }) })
      expect(core.quietTicks).toBe(quietTicks)
      expect(core.step({ type: 'tick', ticks: quietTicks })).toEqual([])
      expect(core.quietTicks).toBe(0)
      expect(core.step({ type: 'tick' })).toMatchObject([{ type: 'answerFetch', answer: { fetchId } }])
      expect(core.quietTicks).toBe(Number.POSITIVE_INFINITY)
    }
  })

  it('keeps a proposed replica in the maximal ISR whatever is answered, until a higher partition epoch is applied', () => {
    for (const code of [null, 'INELIGIBLE_REPLICA', 'INVALID_UPDATE_VERSION', 'NOT_CONTROLLER'] as const) {
      const core = partition()
      assign(core)
      core.step({ type: 'fetch', from: PEER, fetch: peerFetch() })
      core.step({ type: 'isrAnswer', leaderEpoch: 3, partitionEpoch: 5, code })
      produce(core, 'a')
      core.step({ type: 'synced', cutCount: 0, endOffset: 1 })
      expect([core.maximalIsr, core.highWatermark], String(code)).toEqual([[OWN, PEER], 0])
      assign(core, { partitionEpoch: 6 })
      // The old attempt is dead. Who was refused is left alone for a while; the others are asked for again.
      const expected = code === 'INELIGIBLE_REPLICA' ? [[OWN], 1] : [[OWN, PEER], 0]
      expect([core.maximalIsr, core.highWatermark], String(code)).toEqual(expected)
    }
  })
})

describe('a follower and what it is told (rules R6.2, R6.3)', () => {
  it('does not cut below its high watermark: it is set aside', () => {
    const core = partition({ end: 3, highWatermark: 2 })
    const effects = answer(core, assign(core, FOLLOW), { type: 'diverging', epoch: 0, endOffset: 1 })
    expect(only(effects, 'truncate')).toEqual([])
    expect(only(effects, 'quarantine')).toHaveLength(1)
    expect(core.role).toBe('offline')
  })

  it('does not lead an epoch in which its log has a batch already, for nobody was granted it before: it is set aside', () => {
    const core = partition({ end: 3, lastEpoch: 3 })
    const effects = assign(core)
    expect(only(effects, 'quarantine')).toHaveLength(1)
    expect(core.role).toBe('offline')
  })

  it('does not count with an epoch that nobody was granted: it is set aside, unless it is being repaired', () => {
    const judged = (lastEpoch: number, repairing: boolean) => {
      const core = partition({ end: 3, lastEpoch, repairing })
      return [only(assign(core, { leader: -1, isr: [], elr: [OWN, PEER] }), 'quarantine').length, core.role]
    }
    expect(judged(4, false)).toEqual([1, 'offline'])
    expect(judged(4, true)).toEqual([0, 'none'])
    expect(judged(3, false)).toEqual([0, 'none'])
  })

  it.each([
    ['an unclean election', { ...FOLLOW, unclean: true }, false],
    ['damage that is being repaired', FOLLOW, true],
  ] as const)('cuts below it after %s', (_name, state, repairing) => {
    const core = partition({ end: 3, highWatermark: 2, repairing })
    const effects = answer(core, assign(core, state), { type: 'diverging', epoch: 0, endOffset: 1 })
    expect(only(effects, 'truncate')).toMatchObject([{ endOffset: 1, cutCount: 1 }])
    expect([core.highWatermark, core.role]).toEqual([1, 'follower'])
  })

  it('is repaired once a decision names this process in the ISR, not before', () => {
    const core = partition({ end: 3, highWatermark: 2, repairing: true })
    assign(core, { ...FOLLOW, isr: [...FOLLOW.isr, { nodeId: OWN, brokerEpoch: 9 }] })
    expect(core.repairing).toBe(true)
    assign(core, { ...FOLLOW, isr: [...FOLLOW.isr, { nodeId: OWN, brokerEpoch: 10 }], partitionEpoch: 6 })
    expect(core.repairing).toBe(false)
  })

  it('R6.3: begins anew when it is repaired and where its log begins was lost, before its leader hears of it', () => {
    const core = partition({ start: 3, end: 9, highWatermark: 3, repairing: true, isStartLost: true })
    expect(assign(core, { leader: -1, isr: [], elr: [PEER] })).toEqual([])
    const effects = assign(core, { ...FOLLOW, leaderEpoch: 4, partitionEpoch: 6 })
    expect(only(effects, 'resetLog')).toEqual([{ type: 'resetLog', offset: 0, cutCount: 1 }])
    expect(only(effects, 'sendFetch').map(({ fetch }) => fetch)).toMatchObject([
      { fetchOffset: 0, lastFetchedEpoch: -1, syncedEndOffset: 0, logStartOffset: 0 },
    ])
    expect(core).toMatchObject({ logStartOffset: 0, logEndOffset: 0, highWatermark: 0, role: 'follower' })
    const again = assign(core, { ...FOLLOW, leaderEpoch: 5, partitionEpoch: 7 })
    expect(only(again, 'resetLog')).toEqual([])
  })

  it('R6.3: begins anew when it is repaired and ends within a batch of its leader, which comes whole or not at all; else it waits', () => {
    const within = (repairing: boolean): unknown => {
      const core = partition({ end: 3, lastEpoch: 3, highWatermark: 2, repairing })
      const effects = answer(core, assign(core, FOLLOW), { type: 'data' }, [stamped('a', 2, 3)])
      const [next] = only([...effects, ...[1, 2].flatMap(() => core.step({ type: 'tick' }))], 'sendFetch')
      return [only(effects, 'resetLog').map(({ offset }) => offset), core.logEndOffset, next?.fetch.fetchOffset]
    }
    expect([within(true), within(false)]).toEqual([
      [[0], 0, 0],
      [[], 3, 3],
    ])
  })

  it.each([
    ['a gap', [stamped('a', 1, 3)]],
    ['an epoch above the leader epoch', [stamped('a', 0, 4)]],
    ['epochs that fall', [stamped('a', 0, 3), stamped('b', 1, 2)]],
  ])('does not append %s', (_name, batches) => {
    const core = partition()
    const effects = answer(core, assign(core, FOLLOW), { type: 'data' }, batches)
    expect([only(effects, 'appendFetched'), core.logEndOffset]).toEqual([[], 0])
    const retried = [1, 2].flatMap(() => only(core.step({ type: 'tick' }), 'sendFetch'))
    expect(retried).toHaveLength(1)
  })

  it('takes the high watermark only as far as it has synced, then with the sync', () => {
    const core = partition()
    answer(core, assign(core, FOLLOW), { type: 'data' }, [stamped('a', 0, 3)], 1)
    expect(core.highWatermark).toBe(0)
    core.step({ type: 'synced', cutCount: 0, endOffset: 1 })
    expect(core.highWatermark).toBe(1)
  })

  it('asks again with a new id when an answer does not come, and on the next tick when the stream is lost', () => {
    const core = partition()
    const first = only(assign(core, FOLLOW), 'sendFetch')
    const sent = Array.from({ length: 40 }, () => only(core.step({ type: 'tick' }), 'sendFetch')).flat()
    expect(sent).toHaveLength(1)
    expect(sent[0]?.fetch.fetchId).not.toBe(first[0]?.fetch.fetchId)
    expect(only(answer(core, first, { type: 'data' }, [stamped('a', 0, 3)]), 'appendFetched')).toEqual([])
    expect(core.step({ type: 'disconnected', nodeId: PEER })).toEqual([])
    expect(only(core.step({ type: 'tick' }), 'sendFetch')).toHaveLength(1)
  })

  it('I10: waits twice as long after each answer that did not come, until one is quick or the stream is lost: what is asked again is sent again', () => {
    const core = partition()
    let asked = assign(core, FOLLOW)
    const waits = (): number => {
      for (let ticks = 1; ; ticks++) {
        asked = core.step({ type: 'tick' })
        if (only(asked, 'sendFetch').length > 0) return ticks
      }
    }
    expect([waits(), waits(), waits(), waits(), waits(), waits()]).toEqual([40, 80, 160, 320, 640, 640])
    const late = asked
    for (let ticks = 0; ticks < 50; ticks++) core.step({ type: 'tick' })
    answer(core, late, { type: 'data' }, [stamped('a', 0, 2)])
    expect(waits()).toBe(640)
    answer(core, asked, { type: 'data' }, [stamped('b', 1, 2)])
    expect([waits(), waits()]).toEqual([40, 80])
    core.step({ type: 'disconnected', nodeId: PEER })
    expect([waits(), waits()]).toEqual([1, 40])
  })

  it('I10: fetches no further while 2 MiB of what it fetched are not synced, and goes on with the sync or a cut', () => {
    const core = partition()
    const large = 'x'.repeat(1024 * 1024)
    const first = answer(core, assign(core, FOLLOW), { type: 'data' }, [stamped(large, 0, 2)])
    expect(only(first, 'sendFetch')).toMatchObject([{ fetch: { fetchOffset: 1, maxBytes: 1000 } }])
    const second = answer(core, first, { type: 'data' }, [stamped(large, 1, 2)])
    expect(only(second, 'sendFetch')).toEqual([])
    expect(Array.from({ length: 100 }, () => only(core.step({ type: 'tick' }), 'sendFetch')).flat()).toEqual([])
    const synced = only(core.step({ type: 'synced', cutCount: 0, endOffset: 1 }), 'sendFetch')
    expect(synced).toMatchObject([{ fetch: { fetchOffset: 2, syncedEndOffset: 1, maxBytes: 1000 } }])
    const full = answer(core, synced, { type: 'data' }, [stamped(large, 2, 2)])
    expect(only(full, 'sendFetch')).toEqual([])
    const report = only(core.step({ type: 'synced', cutCount: 0, endOffset: 1 }), 'sendFetch')
    expect(report).toEqual([])
  })

  it('forgets with a cut what else is outstanding: the answer to the older data fetch is not used, though the log is there again', () => {
    const core = partition()
    const opened = assign(core, FOLLOW)
    const fetched = answer(core, opened, { type: 'data' }, [stamped('a', 0, 2)])
    const older = only(fetched, 'sendFetch')
    const report = only(core.step({ type: 'synced', cutCount: 0, endOffset: 1 }), 'sendFetch')
    const cut = answer(core, report, { type: 'diverging', epoch: -1, endOffset: 0 })
    expect(only(cut, 'truncate')).toMatchObject([{ endOffset: 0 }])
    expect(only(cut, 'sendFetch')).toMatchObject([{ fetch: { fetchOffset: 0, lastFetchedEpoch: -1 } }])
    answer(core, cut, { type: 'data' }, [stamped('a', 0, 2)])
    expect(only(answer(core, older, { type: 'data' }, [stamped('b', 1, 3)]), 'appendFetched')).toEqual([])
    expect(core.logEndOffset).toBe(1)
  })

  it('ignores the completion of a sync that a cut came after', () => {
    const core = partition({ end: 1 })
    const fetched = answer(core, assign(core, FOLLOW), { type: 'data' }, [stamped('b', 1, 2)])
    answer(core, fetched, { type: 'diverging', epoch: 0, endOffset: 1 })
    core.step({ type: 'synced', cutCount: 0, endOffset: 2 })
    expect(core.syncedEndOffset).toBe(1)
  })
})
