import { describe, expect, it } from 'vitest'
import type { DoneVoid } from '../../src/base/done.ts'
import type { Log } from '../../src/log/surface.ts'
import { encodeBatch } from '../../src/record/records.ts'
import { MetadataStorage, type VoteState } from '../../src/runtime/metadata-storage.ts'

/** A log and a vote file whose disks answer when the test says so; `story` is what happened in which order. */
class Desk {
  readonly story: string[] = []
  readonly saves: { readonly state: VoteState; readonly done: DoneVoid }[] = []
  #endOffset = 0
  readonly #epochs: number[] = []
  #cutCount = 0
  readonly storage: MetadataStorage

  constructor(before: { readonly syncedEndOffset: number; readonly mark: number } = { syncedEndOffset: 0, mark: 0 }) {
    const desk = this
    this.#endOffset = before.syncedEndOffset
    const log = {
      startOffset: 0,
      syncedEndOffset: before.syncedEndOffset,
      get endOffset() {
        return desk.#endOffset
      },
      get cutCount() {
        return desk.#cutCount
      },
      appendAsLeader(_bytes: Buffer, stamp: { baseOffset: number; leaderEpoch: number }) {
        desk.#endOffset++
        desk.#epochs[stamp.baseOffset] = stamp.leaderEpoch
        desk.story.push(`append ${stamp.baseOffset} epoch ${stamp.leaderEpoch}`)
      },
      truncate(endOffset: number) {
        desk.#endOffset = endOffset
        desk.#cutCount++
        desk.story.push(`cut to ${endOffset}`)
      },
      epochBefore: (offset: number) => desk.#epochs[offset - 1] as number,
    } as unknown as Log
    this.storage = new MetadataStorage({
      log,
      votes: {
        save: (state, done) => {
          desk.story.push(`save term ${state.term} vote ${state.votedFor} mark ${state.syncedEndOffset}`)
          desk.saves.push({ state, done })
        },
      },
      state: { term: 0, votedFor: null, syncedEndOffset: before.mark, syncedEpoch: -1 },
      events: {
        persisted: (term, endOffset) => desk.story.push(`persisted ${endOffset} in term ${term}`),
        voteSaved: (term, votedFor) => desk.story.push(`vote saved: ${votedFor} in term ${term}`),
        failed: (error) => desk.story.push(`failed: ${error.message}`),
      },
    })
  }

  saved(): void {
    this.saves.shift()?.done(undefined)
  }

