import { describe, expect, it } from 'vitest'
import type { DoneVoid } from '../../src/base/done.ts'
import { BrokerError } from '../../src/base/errors.ts'
import type { Log } from '../../src/log/surface.ts'
import { emptyImage } from '../../src/metadata/image.ts'
import type { RaftEffect, RaftInput } from '../../src/raft/effects.ts'
import { type Entry, noVoterSet } from '../../src/raft/messages.ts'
import type { Raft } from '../../src/raft/raft.ts'
import { readBatchHeader, stampBatch } from '../../src/record/batch.ts'
import { encodeBatch } from '../../src/record/records.ts'
import type { MetadataSnapshots } from '../../src/runtime/metadata-snapshots.ts'
import { MetadataStorage } from '../../src/runtime/metadata-storage.ts'
import { RaftNode } from '../../src/runtime/raft-node.ts'
import type { Transport } from '../../src/runtime/transport.ts'
import { silentLogger } from '../contract/silent-logger.ts'
import { TestClock } from '../log/world.ts'

function entry(term: number): Entry {
  return { term, bytes: encodeBatch([{ timestamp: 0, key: null, value: Buffer.from(`term ${term}`) }]) }
}

/** A node whose core says what the test says, over a log in memory and a vote file that answers when the test says so. */
class Bench {
  readonly clock = new TestClock()
  readonly applied: string[] = []
  readonly saves: DoneVoid[] = []
  readonly #reads: (() => void)[] = []
  readonly node: RaftNode
  isCached = true
  readError: Error | undefined
  #effects: RaftEffect[] = []
  #batches: Buffer[] = []
  #cutCount = 0

  constructor() {
    const log = this.#log()
    const events = { persisted: () => undefined, voteSaved: () => undefined, failed: (error: Error) => void this.applied.push(error.message) }
    const storage = new MetadataStorage({
      log,
      votes: { save: (_, done) => void this.saves.push(done) },
      state: { term: 0, votedFor: null, syncedEndOffset: 0, syncedEpoch: -1 },
      events,
    })
    const raft = { step: (_: RaftInput) => this.#effects.splice(0), term: 1 } as unknown as Raft
    this.node = new RaftNode({
      raft,
      log,
      storage,
      snapshots: { newest: null, installed: () => emptyImage } as unknown as MetadataSnapshots,
      transport: { send: () => undefined } as unknown as Transport,
      clock: this.clock,
      logger: silentLogger,
      applyBytes: 1_048_576,
      events: {
        appended: () => false,
        truncated: () => false,
        voterSet: () => noVoterSet,
        committed: (entries) => this.applied.push(...entries.map(({ offset, term }) => `${offset} of term ${term}`)),
        replaced: () => undefined,
        installed: (_, lastTerm) => void this.applied.push(`a snapshot of term ${lastTerm}`),
        role: () => undefined,
        transfer: () => undefined,
        opening: () => entry(1).bytes,
        status: () => null,
        failed: (error) => void this.applied.push(error.message),
      },
    })
  }

  #log(): Log {
    const bench = this
    return {
      startOffset: 0,
      syncedEndOffset: 0,
      get endOffset() {
        return bench.#batches.length
      },
      get cutCount() {
        return bench.#cutCount
      },
      appendAsLeader(bytes: Buffer, stamp: { baseOffset: number; leaderEpoch: number }) {
        const copy = Buffer.from(bytes)
        stampBatch(copy, 0, stamp)
        bench.#batches.push(copy)
      },
      truncate(endOffset: number) {
        bench.#batches.length = endOffset
        bench.#cutCount++
      },
      epochBefore: () => -1,
      readCached: (offset: number) => (bench.isCached ? bench.#batches.slice(offset) : undefined),
      read: (offset: number, _: number, done: (error: Error | undefined, batches: Buffer[]) => void) => {
        const seen = bench.#batches.slice(offset)
        bench.#reads.push(() => done(bench.readError, seen))
      },
    } as unknown as Log
  }

  step(...effects: RaftEffect[]): void {
    this.#effects = effects
    this.node.feed({ type: 'tick' })
    this.clock.run()
  }

  synced(): void {
    this.node.logSynced(this.#batches.length, this.#cutCount)
    this.clock.run()
  }

  saved(): void {
    this.saves.shift()?.(undefined)
    this.clock.run()
  }

  finishReads(): void {
    for (const finish of this.#reads.splice(0)) finish()
    this.clock.run()
  }

  get terms(): number[] {
    return this.#batches.map((batch) => readBatchHeader(batch, 0).leaderEpoch)
  }
}

function append(term: number, startOffset: number, count: number): RaftEffect {
  return { type: 'append', startOffset, term, entries: Array.from({ length: count }, () => entry(term)) }
}

describe('raft node', () => {
  it('R4.4, R3.6: entries that a waiting cut takes away are never handed out as committed', () => {
    const bench = new Bench()
    bench.step(append(1, 0, 3))
    bench.synced()
    bench.saved()
    // The entries of term 1 from offset 1 on lost; those of term 2 are committed before the lower mark is saved.
    bench.step({ type: 'truncate', endOffset: 1 }, append(2, 1, 2), { type: 'committed', commitIndex: 3 })
    expect(bench.terms).toEqual([1, 1, 1])
    expect(bench.applied).toEqual(['0 of term 1'])
    bench.saved()
    bench.synced()
    expect(bench.terms).toEqual([1, 2, 2])
    expect(bench.applied).toEqual(['0 of term 1', '1 of term 2', '2 of term 2'])
  })

  it('R5.1: a read from disk hands out only what was committed when it began', () => {
    const bench = new Bench()
    bench.isCached = false
    bench.step(append(1, 0, 3), { type: 'committed', commitIndex: 1 })
    bench.step({ type: 'truncate', endOffset: 1 }, append(2, 1, 2), { type: 'committed', commitIndex: 3 })
    expect(bench.terms).toEqual([1, 2, 2])
    bench.finishReads()
    expect(bench.applied).toEqual(['0 of term 1'])
    bench.finishReads()
    expect(bench.applied).toEqual(['0 of term 1', '1 of term 2', '2 of term 2'])
  })

  it('R3.3: a metadata log that fails its checksums ends the node, so that recovery marks it; another read error does not', () => {
    const bench = new Bench()
    bench.step(append(1, 0, 3))
    bench.isCached = false
    const send = { type: 'sendEntries', to: 2, term: 1, startOffset: 0, endOffset: 3, previousTerm: 0, commitIndex: 0, maxBytes: 1_000 } as const
    for (const code of ['DISK_FAILED', 'CORRUPT_MESSAGE'] as const) {
      bench.readError = new BrokerError(code, `${code} it was`)
      bench.step(send)
      bench.finishReads()
    }
    expect(bench.applied).toEqual([expect.stringContaining('CORRUPT_MESSAGE it was')])
  })
})
