import { access, constants, open, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Check, fault, ok, warning } from './check.ts'

/** What a node of a low disk refuses (rules R3.5). */
const LOW_BYTES = 1024 * 1024 * 1024
const LOW_SHARE = 0.05
const SLOW_SYNC_MS = 50
const SYNCS = 3

/** As Linux numbers them. */
const TMPFS = new Set([0x01021994, 0x858458f6])
const NETWORK = new Set([0x6969, 0xff534d42, 0xfe534d42])

function gib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`
}

async function nearestFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined || dirname(path) === path ? path : await nearestFolder(dirname(path))
}

/** Milliseconds a synced write takes there, the median of a few. */
async function syncMs(folder: string): Promise<number> {
  const path = join(folder, `.oxbow-doctor-${process.pid}`)
  const file = await open(path, 'wx')
  try {
    const times: number[] = []
    for (let round = 0; round < SYNCS; round++) {
      const beganMs = performance.now()
      await file.write(Buffer.alloc(4096, round))
      await file.datasync()
      times.push(performance.now() - beganMs)
    }
    return times.sort((a, b) => a - b)[Math.floor(SYNCS / 2)] as number
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
}

async function checkSync(path: string): Promise<Check> {
  const ms = await syncMs(path)
  const message = `${path}: a synced write takes ${ms.toFixed(1)} ms`
  if (ms < SLOW_SYNC_MS) return ok('sync', message)
  return warning('sync', `${message}, and every acknowledgement waits for one`, 'use a local disk, or one with a write cache that survives a power loss')
}

/** Writable, with enough space, and on a disk that keeps what is synced. A folder that is not there yet is judged by the one it will stand in. */
export async function checkFolder(path: string): Promise<Check[]> {
  const folder = await nearestFolder(path)
  const found = await stat(folder)
  if (!found.isDirectory()) return [fault('folder', `${folder} is not a folder`, `move it away, or choose another folder than ${path}`)]
  const isWritable = await access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
  if (!isWritable) return [fault('folder', `${folder} cannot be written by this user`, `give it to the user that runs oxbow: chown -R USER ${folder}`)]
  const { bavail, blocks, bsize, type } = await statfs(folder)
  const free = bavail * bsize
  const low = Math.min(LOW_BYTES, blocks * bsize * LOW_SHARE)
  const space =
    free < low
      ? fault(
          'space',
          `${path}: ${gib(free)} are free, and below ${gib(low)} produce is refused`,
          'free space there, or lower retention.ms and retention.bytes',
        )
      : ok('space', `${path}: ${gib(free)} are free`)
  const kind = TMPFS.has(type)
    ? [warning('disk', `${path} lies in memory (tmpfs): nothing in it survives a restart of the machine`, 'use a folder on a disk')]
    : NETWORK.has(type)
      ? [warning('disk', `${path} lies on a network file system, whose syncs and locks are not always what they say`, 'use a folder on a local disk')]
      : []
  return [ok('folder', folder === path ? `${path} can be written` : `${path} can be made`), space, ...kind, ...(folder === path ? [await checkSync(path)] : [])]
}
