import type { Clock } from '../base/clock.ts'
import { crc32c } from '../base/crc32c.ts'
import type { Disk } from '../base/disk.ts'
import { call, type Task } from '../base/task.ts'
import { replaceFile } from './replace-file.ts'
import type { UncleanStarts } from './surface.ts'

/*
 * The folder's count of unclean starts (rules R3.4), one small text file that is replaced whole.
 *   missing, folder empty        → count 0, a clean first start
 *   clean: true                  → the count stands
 *   clean: false                 → the last process did not stop: count + 1
 *   missing or unreadable beside logs → the count is lost: one that no log can have caught up with, so that everything is suspect
 * Each of these is written back, synced, as `clean: false` before anything else of the folder is touched.
 */
const PATH = 'unclean-starts'

function encode(count: number, clean: boolean): Buffer {
  const text = `count=${count}\nclean=${clean}\n`
  return Buffer.from(`${text}crc=${crc32c(Buffer.from(text))}\n`)
}

function decode(bytes: Buffer): { readonly count: number; readonly clean: boolean } | undefined {
  const found = /^count=(\d+)\nclean=(true|false)\ncrc=\d+\n$/.exec(bytes.toString('latin1'))
  if (found === null) return undefined
  const state = { count: Number(found[1]), clean: found[2] === 'true' }
  return encode(state.count, state.clean).equals(bytes) ? state : undefined
}

/** Counts this start. `hasLogs`: the folder was used before. */
export function* noteStart(disk: Disk, clock: Pick<Clock, 'wallMs'>, hasLogs: boolean): Task<UncleanStarts> {
  const bytes = yield* call<Buffer | undefined>((done) => disk.readFile(PATH, done))
  const before = bytes === undefined ? undefined : decode(bytes)
  const isFirst = bytes === undefined && !hasLogs
  const stoppedCleanly = isFirst || before?.clean === true
  // Milliseconds since 1970 are beyond any count that was ever reached one by one.
  const lostCount = Math.max(1, Math.floor(clock.wallMs()))
  const count = isFirst ? 0 : before === undefined ? lostCount : before.count + (before.clean ? 0 : 1)
  yield* replaceFile(disk, PATH, encode(count, false))
  return { count, stoppedCleanly }
}

/** All is synced: the next start is a clean one. */
export function* noteCleanStop(disk: Disk, count: number): Task<void> {
  yield* replaceFile(disk, PATH, encode(count, true))
}
