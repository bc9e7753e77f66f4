import { describe, expect, it } from 'vitest'
import type { Replica } from '../../src/broker/replica.ts'
import { topicId } from '../metadata/fixtures.ts'
import { BrokerBench, FakeServerStream, fetchOf, records } from './harness.ts'

function append(bench: BrokerBench, replica: Replica, count: number, size?: number): void {
  const bytes = records(count, size)
  const header = {
    baseOffset: 0,
    lastOffset: count - 1,
    sizeBytes: bytes.length,
    leaderEpoch: -1,
    attributes: 0,
    baseTimestamp: 0,
    maxTimestamp: 0,
    recordCount: count,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
  }
  replica.produce({ acks: 1, nowMs: 0, currentLeaderEpoch: -1, header, bytes }, () => undefined)
  bench.run()
}

function leading(): { readonly bench: BrokerBench; readonly replica: Replica; readonly stream: FakeServerStream } {
  const bench = new BrokerBench()
  bench.begin()
  bench.apply(bench.topicRecords(1, 'orders'))
  const stream = new FakeServerStream()
  bench.fetchServer.accept(2, stream)
  return { bench, replica: bench.replica(1), stream }
}

function request(stream: FakeServerStream, number: number, changes: Parameters<typeof fetchOf>[0]): void {
  stream.request({ fetches: [{ topicId: topicId(number), partition: 0, fetch: fetchOf(changes) }] })
}

function sizes(stream: FakeServerStream): number[] {
  return stream.sent.flatMap(({ answers }) => answers.map(({ batches }) => batches.reduce((sum, batch) => sum + batch.length, 0)))
}

describe('fetch server', () => {
  it('R6.1: what is appended in a turn rides on the answer of that turn; a report gets no data', () => {
    const { bench, replica, stream } = leading()
    request(stream, 1, {})
    append(bench, replica, 3)
    expect(sizes(stream)).toEqual([records(3).length])
    request(stream, 1, { fetchId: 2, maxBytes: 0 })
    bench.run()
    expect(sizes(stream)).toEqual([records(3).length, 0])
  })

  it('says which partitions are not here, in order and within the back-pressure', () => {
    const { bench, stream } = leading()
    stream.isBehind = true
    request(stream, 8, { fetchId: 7 })
    bench.run()
    request(stream, 9, { fetchId: 8 })
    bench.run()
    expect(stream.sent.flatMap(({ answers }) => answers.map(({ answer }) => [answer.fetchId, answer.result]))).toEqual([
      [7, { type: 'error', code: 'UNKNOWN_TOPIC_ID' }],
    ])
    stream.isBehind = false
    stream.drain()
    bench.run()
    expect(stream.sent).toHaveLength(2)
  })

  it('a stream that is replaced asks for nothing more, and what waited on it is forgotten', () => {
    const { bench, replica, stream } = leading()
    request(stream, 1, {})
    bench.run()
    const newer = new FakeServerStream()
    bench.fetchServer.accept(2, newer)
    expect(stream.closed).toBe(true)
    append(bench, replica, 1)
    request(stream, 1, { fetchId: 2 })
    bench.run()
    expect([stream.sent, newer.sent]).toEqual([[], []])
    request(newer, 1, { fetchId: 3 })
    bench.run()
    expect(newer.sent.map(({ answers }) => answers[0]?.answer.fetchId)).toEqual([3])
    stream.end()
    request(newer, 1, { fetchId: 4, fetchOffset: 1, lastFetchedEpoch: 0 })
    append(bench, replica, 1)
    expect(newer.sent.map(({ answers }) => answers[0]?.answer.fetchId)).toEqual([3, 4])
  })

  it('I10: a follower that asks again gets the answer to that, in the place of what it asked before', () => {
    const { bench, replica, stream } = leading()
    append(bench, replica, 1)
    bench.restart()
    bench.begin()
    for (const number of [1, 2]) bench.apply(bench.topicRecords(number, number === 1 ? 'orders' : 'other', { leaderEpoch: 1 }))
    const newer = new FakeServerStream()
    bench.fetchServer.accept(2, newer)
    newer.isBehind = true
    // The first answer blocks the stream; behind it wait one fetch from disk, a report, and an unknown partition, each asked three times.
    request(newer, 8, { fetchId: 1 })
    bench.run()
    for (const round of [10, 20, 30]) {
      request(newer, 1, { fetchId: round, currentLeaderEpoch: 1 })
      request(newer, 1, { fetchId: round + 1, currentLeaderEpoch: 1, maxBytes: 0 })
      request(newer, 9, { fetchId: round + 2 })
      bench.run()
    }
    newer.isBehind = false
    newer.drain()
    bench.run(100)
    const ids = newer.sent.flatMap(({ answers }) => answers.map(({ answer }) => answer.fetchId))
    expect(ids.toSorted((a, b) => a - b)).toEqual([1, 30, 31, 32])
    expect(stream.sent).toEqual([])
  })

  it('I10: batches from disk are read one partition at a time, and wait for a follower that is behind', () => {
    const { bench } = leading()
    for (const number of [2, 3, 4]) bench.apply(bench.topicRecords(number, `topic${number}`))
    for (const number of [2, 3, 4]) append(bench, bench.replica(number), 1)
    const entries = [2, 3, 4]
    bench.restart()
    bench.begin()
    for (const number of entries) bench.apply(bench.topicRecords(number, `topic${number}`, { leaderEpoch: 1 }))
    const stream = new FakeServerStream()
    bench.fetchServer.accept(2, stream)
    let reads = 0
    let most = 0
    for (const number of entries) {
      const { log } = bench.replica(number)
      const read = log.read.bind(log)
      log.read = (offset, maxBytes, done) => {
        most = Math.max(most, ++reads)
        read(offset, maxBytes, (error, batches) => {
          reads--
          done(error, batches)
        })
      }
    }
    stream.isBehind = true
    stream.request({
      fetches: entries.map((number) => ({ topicId: topicId(number), partition: 0, fetch: fetchOf({ fetchId: number, currentLeaderEpoch: 1 }) })),
    })
    bench.run(100)
    expect(sizes(stream)).toEqual([records(1).length])
    stream.isBehind = false
    stream.drain()
    bench.run(100)
    expect(sizes(stream)).toEqual([1, 1, 1].map((count) => records(count).length))
    expect(most).toBe(1)
  })

  it('R6.1: an answer of a leader epoch that ended while the disk was read carries no batches', () => {
    const { bench } = leading()
    append(bench, bench.replica(1), 1)
    bench.restart()
    bench.begin()
    bench.apply(bench.topicRecords(1, 'orders', { leaderEpoch: 1 }))
    const stream = new FakeServerStream()
    bench.fetchServer.accept(2, stream)
    request(stream, 1, { currentLeaderEpoch: 1 })
    bench.clock.step()
    const state = bench.image.topics.get(topicId(1))!.partitions[0]!
    bench.applyQuietly([{ type: 'partition', state: { ...state, leader: 2, leaderEpoch: 2, partitionEpoch: 1, leaderGrantedOffset: bench.image.offset } }])
    bench.run(100)
    expect(sizes(stream).filter((size) => size > 0)).toEqual([])
  })
})

