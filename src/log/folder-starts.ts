import { crc32c } from '../base/crc32c.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { call, type Task } from '../base/task.ts'
import { replaceFile } from './replace-file.ts'
import type { FolderStart } from './surface.ts'

/*
 * The folder's starts (rules R3.4), one small text file that is replaced whole.
 *   missing, folder empty        → number 1, a clean first start
 *   clean: true                  → one more, and what the last process noted as it stopped says how each log ended
 *   clean: false                 → one more; the last process did not stop, and everything is suspect
 *   missing or unreadable beside logs → as such, under a number that was never reached one by one
 * Each of these is written back, synced, as `clean: false` before anything else of the folder is touched.
 */
const PATH = 'starts'

interface Content {
  readonly number: number
  readonly clean: boolean
}

function encode({ number, clean }: Content): Buffer {
  const text = `number=${number}\nclean=${clean}\n`
  return Buffer.from(`${text}crc=${crc32c(Buffer.from(text))}\n`)
}

function decode(bytes: Buffer): Content | undefined {
  const found = /^number=(\d+)\nclean=(true|false)\ncrc=\d+\n$/.exec(bytes.toString('latin1'))
  if (found === null) return undefined
  const content = { number: Number(found[1]), clean: found[2] === 'true' }
  return encode(content).equals(bytes) ? content : undefined
}

/** Counts this start. `hasLogs`: the folder was used before. */
export function* noteStart(disk: Disk, clock: Pick<Clock, 'wallMs'>, hasLogs: boolean): Task<FolderStart> {
  const bytes = yield* call<Buffer | undefined>((done) => disk.readFile(PATH, done))
  const before = bytes === undefined ? undefined : decode(bytes)
  const isFirst = bytes === undefined && !hasLogs
  const stoppedCleanly = isFirst || before?.clean === true
  // Milliseconds since 1970 are beyond any number that was ever reached one by one.
  const lostNumber = isFirst ? 0 : Math.max(0, Math.floor(clock.wallMs()))
  const number = (before?.number ?? lostNumber) + 1
  yield* replaceFile(disk, PATH, encode({ number, clean: false }))
  return { number, stoppedCleanly }
}

/** All is synced: the next start is a clean one. */
export function* noteCleanStop(disk: Disk, number: number): Task<void> {
  yield* replaceFile(disk, PATH, encode({ number, clean: true }))
}
