import { assert } from '../base/assert.ts'

/** One piece of memory that batches are copied into, front to back. Bytes in it are written once, never again: readers may hold slices for ever. */
export interface Slab {
  readonly bytes: Buffer
  /** Bytes handed out. */
  used: number
  /** Who has batches here, and the last offset of its newest one. */
  readonly tenants: Map<SlabTenant, number>
}

export interface SlabTenant {
  /** Forgets what it caches up to `lastOffset` (inclusive). False: some of it is not synced yet and must stay in memory. */
  release(lastOffset: number): boolean
}

const SLAB_BYTES = 2 * 1024 * 1024
const SMALLEST_SLAB_BYTES = 64 * 1024

/**
 * The node's write buffer and tail cache in one (architecture 6.6). What is not synced stays whatever it takes; of the rest the oldest
 * slabs are let go when more than `capacityBytes` are held. Freed memory is the garbage collector's: a slice in a socket's queue keeps its slab.
 */
export class Slabs {
  readonly #slabBytes: number
  readonly #capacityBytes: number
  readonly #slabs: Slab[] = []
  #current: Slab | undefined
  #heldBytes = 0

  constructor(options: { readonly capacityBytes: number }) {
    this.#capacityBytes = options.capacityBytes
    this.#slabBytes = Math.min(SLAB_BYTES, Math.max(SMALLEST_SLAB_BYTES, options.capacityBytes >>> 3))
  }

  /** Bytes of all slabs that are held. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Room for one batch: the last `sizeBytes` of the returned slab's used part. `lastOffset`: of the batch, inclusive. */
  reserve(sizeBytes: number, tenant: SlabTenant, lastOffset: number): Slab {
    assert(sizeBytes > 0, 'a batch has bytes')
    let slab = this.#current
    if (slab === undefined || slab.bytes.length - slab.used < sizeBytes) {
      // A large batch gets its own, so that it does not waste the rest of the current one.
      const alone = sizeBytes > this.#slabBytes >>> 2
      slab = this.#allocate(alone ? sizeBytes : this.#slabBytes)
      if (!alone) this.#current = slab
      this.#trim()
    }
    slab.used += sizeBytes
    slab.tenants.set(tenant, lastOffset)
    return slab
  }

  #allocate(sizeBytes: number): Slab {
    const slab: Slab = { bytes: Buffer.allocUnsafeSlow(sizeBytes), used: 0, tenants: new Map() }
    this.#slabs.push(slab)
    this.#heldBytes += sizeBytes
    return slab
  }

  #trim(): void {
    // The newest is about to be filled.
    for (let at = 0; at < this.#slabs.length - 1 && this.#heldBytes > this.#capacityBytes; ) {
      const slab = this.#slabs[at] as Slab
      if (slab === this.#current || !this.#isReleased(slab)) {
        at++
        continue
      }
      this.#slabs.splice(at, 1)
      this.#heldBytes -= slab.bytes.length
    }
  }

  #isReleased(slab: Slab): boolean {
    for (const [tenant, lastOffset] of slab.tenants) if (tenant.release(lastOffset)) slab.tenants.delete(tenant)
    return slab.tenants.size === 0
  }
}
