import type { Done, DoneVoid } from './done.ts'
import { BrokerError, codeOf } from './errors.ts'

/**
 * The seam to one file system. Paths are relative to the root that the Disk was made for, with '/'.
 * Nothing is durable before `sync` (a file's bytes) or `syncFolder` (names: created, renamed, removed) completed.
 * A call that fails answers BrokerError DISK_FAILED (detail: call, path, errno) and is never retried (rules R3.5), or DISK_FULL: what grows nothing still goes.
 * Calls on one file complete in any order; who needs an order waits.
 */
export interface Disk {
  /** Opens for reading and writing. `create`: makes it when missing; otherwise a missing file answers undefined. */
  open(path: string, options: { readonly create: boolean }, done: Done<DiskFile | undefined>): void
  /** Reads a whole file; undefined when there is none. */
  readFile(path: string, done: Done<Buffer | undefined>): void
  /** Replaces `to` when it exists, atomically. Durable after syncFolder of the folder. */
  rename(from: string, to: string, done: DoneVoid): void
  /** Removes a file, or a folder with all that is in it. Missing is not an error. */
  remove(path: string, done: DoneVoid): void
  /** Names in a folder, sorted; empty when there is no such folder. */
  list(path: string, done: Done<readonly string[]>): void
  /** Makes a folder and its parents; existing is not an error. */
  mkdir(path: string, done: DoneVoid): void
  /** Makes names in the folder durable ('' is the root). */
  syncFolder(path: string, done: DoneVoid): void
  /** Holds the folder for this process. Answers DATA_FOLDER_IN_USE when another live process holds it. */
  lock(path: string, done: DoneVoid): void
  /** Bytes free for us and bytes in all, of the file system. */
  space(done: Done<DiskSpace>): void
}

export interface DiskSpace {
  readonly freeBytes: number
  readonly totalBytes: number
}

export interface DiskFile {
  readonly path: string
  /** Fills at most `length` bytes from `position`; a shorter buffer means the file ends there. */
  read(position: number, length: number, done: Done<Buffer>): void
  /** Writes all buffers one behind the other at `position`. They must not change until done. */
  writev(buffers: readonly Buffer[], position: number, done: DoneVoid): void
  /**
   * Like writev, and durable when done: one call where the system has one (O_DSYNC), which is what an append costs (measured: 1.6 times the
   * throughput of write and fdatasync, two thirds of the CPU time). Says nothing of earlier writes.
   */
  writevSynced(buffers: readonly Buffer[], position: number, done: DoneVoid): void
  /** Makes all completed writes and truncations durable (fdatasync). */
  sync(done: DoneVoid): void
  truncate(sizeBytes: number, done: DoneVoid): void
  size(done: Done<number>): void
  close(done: DoneVoid): void
}

const NO_ROOM = ['ENOSPC', 'EDQUOT']

/** What a failed call answers. `why`: the errno, and what is known beyond it. */
export function diskError(call: string, path: string, why: { readonly errno: string; readonly text: string }): BrokerError {
  return new BrokerError(NO_ROOM.includes(why.errno) ? 'DISK_FULL' : 'DISK_FAILED', `${call} ${path}: ${why.errno} ${why.text}`)
}

export function isDiskError(error: unknown): boolean {
  return ['DISK_FAILED', 'DISK_FULL'].includes(codeOf(error))
}
