import { assert } from '../base/assert.ts'

/*
 * The layout of a small file that is overwritten in place: two slots, written in turn, so that a torn write leaves the other one; each slot twice, in
 * pages apart, so that one flipped byte does not take the newest record with it. Once it is there it takes no more room: it can be written on a full disk.
 */
const COPY_BYTES = 4096
const COPIES = 2
const SLOT_BYTES = COPY_BYTES * COPIES
const SLOTS = 2
export const SLOT_FILE_BYTES = SLOT_BYTES * SLOTS

/** What is written at `slotPosition` of the record's counter. */
export function slotOf(record: Buffer): Buffer {
  assert(record.length <= COPY_BYTES, 'a record fits into a page')
  const bytes = Buffer.alloc(SLOT_BYTES)
  for (let copy = 0; copy < COPIES; copy++) record.copy(bytes, copy * COPY_BYTES)
  return bytes
}

export function slotPosition(counter: number): number {
  return (counter % SLOTS) * SLOT_BYTES
}

/** Whether nothing was ever written to the slot of that counter. */
export function isSlotEmpty(bytes: Buffer, counter: number): boolean {
  const at = slotPosition(counter)
  return bytes.subarray(at, at + SLOT_BYTES).every((byte) => byte === 0)
}

/** Of the copies that `decode` takes for whole, the one with the greatest counter; undefined: there is none. */
export function newestRecord<Content extends { readonly counter: number }>(bytes: Buffer, decode: (copy: Buffer) => Content | undefined): Content | undefined {
  let newest: Content | undefined
  for (let at = 0; at < SLOT_FILE_BYTES; at += COPY_BYTES) {
    const record = decode(bytes.subarray(at, at + COPY_BYTES))
    if (record !== undefined && record.counter > (newest?.counter ?? -1)) newest = record
  }
  return newest
}
