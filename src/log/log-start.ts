import { crc32c } from '../base/crc32c.ts'
import type { Disk } from '../base/disk.ts'
import { call, type Task } from '../base/task.ts'
import { replaceFile } from './replace-file.ts'

/** Name of the note beside a log whose start has moved from 0. */
export const LOG_START_NOTE = 'log-start'

/** Where a log begins. One that never moved has no note: all are 0, and no epoch. */
export interface LogStart {
  /** First offset that is served. */
  readonly startOffset: number
  /**
   * Base offset of the first segment, at or below startOffset. Files that begin below it are left over: of what was deleted, or of a log that was dropped to
   * begin anew. Without it an old tail and a new start could be taken for one log.
   */
  readonly baseOffset: number
  /** Leader epoch of the offset before startOffset, so that a log that was emptied still knows what it ended with; −1: not known. */
  readonly epoch: number
}

export const unmovedStart: LogStart = { startOffset: 0, baseOffset: 0, epoch: -1 }

function encode(start: LogStart): Buffer {
  const text = `start=${start.startOffset}\nsegment=${start.baseOffset}\nepoch=${start.epoch}\n`
  return Buffer.from(`${text}crc=${crc32c(Buffer.from(text))}\n`)
}

/** Undefined when the note is not one that was written whole. */
export function decodeLogStart(bytes: Buffer): LogStart | undefined {
  const found = /^start=(\d+)\nsegment=(\d+)\nepoch=(-?\d+)\ncrc=\d+\n$/.exec(bytes.toString('latin1'))
  if (found === null) return undefined
  const start = { startOffset: Number(found[1]), baseOffset: Number(found[2]), epoch: Number(found[3]) }
  return start.baseOffset <= start.startOffset && encode(start).equals(bytes) ? start : undefined
}

/** Undefined: there is no note. 'unreadable': there is one, and what it said is lost. */
export function* readLogStart(disk: Disk, name: string): Task<LogStart | 'unreadable' | undefined> {
  const bytes = yield* call<Buffer | undefined>((done) => disk.readFile(`${name}/${LOG_START_NOTE}`, done))
  return bytes === undefined ? undefined : (decodeLogStart(bytes) ?? 'unreadable')
}

/** Durable, all or nothing. */
export function* writeLogStart(disk: Disk, name: string, start: LogStart): Task<void> {
  yield* replaceFile(disk, `${name}/${LOG_START_NOTE}`, encode(start))
}
