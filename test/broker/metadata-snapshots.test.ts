import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { METADATA_LOG } from '../../src/log/surface.ts'
import type { DiskFile } from '../../src/base/disk.ts'
import { peekBatchSize, readBatchHeader, stampBatch } from '../../src/record/batch.ts'
import { type DecodedRecord, decodeRecords, encodeBatch, NO_PRODUCER } from '../../src/record/records.ts'
import { decodeSnapshotHeader, encodeSnapshotHeader } from '../../src/wire/snapshot-codec.ts'
import { hashImage } from '../../src/metadata/hash.ts'
import { type MetadataNode, MetadataQuorum, type NodeSettings } from './metadata-quorum.ts'

const snapshotsOf = (node: MetadataNode): string[] => node.files().filter((name) => name.endsWith('.checkpoint'))

/** Snapshots that were begun, as a process sees them, durable or not. */
const unfinished = (quorum: MetadataQuorum, node: MetadataNode): readonly string[] =>
  quorum.clock.wait<readonly string[]>((done) => node.disk.list(METADATA_LOG, done)).filter((name) => name.endsWith('.checkpoint.tmp'))

function expectTrueImage(quorum: MetadataQuorum, node: MetadataNode): void {
  expect(hashImage(node.image)).toBe(quorum.hashAt(node.image.offset))
}

/** A voter that leads, with `decisions` made one after another. */
function quorumOf(decisions: number, settings: NodeSettings, seed = 1): { quorum: MetadataQuorum; voter: MetadataNode } {
  const quorum = new MetadataQuorum(seed)
  const voter = quorum.add(1, settings)
  voter.start()
  quorum.until(() => voter.isLeader && voter.image.offset > 0, 'a leader')
  decide(quorum, voter, decisions)
  return { quorum, voter }
}

function decide(quorum: MetadataQuorum, voter: MetadataNode, count: number): void {
  for (let made = 0; made < count; made++) {
    const { offset } = voter.image
    voter.propose()
    quorum.until(() => voter.image.offset > offset, 'a decision')
  }
}

const settle = (quorum: MetadataQuorum, ms = 500): void => {
  const endMs = quorum.clock.monotonicMs() + ms
  quorum.until(() => quorum.clock.monotonicMs() >= endMs, 'time')
}

