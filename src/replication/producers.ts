import { assert } from '../base/assert.ts'
import type { Code } from '../base/errors.ts'
import type { BatchHeader } from '../record/batch.ts'

/**
 * Idempotence (rules R6.8; Kafka ProducerStateManager, KIP-98): per producer id the last batches of this log, derived from the log alone.
 *
 * Kept of each producer: its last five batches below the high watermark and every batch above it. A cut at or above the high watermark
 * is therefore undone exactly, and a batch that is not kept is surely committed: only of such a one DUPLICATE_SEQUENCE_NUMBER is said.
 *
 * A producer that is not known here must begin at sequence 0. Kafka lets it begin anywhere; but when its first batches were lost on the way or
 * with an old leader, accepting a later one would make the retry of an earlier one look like a duplicate, and a lost record would count as
 * acknowledged. Who went on after its state expired gets OUT_OF_ORDER_SEQUENCE_NUMBER and starts again with a new id or epoch.
 *
 * At most `maxProducers` are held, the last of the log. A leader takes a new one beyond that only for the oldest, and only when that one was idle
 * for longer than any retry. So whom a replica pushes out as it replays, at whatever speed, the leader of that batch had forgotten by then, and
 * forgetting it makes no duplicate. That holds because the order is that of the log: a cut, which moves producers back in it, sorts anew.
 */
export interface ProducerBatch {
  readonly producerEpoch: number
  readonly baseSequence: number
  /** Inclusive; below baseSequence when the sequence wrapped within the batch. */
  readonly lastSequence: number
  readonly baseOffset: number
  /** Inclusive. */
  readonly lastOffset: number
}

export interface ProducerState {
  readonly producerId: number
  readonly batches: readonly ProducerBatch[]
  /** Since it appended, as far as the process knew. */
  readonly idleTicks: number
}

/** JSON-able. All batches lie below `endOffset` (exclusive); replay goes on from there. */
export interface ProducerSnapshot {
  readonly endOffset: number
  /** Batches by offset; least recently used producer first. */
  readonly producers: readonly (Omit<ProducerState, 'idleTicks'> & Partial<ProducerState>)[]
}

export type SequenceVerdict =
  | { readonly type: 'next' }
  | { readonly type: 'duplicate'; readonly batch: ProducerBatch }
  | { readonly type: 'refused'; readonly code: Code; readonly detail: string }

export interface ProducerLimits {
  /** producer.id.expiration.ms in ticks. */
  readonly expireTicks?: number
  readonly maxProducers?: number
}

const WINDOW_BATCHES = 5
/** Sequences run from 0 to 2^31 − 1, then from 0 again. */
const SEQUENCES = 0x8000_0000
/** Above the high watermark all is kept; beyond this many a producer waits (only acks 0 or 1 can get there). */
const MAX_UNCOMMITTED_BATCHES = 1000
const MAX_PRODUCERS = 100_000
/** 10 minutes: longer than any client retries a batch, so forgetting such a producer makes no duplicate. */
const IDLE_TICKS = 12_000
const CONTROL_BIT = 0x20

interface Producer {
  batches: ProducerBatch[]
  usedTick: number
}

export class Producers {
  /** By last offset, least recently used first: an append moves its producer to the end. */
  readonly #producers = new Map<number, Producer>()
  readonly #expireTicks: number
  readonly #maxProducers: number
  #stateOffset: number
  #highWatermark: number
  #tick = 0

  private constructor(stateOffset: number, limits: ProducerLimits) {
    this.#stateOffset = stateOffset
    this.#highWatermark = stateOffset
    this.#expireTicks = limits.expireTicks ?? 1_728_000
    this.#maxProducers = limits.maxProducers ?? MAX_PRODUCERS
  }

  /** From a snapshot, or empty; `replay` of the log from `stateOffset` on makes it complete. */
  static restore(snapshot: ProducerSnapshot | undefined, limits: ProducerLimits = {}): Producers {
    const producers = new Producers(snapshot?.endOffset ?? 0, limits)
    if (snapshot !== undefined) producers.#load(snapshot)
    return producers
  }

  /** The log goes on at snapshot.endOffset, behind records that were never here: of those the leader tells, with what it keeps of them. */
  reset(snapshot: ProducerSnapshot): void {
    assert(snapshot.endOffset >= this.#stateOffset, 'a reset goes up')
    this.#producers.clear()
    this.#stateOffset = snapshot.endOffset
    this.#load(snapshot)
  }

  #load({ producers }: ProducerSnapshot): void {
    for (const { producerId, batches, idleTicks = 0 } of producers) {
      this.#producers.set(producerId, { batches: [...batches], usedTick: this.#tick - idleTicks })
    }
    this.#sort()
    this.#pushOut()
    this.#check()
  }

