import { describe, expect, it } from 'vitest'
import { type Budget, checkBudgets } from '../../../chaos/check/budgets.ts'
import { findUnhealed } from '../../../chaos/check/convergence.ts'
import { checkDelivery, type ReadRecord } from '../../../chaos/check/delivery.ts'
import { DurableLogs } from '../../../chaos/check/durable-logs.ts'
import type { MetadataImage } from '../../../src/metadata/image.ts'
import { checkFetchRequest, checkPeerMessage } from '../../../chaos/check/synced-before-sent.ts'
import { SimClock } from '../../../chaos/sim/clock.ts'
import { SimDisk } from '../../../chaos/sim/disk.ts'
import { EventQueue } from '../../../chaos/sim/event-queue.ts'
import { UnansweredProduce } from '../../../chaos/sim/unanswered-produce.ts'
import { History } from '../../../chaos/history.ts'
import type { DiskFile } from '../../../src/base/disk.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import type { FetchRequestMessage, PeerMessage } from '../../../src/wire/peer.ts'
import { makeBroker, makeImage, makeState, topicId } from './fake-cluster.ts'
import { makeBatch } from './fake-log.ts'

/** Sends 1, 2, 3 of one producer: acknowledged at 0, unknown, refused; consumer c read what lies at 0. */
function makeHistory(): History {
  const history = new History()
  for (const sendId of [1, 2, 3]) history.add({ type: 'send', atMs: sendId, sendId, producer: 'p', topicId, partition: 0, value: `${sendId} v` })
  history.add({ type: 'ok', atMs: 4, sendId: 1, partition: 0, offset: 0 })
  history.add({ type: 'info', atMs: 4, sendId: 2, code: 'REQUEST_TIMED_OUT' })
  history.add({ type: 'fail', atMs: 4, sendId: 3, code: 'NOT_ENOUGH_REPLICAS' })
  history.add({ type: 'read', atMs: 5, consumer: 'c', topicId, partition: 0, offset: 0, value: '1 v' })
  return history
}

const record = (offset: number, value: string): ReadRecord => ({ topicId, partition: 0, offset, value })

describe('delivery', () => {
  it('holds when what is acknowledged is there, and what is unknown is there or not', () => {
    expect(() => checkDelivery(makeHistory(), [record(0, '1 v')])).not.toThrow()
    expect(() => checkDelivery(makeHistory(), [record(0, '1 v'), record(1, '2 v')])).not.toThrow()
  })

  it.each([
    ['an acknowledged record is lost', [], /^delivery: .* send 1 of p was acknowledged at offset 0 and is not there/],
    ['an acknowledged record lies elsewhere', [record(1, '1 v')], /^delivery: .* send 1 was acknowledged at offset 0 and lies at 1/],
    ['a record is changed', [record(0, '1 w')], /^delivery: .* never sent there/],
    ['a record is there twice', [record(0, '1 v'), record(1, '1 v')], /^delivery: .* send 1 is there twice, at 0 and 1/],
    ['a refused record is there', [record(0, '1 v'), record(1, '3 v')], /^delivery: .* send 3 was refused for sure, and is there/],
    ['a record was never sent', [record(0, '1 v'), record(1, '9 v')], /^delivery: .* never sent there/],
    ['offsets go back', [record(1, '2 v'), record(0, '1 v')], /^order: /],
  ])('%s', (_what, records, expected) => {
    expect(() => checkDelivery(makeHistory(), records)).toThrow(expected)
  })

  it('holds without an acknowledged record, and whatever consumers saw, where an unclean election gave records up; not with one that is there twice', () => {
    const givenUp = (): boolean => true
    const history = makeHistory()
    history.add({ type: 'read', atMs: 6, consumer: 'c', topicId, partition: 0, offset: 1, value: '2 other' })
    expect(() => checkDelivery(history, [], () => 0, givenUp)).not.toThrow()
    expect(() => checkDelivery(history, [record(1, '1 v')], () => 0, givenUp)).not.toThrow()
    const twice = [record(0, '1 v'), record(1, '1 v')]
    expect(() => checkDelivery(history, twice, () => 0, givenUp)).toThrow(/^delivery: .* is there twice/)
  })

  it('the order of a producer’s sends is changed', () => {
    const history = new History()
    for (const sendId of [1, 2]) history.add({ type: 'send', atMs: sendId, sendId, producer: 'p', topicId, partition: 0, value: `${sendId} v` })
    expect(() => checkDelivery(history, [record(0, '2 v'), record(1, '1 v')])).toThrow(/^order: .* send 1 of p lies behind send 2/)
  })

  it('a consumer read what is not there in the end, or skipped something', () => {
    const wrong = makeHistory()
    wrong.add({ type: 'read', atMs: 6, consumer: 'c', topicId, partition: 0, offset: 1, value: '2 other' })
    expect(() => checkDelivery(wrong, [record(0, '1 v'), record(1, '2 v')])).toThrow(/^delivery: .* c read "2 other", in the end it is "2 v"/)
    const skipped = makeHistory()
    skipped.add({ type: 'read', atMs: 6, consumer: 'd', topicId, partition: 0, offset: 1, value: '2 v' })
    expect(() => checkDelivery(skipped, [record(0, '1 v'), record(1, '2 v')])).toThrow(/^order: .* d read offset 1 after -1, 0 comes next/)
  })
})