describe('R4.5 a node writes snapshots of its metadata', () => {
  it('by size: two are kept, and the log begins at the older one, in files that end there', () => {
    const { quorum, voter } = quorumOf(40, { snapshotBytes: 600 })
    settle(quorum)
    expect(snapshotsOf(voter)).toHaveLength(2)
    const { log } = voter.folder.metadata.opened
    const older = Math.min(...snapshotsOf(voter).map((name) => Number.parseInt(name, 10)))
    expect(log.startOffset).toBe(older)
    expect(voter.image.offset - older).toBeLessThan(30)
    const firstFile = Math.min(
      ...voter
        .files()
        .filter((name) => name.endsWith('.log'))
        .map((name) => Number.parseInt(name, 10)),
    )
    expect(firstFile).toBeGreaterThan(0)
    expectTrueImage(quorum, voter)
  })

  it('by age, and only when anything was decided since', () => {
    const { quorum, voter } = quorumOf(3, { snapshotMs: 5_000 })
    expect(snapshotsOf(voter)).toEqual([])
    settle(quorum, 6_000)
    expect(snapshotsOf(voter)).toHaveLength(1)
    settle(quorum, 20_000)
    expect(snapshotsOf(voter)).toHaveLength(1)
    decide(quorum, voter, 1)
    settle(quorum, 6_000)
    expect(snapshotsOf(voter)).toHaveLength(2)
  })

  it('starts from the newest and the log behind it', () => {
    const { quorum, voter } = quorumOf(40, { snapshotBytes: 600 })
    settle(quorum)
    const { offset } = voter.image
    voter.crash('powerLoss')
    voter.start()
    expect(voter.folder.metadata.loaded?.snapshot.endOffset).toBeGreaterThan(10)
    quorum.until(() => voter.image.offset > offset, 'a leader again')
    expectTrueImage(quorum, voter)
  })

  it('starts from the older one when the newest is damaged, with nothing lost', () => {
    const { quorum, voter } = quorumOf(40, { snapshotBytes: 600 })
    settle(quorum)
    const { offset } = voter.image
    voter.crash('kill')
    const newest = snapshotsOf(voter).toSorted().at(-1)
    expect(voter.disk.flipByte(`metadata/${newest}`, 150)).toBe(true)
    voter.start()
    expect(voter.lines.some(({ level, message }) => level === 'warn' && message.includes('is damaged, and removed'))).toBe(true)
    expect(voter.folder.damagedBelow).toBeNull()
    quorum.until(() => voter.image.offset > offset, 'a leader again')
    expectTrueImage(quorum, voter)
  })

  it('R3.4: whose snapshots are all damaged does not vote: what it had is gone', () => {
    const { quorum, voter } = quorumOf(40, { snapshotBytes: 600 })
    settle(quorum)
    const { offset } = voter.image
    voter.crash('kill')
    for (const name of snapshotsOf(voter)) voter.disk.flipByte(`metadata/${name}`, 150)
    voter.start()
    expect(voter.folder.damagedBelow).toBeGreaterThanOrEqual(offset)
    expect(voter.folder.metadata.opened.log.endOffset).toBe(0)
    settle(quorum, 10_000)
    expect(voter.isLeader).toBe(false)
  })

  for (const call of ['write', 'sync'] as const) {
    it(`a snapshot that cannot be written (${call}) is said, gives back its room, and is tried again when the next is due`, () => {
      const { quorum, voter } = quorumOf(0, { snapshotBytes: 600 })
      const isSaid = (): boolean => voter.lines.some(({ level, message }) => level === 'error' && message.includes('could not be written'))
      voter.disk.failNext(call, 'metadata/own')
      for (let left = 20; left > 0 && !isSaid(); left--) {
        decide(quorum, voter, 1)
        settle(quorum, 100)
      }
      expect(isSaid()).toBe(true)
      expect(unfinished(quorum, voter)).toEqual([])
      expect(voter.failure).toBeUndefined()
      decide(quorum, voter, 20)
      settle(quorum)
      expect(snapshotsOf(voter).length).toBeGreaterThan(0)
    })
  }
})

describe('R2.3 a snapshot of a version that this one cannot read', () => {
  const UNKNOWN_RECORD = Buffer.from([0x0a, 0x03, 0x9a, 0x06, 0x00])

  /** Each batch of the snapshots of that node, as `change` makes it, whole again. */
  function rewrite(quorum: MetadataQuorum, node: MetadataNode, change: (value: Buffer, at: number) => Buffer): void {
    const { clock } = quorum
    for (const name of snapshotsOf(node)) {
      const path = `${METADATA_LOG}/${name}`
      const content = clock.wait<Buffer | undefined>((done) => node.disk.readFile(path, done)) as Buffer
      const batches: Buffer[] = []
      for (let at = 0; at < content.length; at += peekBatchSize(content, at) as number) {
        const old = content.subarray(at, at + (peekBatchSize(content, at) as number))
        const [{ timestamp, key, value }] = decodeRecords(old) as [DecodedRecord]
        const { attributes, baseOffset, leaderEpoch } = readBatchHeader(old, 0)
        const batch = encodeBatch([{ timestamp, key, value: change(value as Buffer, batches.length) }], { ...NO_PRODUCER, attributes })
        stampBatch(batch, 0, { baseOffset, leaderEpoch })
        batches.push(batch)
      }
      const file = clock.wait<DiskFile | undefined>((done) => node.disk.open(path, { create: false }, done)) as DiskFile
      clock.waitVoid((done) => file.writev([Buffer.concat(batches)], 0, done))
    }
  }

  const changes: Record<string, (value: Buffer, at: number) => Buffer> = {
    'has another format': (value, at) => (at === 0 ? encodeSnapshotHeader({ ...decodeSnapshotHeader(value), version: 2 }) : value),
    'holds a record that is not known here': (value, at) => (at === 1 ? Buffer.concat([value, UNKNOWN_RECORD]) : value),
  }
  for (const [what, change] of Object.entries(changes)) {
    it(`${what}: the node does not start, says what to do, and keeps it`, () => {
      const { quorum, voter } = quorumOf(40, { snapshotBytes: 600 })
      settle(quorum)
      voter.crash('kill')
      rewrite(quorum, voter, change)
      const before = voter.files()
      expect(() => voter.start()).toThrow(/a newer version wrote.*run that version here/)
      expect(voter.files()).toEqual(before)
    })
  }
})

