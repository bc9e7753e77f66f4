import { assert } from '../base/assert.ts'

/**
 * One replica's high watermark, exclusive: everything below it is held by every in-sync replica.
 * On leader and follower alike it stays within what this replica has synced, so that a follower that is elected
 * starts from a mark that its own disk carries (rules R6.4).
 */
export class HighWatermark {
  #offset: number

  constructor(offset: number) {
    assert(Number.isSafeInteger(offset) && offset >= 0, 'a high watermark is an offset')
    this.#offset = offset
  }

  get offset(): number {
    return this.#offset
  }

  advance(options: { readonly to: number; readonly syncedEndOffset: number }): void {
    assert(options.to >= this.#offset, 'the high watermark never goes back')
    assert(options.to <= options.syncedEndOffset, 'the high watermark stays within what is synced')
    this.#offset = options.to
  }

  /** The log is cut below the mark: after an unclean election or to repair damage, nothing else (rules R6.3). */
  cut(options: { readonly to: number; readonly allowed: boolean }): void {
    if (options.to >= this.#offset) return
    assert(options.allowed, 'nothing below the high watermark is cut')
    this.#offset = options.to
  }
}