  /** Exclusive: the batches below it are in the state. */
  get stateOffset(): number {
    return this.#stateOffset
  }

  get size(): number {
    return this.#producers.size
  }

  /** Judges a client's batch against the log; at most it forgets one who was idle, to make room. `header`: producerId ≥ 0, offsets not yet stamped. */
  check(header: BatchHeader): SequenceVerdict {
    const batches = this.#producers.get(header.producerId)?.batches
    const last = batches?.at(-1)
    if (batches === undefined || last === undefined) return this.#checkUnknown(header)
    if (header.producerEpoch < last.producerEpoch) {
      return {
        type: 'refused',
        code: 'INVALID_PRODUCER_EPOCH',
        detail: `producer ${header.producerId} has epoch ${last.producerEpoch}, the batch ${header.producerEpoch}`,
      }
    }
    if (header.producerEpoch > last.producerEpoch) return checkFirst(header)
    const lastSequence = lastSequenceOf(header)
    const kept = batches.filter(
      (batch, at) => batch.producerEpoch === last.producerEpoch && (at >= batches.length - WINDOW_BATCHES || batch.lastOffset >= this.#highWatermark),
    )
    const same = kept.find((batch) => batch.baseSequence === header.baseSequence && batch.lastSequence === lastSequence)
    if (same !== undefined) return { type: 'duplicate', batch: same }
    if (header.baseSequence === nextSequence(last)) return this.#checkRoom(header, batches)
    if (isOlder(header.baseSequence, lastSequence, kept)) {
      return {
        type: 'refused',
        code: 'DUPLICATE_SEQUENCE_NUMBER',
        detail: `sequence ${header.baseSequence} was appended before the last ${WINDOW_BATCHES} batches`,
      }
    }
    return outOfOrder(header, nextSequence(last))
  }

  /** A batch became part of the log, on leader, follower or in recovery. Batches come in the order of offsets. */
  replay(header: BatchHeader): void {
    assert(header.baseOffset >= this.#stateOffset, 'batches are replayed in the order of offsets, each once')
    this.#stateOffset = header.lastOffset + 1
    if (header.producerId < 0 || header.baseSequence < 0 || (header.attributes & CONTROL_BIT) !== 0) return
    const producer = this.#producers.get(header.producerId) ?? { batches: [], usedTick: 0 }
    producer.usedTick = this.#tick
    producer.batches.push({
      producerEpoch: header.producerEpoch,
      baseSequence: header.baseSequence,
      lastSequence: lastSequenceOf(header),
      baseOffset: header.baseOffset,
      lastOffset: header.lastOffset,
    })
    this.#trim(producer)
    this.#producers.delete(header.producerId)
    this.#producers.set(header.producerId, producer)
    this.#pushOut()
  }

  /** The high watermark moved, up as a rule: what lies below it needs no undoing. */
  setHighWatermark(offset: number): void {
    this.#highWatermark = offset
  }

  /** The log was cut to endOffset. Exact when that is at or above the high watermark; below it, once the log was fetched again. */
  truncate(endOffset: number): void {
    this.#stateOffset = Math.min(this.#stateOffset, endOffset)
    let isChanged = false
    for (const [producerId, producer] of this.#producers) {
      while ((producer.batches.at(-1)?.lastOffset ?? -1) >= endOffset) {
        producer.batches.pop()
        isChanged = true
      }
      if (producer.batches.length === 0) this.#producers.delete(producerId)
    }
    if (isChanged) this.#sort()
    this.#check()
  }

  /** Forgets who has not appended for the expiration time. A replica's own matter: it can only make a producer start again. */
  tick(ticks = 1): void {
    this.#tick += ticks
    this.#forgetIdle(this.#expireTicks, Number.POSITIVE_INFINITY)
  }

  /** Ticks until the one that may forget somebody. */
  get ticksToExpiry(): number {
    const [oldest] = this.#producers.values()
    return oldest === undefined ? Number.POSITIVE_INFINITY : oldest.usedTick + this.#expireTicks - this.#tick
  }

  /** The state as of `endOffset`, which is the high watermark or above; batches of the future are left out. */
  snapshot(endOffset: number): ProducerSnapshot {
    assert(endOffset >= Math.min(this.#highWatermark, this.#stateOffset), 'the state below the high watermark is not kept')
    const producers = []
    for (const [producerId, producer] of this.#producers) {
      this.#trim(producer)
      const batches = producer.batches.filter((batch) => batch.lastOffset < endOffset)
      if (batches.length > 0) producers.push({ producerId, batches, idleTicks: this.#tick - producer.usedTick })
    }
    return { endOffset, producers }
  }

  /** What is kept of batches below `endOffset`, of the `atMost` producers used last. With a replay from there on it is what a snapshot would be. */
  below(endOffset: number, atMost: number): ProducerState[] {
    const producers = []
    for (const [producerId, producer] of this.#producers) {
      const batches = producer.batches.filter((batch) => batch.lastOffset < endOffset)
      if (batches.length > 0) producers.push({ producerId, batches, idleTicks: this.#tick - producer.usedTick })
    }
    return producers.slice(-atMost)
  }

  #checkUnknown(header: BatchHeader): SequenceVerdict {
    const verdict = checkFirst(header)
    if (verdict.type !== 'next' || this.#producers.size < this.#maxProducers) return verdict
    this.#forgetIdle(IDLE_TICKS, 1)
    if (this.#producers.size < this.#maxProducers) return verdict
    return { type: 'refused', code: 'THROTTLING_QUOTA_EXCEEDED', detail: `${this.#maxProducers} producers wrote to this partition within the last minutes` }
  }

  #checkRoom(header: BatchHeader, batches: readonly ProducerBatch[]): SequenceVerdict {
    const oldest = batches.at(-MAX_UNCOMMITTED_BATCHES)
    if (oldest === undefined || oldest.lastOffset < this.#highWatermark) return { type: 'next' }
    return {
      type: 'refused',
      code: 'THROTTLING_QUOTA_EXCEEDED',
      detail: `producer ${header.producerId} has ${MAX_UNCOMMITTED_BATCHES} batches that are not committed`,
    }
  }

  #forgetIdle(idleTicks: number, atMost: number): void {
    let left = atMost
    for (const [producerId, producer] of this.#producers) {
      if (left === 0 || this.#tick - producer.usedTick < idleTicks) return
      this.#producers.delete(producerId)
      left -= 1
    }
  }

  /** The oldest, until no more are held than may be. */
  #pushOut(): void {
    for (const producerId of this.#producers.keys()) {
      if (this.#producers.size <= this.#maxProducers) return
      this.#producers.delete(producerId)
    }
  }

  #sort(): void {
    const sorted = [...this.#producers].sort(([, a], [, b]) => lastOffsetOf(a) - lastOffsetOf(b))
    this.#producers.clear()
    for (const [producerId, producer] of sorted) this.#producers.set(producerId, producer)
  }

  #check(): void {
    assert(this.#producers.size <= this.#maxProducers, 'no more producers are held than may be')
    for (const { batches } of this.#producers.values()) {
      assert((batches.at(-1)?.lastOffset ?? 0) < this.#stateOffset, 'the state holds batches of the log alone')
    }
  }

  #trim(producer: Producer): void {
    const { batches } = producer
    let drop = 0
    while (batches.length - drop > WINDOW_BATCHES && (batches[drop + WINDOW_BATCHES] as ProducerBatch).lastOffset < this.#highWatermark) drop += 1
    if (drop > 0) producer.batches = batches.slice(drop)
  }
}

function lastOffsetOf(producer: Producer): number {
  return producer.batches.at(-1)?.lastOffset ?? -1
}

function lastSequenceOf(header: BatchHeader): number {
  return (header.baseSequence + (header.lastOffset - header.baseOffset)) % SEQUENCES
}

function nextSequence(batch: ProducerBatch): number {
  return (batch.lastSequence + 1) % SEQUENCES
}

function checkFirst(header: BatchHeader): SequenceVerdict {
  return header.baseSequence === 0 ? { type: 'next' } : outOfOrder(header, 0)
}

function outOfOrder(header: BatchHeader, expected: number): SequenceVerdict {
  return {
    type: 'refused',
    code: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
    detail: `producer ${header.producerId} epoch ${header.producerEpoch}: sequence ${header.baseSequence}, expected ${expected}`,
  }
}

/**
 * Whether the sequences surely were appended before all of `kept` (not empty, one epoch). An epoch begins at 0, so all numbers below the
 * oldest kept one were. Those more than half the range below may be new ones after the sequence wrapped: of them it is not said.
 */
function isOlder(baseSequence: number, lastSequence: number, kept: readonly ProducerBatch[]): boolean {
  const oldest = (kept[0] as ProducerBatch).baseSequence
  return baseSequence <= lastSequence && lastSequence < oldest && oldest - lastSequence <= SEQUENCES / 2
}
