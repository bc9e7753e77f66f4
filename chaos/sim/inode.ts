import { assert } from '../../src/base/assert.ts'
import { between, type Random } from '../../src/base/random.ts'

/** What a power loss did, so that a run can say that its fault took. */
export interface Losses {
  keptWrites: number
  tornWrites: number
  lostWrites: number
  lostTruncates: number
  lostNames: number
}

/** What a power loss does to a change that was not synced. headless: the first of its sectors is lost, the others are kept. */
export type ChangeFate = 'lost' | 'kept' | 'headless'
export type Foretold = Readonly<Record<'write' | 'truncate', ChangeFate>>

/** `undo`: the bytes that were there before, from `position` (or the new size) on. */
interface Change {
  readonly type: 'write' | 'truncate'
  readonly position: number
  readonly data: Buffer
  readonly undo: Buffer
  readonly sizeBefore: number
}

const SECTOR_BYTES = 512
const NO_BYTES = Buffer.alloc(0)

/**
 * One file's bytes: what reads see (the page cache), and the changes that are not durable yet, each with what takes it back.
 * So the durable state costs nothing where everything is synced.
 */
export class SimInode {
  #content: Buffer = NO_BYTES
  #sizeBytes = 0
  #unsynced: Change[] = []
  /** Changes that were ever made durable or taken back: the sequence number of the first in `#unsynced`. */
  #firstSequence = 0

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Size if all that is not synced were lost. */
  get durableSizeBytes(): number {
    return this.#unsynced[0]?.sizeBefore ?? this.#sizeBytes
  }

  /** Names the changes made so far, for `syncTo`. */
  get sequence(): number {
    return this.#firstSequence + this.#unsynced.length
  }

  read(position: number, length: number): Buffer {
    if (position >= this.#sizeBytes) return NO_BYTES
    return Buffer.from(this.#content.subarray(position, Math.min(position + length, this.#sizeBytes)))
  }

  write(position: number, data: Buffer): void {
    const undo = this.read(position, data.length)
    this.#unsynced.push({ type: 'write', position, data, undo, sizeBefore: this.#sizeBytes })
    this.#put(position, data)
  }

  truncate(sizeBytes: number): void {
    const undo = this.read(sizeBytes, this.#sizeBytes)
    this.#unsynced.push({ type: 'truncate', position: sizeBytes, data: NO_BYTES, undo, sizeBefore: this.#sizeBytes })
    this.#resize(sizeBytes)
  }

  /** Makes all changes before `sequence` durable. */
  syncTo(sequence: number): void {
    const count = Math.max(0, sequence - this.#firstSequence)
    assert(count <= this.#unsynced.length, 'only what was done is made durable')
    this.#unsynced.splice(0, count)
    this.#firstSequence += count
  }

  /** Bytes if all that is not synced were lost. */
  durableContent(): Buffer {
    const copy = new SimInode()
    copy.#content = Buffer.from(this.#content.subarray(0, this.#sizeBytes))
    copy.#sizeBytes = this.#sizeBytes
    for (const change of this.#unsynced.toReversed()) copy.#takeBack(change)
    return copy.read(0, copy.#sizeBytes)
  }

  /** Takes all unsynced changes back, in the page cache too: what some systems do after a failed sync. */
  revert(): void {
    for (const change of this.#unsynced.toReversed()) this.#takeBack(change)
    this.#firstSequence += this.#unsynced.length
    this.#unsynced = []
  }

  /** Each unsynced change survives whole, torn or not at all, whatever the others do: by chance, unless it is foretold. */
  losePower(random: Random, losses: Losses, foretold: Foretold | null = null): void {
    const changes = this.#unsynced
    this.revert()
    if (foretold !== null) {
      for (const change of changes) this.#meet(change, foretold[change.type])
      return
    }
    for (const change of changes) {
      const fate = random.integer(3)
      if (change.type === 'truncate') {
        if (fate > 0) this.#resize(change.position)
        else losses.lostTruncates++
      } else if (fate === 0) losses.lostWrites++
      else if (fate === 1 || change.data.length < 2) {
        losses.keptWrites++
        this.#put(change.position, change.data)
      } else {
        losses.tornWrites++
        this.#putTorn(change, random)
      }
    }
  }

  /** Changes a byte of what is on the disk. False: there is no such byte. `mask` is not 0. */
  flip(position: number, mask: number): boolean {
    if (position >= this.#sizeBytes) return false
    this.#content[position] = (this.#content[position] as number) ^ mask
    return true
  }

  /** The disk forgets the end of the file, unasked. False: it was not longer. */
  loseEnd(sizeBytes: number): boolean {
    if (sizeBytes >= this.#sizeBytes) return false
    this.syncTo(this.sequence)
    this.#resize(sizeBytes)
    return true
  }

  #takeBack(change: Change): void {
    this.#put(change.position, change.undo)
    this.#resize(change.sizeBefore)
  }

  #meet({ type, position, data }: Change, fate: ChangeFate): void {
    if (fate === 'lost') return
    if (type === 'truncate') this.#resize(position)
    else {
      const from = fate === 'kept' ? 0 : SECTOR_BYTES - (position % SECTOR_BYTES)
      if (from < data.length) this.#put(position + from, data.subarray(from))
    }
  }

  /** A part from the front, cut anywhere or between sectors, or any subset of the sectors. */
  #putTorn(change: Change, random: Random): void {
    const { position, data } = change
    const kind = random.integer(3)
    if (kind === 0) this.#put(position, data.subarray(0, between(random, 1, data.length - 1)))
    else if (kind === 1) {
      const end = position + between(random, 1, data.length - 1)
      this.#put(position, data.subarray(0, Math.max(0, end - (end % SECTOR_BYTES) - position)))
    } else {
      for (let at = 0; at < data.length; ) {
        const length = Math.min(SECTOR_BYTES - ((position + at) % SECTOR_BYTES), data.length - at)
        if (random.integer(2) === 0) this.#put(position + at, data.subarray(at, at + length))
        at += length
      }
    }
  }

  #put(position: number, data: Buffer): void {
    if (data.length === 0) return
    if (position > this.#sizeBytes) this.#resize(position)
    this.#reserve(position + data.length)
    data.copy(this.#content, position)
    this.#sizeBytes = Math.max(this.#sizeBytes, position + data.length)
  }

  #resize(sizeBytes: number): void {
    this.#reserve(sizeBytes)
    if (sizeBytes > this.#sizeBytes) this.#content.fill(0, this.#sizeBytes, sizeBytes)
    this.#sizeBytes = sizeBytes
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.#content.length) return
    // Nobody sees what lies behind the end: a file that grows over a gap is filled first.
    const grown = Buffer.allocUnsafe(Math.max(sizeBytes, this.#content.length * 2, 64))
    this.#content.copy(grown, 0, 0, this.#sizeBytes)
    this.#content = grown
  }
}
