import { assert } from '../base/assert.ts'

/** Down slowly, up fast: a batch that turns out too large costs more than one that could have held more. */
const IMPROVING_STEP = 0.005
const DETERIORATING_STEP = 0.05
const MARGIN = 1.05

/**
 * How well a codec (Kafka's number; 0: none) does on one topic: bytes on the wire a plain byte, from what the batches so far came to.
 * A batch is complete when it is expected to fill `batchBytes` on the wire, as Kafka counts, not when its plain records do.
 * Source: Kafka CompressionRatioEstimator, MemoryRecordsBuilder.hasRoomFor; KIP-126.
 */
export class CompressionRatio {
  readonly codec: number
  #estimate = 1

  constructor(codec: number) {
    this.codec = codec
  }

  /** What so many plain bytes are expected to take; never more, because a batch that does not shrink is sent plain. */
  estimate(plainBytes: number): number {
    return plainBytes * Math.min(1, this.#estimate * MARGIN)
  }

  /** A batch became so large. */
  note(batch: { readonly plainBytes: number; readonly sizeBytes: number }): void {
    assert(batch.sizeBytes > 0 && batch.sizeBytes <= batch.plainBytes, 'no batch grows when it is compressed')
    const observed = batch.sizeBytes / batch.plainBytes
    if (observed > this.#estimate) this.#estimate = Math.min(1, Math.max(this.#estimate + DETERIORATING_STEP, observed))
    else this.#estimate = Math.max(this.#estimate - IMPROVING_STEP, observed)
  }
}