describe('convergence', () => {
  it('says what is not healed yet', () => {
    expect(findUnhealed(makeImage(9, makeState()), [1, 2, 3])).toBeUndefined()
    expect(findUnhealed(makeImage(9, makeState()), [1, 2, 3, 4])).toBe('node 4 is not registered')
    expect(findUnhealed(makeImage(9, makeState({ isr: [{ nodeId: 1, brokerEpoch: 1 }] })), [1, 2, 3])).toBe('the ISR of t-0 is 1 of 1,2,3')
    expect(findUnhealed(makeImage(9, makeState({ leader: -1, isr: [], elr: [1] })), [1, 2, 3])).toMatch(/^t-0 has no leader/)
    expect(
      findUnhealed(
        makeImage(
          9,
          makeState(),
          [1, 2, 3].map((nodeId) => makeBroker(nodeId, nodeId, { fenced: nodeId === 2 })),
        ),
        [1, 2, 3],
      ),
    ).toBe('node 2 is fenced')
  })

  it('says that a broker in maintenance leads, unless all in sync are', () => {
    const maintained = (...nodeIds: number[]): MetadataImage => {
      const brokers = [1, 2, 3].map((nodeId) => makeBroker(nodeId, nodeId, { maintenance: nodeIds.includes(nodeId) }))
      return makeImage(9, makeState(), brokers)
    }
    expect(findUnhealed(maintained(2, 3), [1, 2, 3])).toBeUndefined()
    expect(findUnhealed(maintained(1, 2), [1, 2, 3])).toBe('t-0 is led by node 1, which is in maintenance, and not by node 3, which is not')
    expect(findUnhealed(maintained(1, 2, 3), [1, 2, 3])).toBeUndefined()
  })
})

describe('I10', () => {
  it('produce that was read and not answered, up to what was answered in one turn, and one request beyond', () => {
    const unanswered = new UnansweredProduce()
    const budget = (): Budget => ({ name: 'produce without an answer', held: unanswered.heldBytes, limit: unanswered.limitBytes(100) })
    for (let count = 0; count < 6; count++) unanswered.read(40)
    expect(() => checkBudgets('node 1', [budget()])).not.toThrow()
    unanswered.read(41)
    unanswered.read(2)
    expect(() => checkBudgets('node 1', [budget()])).toThrow(/^I10: node 1: produce without an answer holds 283, 282 is its budget/)
    unanswered.answered(2)
    expect(() => checkBudgets('node 1', [budget()])).not.toThrow()
  })

  it('a queue beyond its budget', () => {
    expect(() => checkBudgets('node 1', [{ name: 'produce in flight', held: 5, limit: 5 }])).not.toThrow()
    expect(() => checkBudgets('node 1', [{ name: 'produce in flight', held: 6, limit: 5 }])).toThrow(/^I10: node 1: produce in flight holds 6, 5 is its budget/)
  })
})