describe('R4.5 a follower is caught up by a snapshot', () => {
  it('one that is new or wiped', () => {
    const { quorum, voter } = quorumOf(60, { snapshotBytes: 600 })
    const observer = quorum.add(2)
    observer.start()
    quorum.until(() => observer.image.offset === voter.image.offset, 'the observer has all')
    expectTrueImage(quorum, observer)
    expect(snapshotsOf(observer)).toHaveLength(1)
    observer.crash('kill')
    observer.disk.wipe()
    decide(quorum, voter, 30)
    observer.start()
    quorum.until(() => observer.image.offset === voter.image.offset, 'the observer has all again')
    expectTrueImage(quorum, observer)
  })

  it('one that was away while the log was cut; one that was away for less goes on from the log', () => {
    const { quorum, voter } = quorumOf(5, { snapshotBytes: 600 })
    const observer = quorum.add(2)
    observer.start()
    quorum.until(() => observer.image.offset === voter.image.offset, 'the observer has all')
    observer.crash('kill')
    decide(quorum, voter, 2)
    observer.start()
    quorum.until(() => observer.image.offset === voter.image.offset, 'the observer has all')
    expect(snapshotsOf(observer)).toEqual([])
    observer.crash('powerLoss')
    decide(quorum, voter, 60)
    observer.start()
    quorum.until(() => observer.image.offset === voter.image.offset, 'the observer has all')
    expect(snapshotsOf(observer)).toHaveLength(1)
    expectTrueImage(quorum, observer)
  })

  it('R3.5: one whose disk has no byte left waits for room, and lives', () => {
    const { quorum, voter } = quorumOf(60, { snapshotBytes: 600 })
    settle(quorum)
    const observer = quorum.add(2)
    observer.start()
    observer.disk.full(true)
    settle(quorum, 10_000)
    expect([observer.failure, snapshotsOf(observer), observer.image.offset < voter.image.offset]).toEqual([undefined, [], true])
    expect(observer.lines.some(({ message }) => message.includes('what came from the leader waits'))).toBe(true)
    observer.disk.full(false)
    quorum.until(() => observer.image.offset === voter.image.offset, 'the observer has all')
    expectTrueImage(quorum, observer)
  })

  it('R3.5: a file that finds no room to be begun anew is given up once, and waits as what is written does', () => {
    const { quorum, voter } = quorumOf(60, { snapshotBytes: 600 })
    settle(quorum)
    const observer = quorum.add(2)
    observer.start()
    const { disk } = observer
    const [open, remove] = [disk.open.bind(disk), disk.remove.bind(disk)]
    const noRoom = (what: string): BrokerError => new BrokerError('DISK_FULL', `${what}: ENOSPC`)
    const [begun, removed]: [string[], string[]] = [[], []]
    disk.open = (path, options, done) => {
      if (!path.includes('received')) return open(path, options, done)
      begun.push(path)
      if (begun.length > 1) quorum.clock.defer(() => done(noRoom('open'), undefined))
      else
        open(path, options, (error, file) => {
          if (file !== undefined) file.writev = (_bytes, _position, written) => quorum.clock.defer(() => written(noRoom('writev')))
          done(error, file)
        })
    }
    disk.remove = (path, done) => {
      removed.push(path)
      remove(path, done)
    }
    settle(quorum, 3_000)
    // A second time its file is closed already, which a real disk calls an error: that would end the node.
    expect([begun.length > 2, removed.filter((path) => path.includes('received')).length]).toEqual([true, 1])
    disk.open = open
    quorum.until(() => observer.image.offset === voter.image.offset, 'the observer has all')
    expect(observer.failure).toBeUndefined()
    expectTrueImage(quorum, observer)
  })

  it('what came is checked before it is used: a leader whose file went bad ends, and the follower takes nothing of it', () => {
    const { quorum, voter } = quorumOf(60, { snapshotBytes: 600 })
    settle(quorum)
    for (const name of snapshotsOf(voter)) voter.disk.flipByte(`metadata/${name}`, 150)
    const observer = quorum.add(2)
    observer.start()
    quorum.until(() => voter.failure !== undefined, 'the leader notices')
    expect(observer.image.offset).toBe(0)
    expect(snapshotsOf(observer)).toEqual([])
  })
})