  synced(endOffset: number): void {
    this.storage.synced(endOffset, this.#cutCount)
  }

  append(term: number, startOffset: number, count: number): void {
    const bytes = encodeBatch([{ timestamp: 0, key: null, value: Buffer.from('decision') }])
    this.storage.append(
      term,
      startOffset,
      Array.from({ length: count }, () => ({ term, bytes })),
    )
  }

  /** What happened since the last call. */
  take(): string[] {
    return this.story.splice(0)
  }
}

describe('metadata storage', () => {
  it('R3.6: an entry is persisted once its log and then the mark are synced', () => {
    const desk = new Desk()
    desk.append(1, 0, 2)
    expect(desk.take()).toEqual(['append 0 epoch 1', 'append 1 epoch 1'])
    desk.synced(2)
    expect(desk.take()).toEqual(['save term 0 vote null mark 2'])
    desk.saved()
    expect(desk.take()).toEqual(['persisted 2 in term 1'])
  })

  it('R3.6: the mark says of which term its last entry is, where it was lowered too', () => {
    const desk = new Desk()
    const marks = (): (readonly [number, number])[] => desk.saves.map(({ state }) => [state.syncedEndOffset, state.syncedEpoch])
    desk.append(1, 0, 2)
    desk.append(3, 2, 1)
    desk.synced(3)
    expect(marks()).toEqual([[3, 3]])
    desk.saved()
    desk.storage.truncate(2)
    expect(marks()).toEqual([[2, 1]])
    desk.saved()
    desk.storage.truncate(0)
    expect(marks()).toEqual([[0, -1]])
  })

  it('R3.6: a cut lowers the mark, synced, before it touches the log, and what comes behind it waits', () => {
    const desk = new Desk()
    desk.append(1, 0, 3)
    desk.synced(3)
    desk.saved()
    desk.take()
    desk.storage.truncate(1)
    desk.append(2, 1, 1)
    expect(desk.take()).toEqual(['save term 0 vote null mark 1'])
    desk.saved()
    expect(desk.take()).toEqual(['cut to 1', 'append 1 epoch 2'])
    desk.synced(2)
    desk.saved()
    expect(desk.take()).toEqual(['save term 0 vote null mark 2', 'persisted 2 in term 2'])
  })

  it('R3.6: a cut that meets a save of a higher mark waits for it and saves the lower one', () => {
    const desk = new Desk()
    desk.append(1, 0, 3)
    desk.synced(3)
    desk.storage.truncate(1)
    expect(desk.take()).toEqual(['append 0 epoch 1', 'append 1 epoch 1', 'append 2 epoch 1', 'save term 0 vote null mark 3'])
    desk.saved()
    expect(desk.take()).toEqual(['save term 0 vote null mark 1'])
    desk.saved()
    expect(desk.take()).toEqual(['cut to 1'])
  })

  it('R3.2: a completion from before a cut counts nothing', () => {
    const desk = new Desk()
    desk.append(1, 0, 3)
    desk.synced(1)
    desk.saved()
    desk.take()
    desk.storage.truncate(1)
    expect(desk.take()).toEqual(['cut to 1'])
    desk.storage.synced(3, 0)
    expect(desk.take()).toEqual([])
  })

  it('R3.2: a completion that meets a cut waiting for its mark counts nothing that the cut takes', () => {
    const desk = new Desk()
    desk.append(1, 0, 3)
    desk.storage.saveVote(2, null)
    desk.storage.truncate(1)
    desk.append(2, 1, 2)
    expect(desk.storage.settledEndOffset).toBe(1)
    desk.take()
    desk.synced(3)
    desk.saved()
    expect(desk.take()).toEqual(['cut to 1', 'append 1 epoch 2', 'append 2 epoch 2', 'vote saved: null in term 2', 'save term 2 vote null mark 1'])
    desk.saved()
    expect(desk.take().filter((line) => line !== 'persisted 1 in term 1')).toEqual([])
    expect(desk.storage.settledEndOffset).toBe(Number.POSITIVE_INFINITY)
  })

  it('R4.1: an append without entries is answered once all below it is synced', () => {
    const desk = new Desk()
    desk.append(1, 0, 2)
    desk.append(3, 2, 0)
    expect(desk.take()).toEqual(['append 0 epoch 1', 'append 1 epoch 1'])
    desk.synced(2)
    desk.saved()
    expect(desk.take()).toEqual(['save term 0 vote null mark 2', 'persisted 2 in term 1', 'persisted 2 in term 3'])
    desk.append(4, 2, 0)
    expect(desk.take()).toEqual(['persisted 2 in term 4'])
  })

  it('R3.6: a vote is told as saved only once it is, with its own term', () => {
    const desk = new Desk()
    desk.storage.saveVote(1, 7)
    desk.storage.saveVote(2, null)
    expect(desk.take()).toEqual(['save term 1 vote 7 mark 0'])
    desk.saved()
    expect(desk.take()).toEqual(['vote saved: 7 in term 1', 'save term 2 vote null mark 0'])
    desk.saved()
    expect(desk.take()).toEqual(['vote saved: null in term 2'])
  })

  it('R3.6: what a process synced and did not mark before it died does not count until it is marked', () => {
    const desk = new Desk({ syncedEndOffset: 11, mark: 10 })
    expect(desk.storage.persistedEndOffset).toBe(10)
    // The core says again in this term what it holds (R4.3): that writes the mark.
    desk.storage.append(3, 11, [])
    desk.saved()
    expect(desk.story).toEqual(['save term 0 vote null mark 11', 'persisted 11 in term 3'])
    expect(desk.storage.persistedEndOffset).toBe(11)
  })
})