describe('I9, judged by what the disk was asked to do', () => {
  const path = 'partitions/t-0/00000000000000000000.log'

  interface WatchedDisk {
    readonly durable: DurableLogs
    open(name: string): DiskFile
    run(): void
    remove(name: string): void
    restart(): void
    losePower(): void
    syncFolder(name: string): void
    failSync(): void
  }

  function makeDisk(seed = 1): WatchedDisk {
    const queue = new EventQueue()
    let disk = new SimDisk({ clock: new SimClock(queue, null), random: new SeededRandom(seed), minLatencyMs: 1, maxLatencyMs: 2 })
    const durable = new DurableLogs()
    let wrapped = durable.wrap(disk)
    const restart = (): void => {
      disk = disk.reopen()
      wrapped = durable.wrap(disk)
    }
    const losePower = (): void => {
      disk.powerLoss()
      disk = disk.reopen()
      wrapped = durable.wrap(disk)
    }
    const syncFolder = (name: string): void => wrapped.syncFolder(name, () => {})
    const remove = (name: string): void => wrapped.remove(name, () => {})
    const run = (): void => {
      while (queue.step() !== undefined);
    }
    const open = (name: string): DiskFile => {
      let opened: DiskFile | undefined
      wrapped.mkdir(name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : '', () =>
        wrapped.open(name, { create: true }, (_error, file) => (opened = file)),
      )
      run()
      return opened!
    }
    return { durable, open, run, remove, restart, losePower, syncFolder, failSync: () => disk.failNext('sync', path) }
  }

  const fetch = (syncedEndOffset: number): FetchRequestMessage => ({
    fetches: [
      {
        topicId,
        partition: 0,
        fetch: { fetchId: 1, currentLeaderEpoch: 1, fetchOffset: 9, lastFetchedEpoch: 1, syncedEndOffset, brokerEpoch: 1, logStartOffset: 0, maxBytes: 0 },
      },
    ],
  })

  it('a follower says more than its disk surely holds', () => {
    const { durable, open, run } = makeDisk()
    const say = (synced: number): void => checkFetchRequest('node 2', fetch(synced), () => 'partitions/t-0', durable)
    const file = open(path)
    const batches = [makeBatch(0, 1, 'x'), makeBatch(1, 1, 'y')]
    file.writev(batches, 0, () => {})
    run()
    expect(durable.hasUnsynced).toBe(true)
    expect(() => say(1)).toThrow(/^I9: node 2 said that partitions\/t-0 is synced to 1, its disk holds 0 for sure/)
    file.sync(() => {})
    file.writev([makeBatch(2, 1, 'z')], batches[0]!.length + batches[1]!.length, () => {})
    run()
    say(2)
    expect(() => say(3)).toThrow(/its disk holds 2 for sure/)
    file.truncate(batches[0]!.length, () => {})
    expect(() => say(2)).toThrow(/its disk holds 1 for sure/)
  })

  it('what a call takes away counts no more, and counts again if the process died before the call was carried out', () => {
    const fates = new Set<string>()
    for (let round = 0; round < 20; round++) {
      const { durable, open, run, remove, restart } = makeDisk(round)
      const say = (synced: number): void => checkFetchRequest('node 2', fetch(synced), () => 'partitions/t-0', durable)
      const file = open(path)
      const batches = [makeBatch(0, 1, 'x'), makeBatch(1, 1, 'y')]
      file.writev(batches, 0, () => file.sync(() => {}))
      run()
      if (round % 2 === 0) file.truncate(batches[0]!.length, () => {})
      else remove(path)
      expect(() => say(2)).toThrow(/its disk holds [01] for sure/)
      restart()
      const again = open(path)
      let sizeBytes = -1
      again.size((_error, size) => (sizeBytes = size))
      run()
      const held = sizeBytes === 0 ? 0 : sizeBytes === batches[0]!.length ? 1 : 2
      fates.add(`${round % 2 === 0 ? 'truncate' : 'remove'}: ${held} left`)
      again.sync(() => {})
      run()
      say(held)
      expect(() => say(held + 1)).toThrow(/^I9/)
    }
    expect([...fates].toSorted()).toEqual(['remove: 0 left', 'remove: 2 left', 'truncate: 1 left', 'truncate: 2 left'])
  })

  it('a file that was removed may be there again after a power loss, and counts then, until its folder was synced', () => {
    const fates = new Set<string>()
    for (let round = 0; round < 20; round++) {
      const { durable, open, run, remove, losePower, syncFolder } = makeDisk(round)
      const say = (synced: number): void => checkFetchRequest('node 2', fetch(synced), () => 'partitions/t-0', durable)
      const batches = [makeBatch(0, 1, 'x'), makeBatch(1, 1, 'y')]
      open(path).writev(batches, 0, () => {})
      run()
      open(path).sync(() => {})
      for (const folder of ['', 'partitions', 'partitions/t-0']) syncFolder(folder)
      run()
      remove(path)
      run()
      expect(() => say(1)).toThrow(/^I9/)
      if (round % 2 === 0) syncFolder('partitions/t-0')
      run()
      losePower()
      const again = open(path)
      let sizeBytes = -1
      again.size((_error, size) => (sizeBytes = size!))
      again.sync(() => {})
      run()
      const held = sizeBytes > 0 ? 2 : 0
      fates.add(`${round % 2 === 0 ? 'synced' : 'not synced'}: ${held} left`)
      say(held)
      expect(() => say(held + 1)).toThrow(/^I9/)
    }
    expect([...fates].toSorted()).toEqual(['not synced: 0 left', 'not synced: 2 left', 'synced: 0 left'])
  })

  it('what was cut away may be there again after a failed sync, and counts then', () => {
    const fates = new Set<number>()
    for (let round = 0; round < 20; round++) {
      const { durable, open, run, restart, failSync } = makeDisk(round)
      const say = (synced: number): void => checkFetchRequest('node 2', fetch(synced), () => 'partitions/t-0', durable)
      const file = open(path)
      const batches = [makeBatch(0, 1, 'x'), makeBatch(1, 1, 'y'), makeBatch(2, 1, 'z')]
      const sizeBytes = batches[0]!.length
      file.writev(batches, 0, () => file.sync(() => {}))
      run()
      failSync()
      // In half of the rounds another batch lies where the first of the two was.
      file.truncate(sizeBytes, () => (round % 2 === 0 ? file.sync(() => {}) : file.writev([makeBatch(1, 2, 'v')], sizeBytes, () => file.sync(() => {}))))
      run()
      expect(() => say(round % 2 === 0 ? 2 : 3)).toThrow(/^I9/)
      restart()
      const again = open(path)
      let left = -1
      again.size((_error, size) => (left = Math.round(size! / sizeBytes)))
      run()
      fates.add(left)
      again.sync(() => {})
      run()
      say(left)
      expect(() => say(left + 1)).toThrow(/^I9/)
    }
    expect([...fates].toSorted()).toEqual([1, 2, 3])
  })

  it('what was cut away before a sync stays away', () => {
    const { durable, open, run, restart, failSync } = makeDisk()
    const say = (synced: number): void => checkFetchRequest('node 2', fetch(synced), () => 'partitions/t-0', durable)
    const file = open(path)
    const batches = [makeBatch(0, 1, 'x'), makeBatch(1, 1, 'y')]
    file.writev(batches, 0, () =>
      file.sync(() => file.truncate(batches[0]!.length, () => file.sync(() => file.writev([batches[1]!], batches[0]!.length, () => {})))),
    )
    run()
    failSync()
    file.sync(() => {})
    run()
    restart()
    open(path)
    expect(() => say(2)).toThrow(/its disk holds 1 for sure/)
  })

  it('a voter grants what its disk does not know', () => {
    const { durable, open, run } = makeDisk()
    const slot = Buffer.alloc(48)
    slot.writeUInt32BE(1, 12)
    slot.writeUInt32BE(7, 20)
    slot.writeUInt32BE(3, 28)
    const grant: PeerMessage = { type: 'raft', status: null, message: { type: 'voteReply', preVote: false, term: 7, granted: true, empty: false } }
    const say = (to: number): void => checkPeerMessage('node 2', to, grant, durable)
    const file = open('quorum-state')
    file.writev([slot], 0, () => {})
    run()
    expect(() => say(3)).toThrow(/^I9: node 2 granted its vote of term 7 to node 3/)
    file.sync(() => {})
    run()
    say(3)
    expect(() => say(1)).toThrow(/^I9: node 2 granted its vote of term 7 to node 1/)
  })
})