describe('R4.5 a crash at any disk call', () => {
  for (const fate of ['kill', 'powerLoss'] as const) {
    it(`of writing snapshots and cutting the log behind them, by ${fate}: nothing decided is lost`, () => {
      const met = { loaded: 0, cut: 0, unfinished: 0 }
      for (let events = 0, over = false; !over; events++) {
        const { quorum, voter } = quorumOf(10, { snapshotBytes: 400 }, events)
        const first = voter.image.offset
        let stepped = 0
        // Decisions one after another, until two more snapshots were written and the log was cut behind the first.
        while (stepped++ < events && !over) {
          if (voter.raft.raft.core.endOffset === voter.image.offset) voter.propose()
          quorum.clock.step()
          over = voter.image.offset > first + 12
        }
        const { offset } = voter.image
        voter.crash(fate)
        if (unfinished(quorum, voter).length > 0) met.unfinished++
        voter.start()
        if (voter.folder.metadata.loaded !== null) met.loaded++
        if (voter.folder.metadata.opened.log.startOffset > 0) met.cut++
        expect(voter.folder.damagedBelow).toBeNull()
        expect(unfinished(quorum, voter)).toEqual([])
        quorum.until(() => voter.isLeader && voter.image.offset > offset, 'a leader again')
        decide(quorum, voter, 10)
        expectTrueImage(quorum, voter)
      }
      for (const [what, count] of Object.entries(met)) expect(count, what).toBeGreaterThan(0)
    }, 120_000)

    for (const who of ['wiped', 'lagging'] as const) {
      it(`of taking in a snapshot on a ${who} node, by ${fate}: it is caught up all the same`, () => {
        const met = { unfinished: 0, stored: 0 }
        for (let events = 0, over = false; !over; events++) {
          const { quorum, voter } = quorumOf(4, { snapshotBytes: 400 }, events)
          const observer = quorum.add(2, { snapshotBytes: 400 })
          if (who === 'lagging') {
            observer.start()
            quorum.until(() => observer.image.offset === voter.image.offset, 'the observer has all')
            observer.crash('kill')
          }
          decide(quorum, voter, 20)
          settle(quorum)
          const { offset } = voter.image
          observer.start()
          for (let stepped = 0; stepped < events && !over; stepped++) {
            quorum.clock.step()
            over = observer.image.offset === offset
          }
          const before = observer.image.offset
          observer.crash(fate)
          if (unfinished(quorum, observer).length > 0) met.unfinished++
          observer.start()
          // It was stored, and the log was not begun anew behind it yet.
          if (observer.lines.some(({ message }) => message.includes('behind a snapshot'))) met.stored++
          expect(observer.folder.damagedBelow).toBeNull()
          expect(unfinished(quorum, observer)).toEqual([])
          quorum.until(() => observer.image.offset === voter.image.offset, 'the observer has all')
          expect(observer.image.offset).toBeGreaterThanOrEqual(before)
          expectTrueImage(quorum, observer)
          observer.crash('powerLoss')
          observer.start()
          quorum.until(() => observer.image.offset === voter.image.offset, 'the observer has all')
          expectTrueImage(quorum, observer)
        }
        for (const [what, count] of Object.entries(met)) expect(count, what).toBeGreaterThan(0)
      }, 120_000)
    }
  }
})