describe('fetchers', () => {
  it('R6.4: the end of a stream on which a node asks does not forget what waits on the stream on which it is asked', () => {
    const { bench, replica, stream } = leading()
    bench.apply(bench.topicRecords(5, 'followed', { leader: 2 }))
    expect(bench.streams).toHaveLength(1)
    request(stream, 1, {})
    bench.run()
    bench.streams[0]?.end()
    append(bench, replica, 1)
    expect(sizes(stream)).toEqual([records(1).length])
  })

  it('opens its stream anew on the tick after it ended, and none once it stopped', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.apply(bench.topicRecords(5, 'followed', { leader: 2 }))
    bench.streams[0]?.end()
    expect(bench.streams).toHaveLength(1)
    bench.partitions.tick()
    bench.run()
    expect(bench.streams).toHaveLength(2)
    expect(bench.streams[1]?.sent).toHaveLength(1)
    bench.fetchers.stop()
    bench.streams[1]?.end()
    for (let tick = 0; tick < 100; tick++) bench.partitions.tick()
    bench.run()
    expect([bench.streams.length, bench.streams[1]?.closed]).toEqual([2, true])
  })

  it('R3.3: a batch with a wrong checksum is not appended; its stream is opened anew', () => {
    const bench = new BrokerBench()
    bench.begin()
    bench.apply(bench.topicRecords(5, 'followed', { leader: 2 }))
    const stream = bench.streams[0]!
    const asked = stream.sent[0]!.fetches[0]!.fetch
    const bad = records(1)
    bad[bad.length - 1]! ^= 1
    const answer = {
      fetchId: asked.fetchId,
      leaderEpoch: 0,
      fetchOffset: 0,
      lastFetchedEpoch: -1,
      highWatermark: 0,
      logStartOffset: 0,
      result: { type: 'data' },
    } as const
    stream.answer({ answers: [{ topicId: topicId(5), partition: 0, answer, batches: [bad] }] })
    expect([stream.closed, bench.replica(5).log.endOffset]).toEqual([true, 0])
    bench.partitions.tick()
    bench.run()
    const again = bench.streams[1]!.sent[0]!.fetches[0]!.fetch
    const good = records(2)
    good.writeInt32BE(0, 12)
    bench.streams[1]!.answer({ answers: [{ topicId: topicId(5), partition: 0, answer: { ...answer, fetchId: again.fetchId }, batches: [good] }] })
    bench.run()
    expect(bench.replica(5).core.syncedEndOffset).toBe(2)
  })
})
