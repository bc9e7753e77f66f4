import type { LogDir } from '../../src/wire/api.ts'

/** A replica that nothing is wrong with, as its node describes it. */
export const wellReplica = {
  sizeBytes: 1536,
  logStartOffset: 5,
  logEndOffset: 42,
  isOffline: false,
  isSuspect: false,
  isDamaged: false,
  reason: null,
  sinceTimestamp: -1,
  isFuture: false,
  moveError: null,
}
/** One whose log was not opened. */
export const unreadReplica = { ...wellReplica, sizeBytes: -1, logStartOffset: -1, logEndOffset: -1, isOffline: true, reason: 'EIO' }

/** 3 of 4 GiB are usable. */
export const workingFolder: LogDir = { path: '/data', error: null, totalBytes: 2 ** 32, usableBytes: 3 * 2 ** 30, partitions: [] }
