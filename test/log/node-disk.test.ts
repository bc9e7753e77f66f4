import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import type { Done, DoneVoid } from '../../src/base/done.ts'
import { openLogDirectory } from '../../src/log/log-directory.ts'
import type { Log, LogDirectory, OpenedLog } from '../../src/log/surface.ts'
import { NodeDisk } from '../../src/node/disk.ts'
import { append, headersOf, testLogger } from './world.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const clock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
  defer: (callback) => void setImmediate(callback),
}

function wait<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))))
}

it('sets aside and purges a log of the longest name that a topic may have', async () => {
  const root = mkdtempSync(join(tmpdir(), 'oxbow-log-'))
  folders.push(root)
  const directory = await wait<LogDirectory>((done) =>
    openLogDirectory(
      {
        disk: new NodeDisk(root),
        clock,
        logger: testLogger([]),
        segmentBytes: 100_000,
        indexIntervalBytes: 4096,
        tailCacheBytes: 1,
        events: { synced: () => undefined, failed: (_, error) => expect.unreachable(error.message) },
      },
      done,
    ),
  )
  const waitVoid = (start: (done: DoneVoid) => void) => wait<undefined>((done) => start((error) => done(error, undefined)))
  const names = [0, 1].map((partition) => `partitions/${'t'.repeat(249)}-${partition}`)
  for (const name of names) {
    await wait<OpenedLog>((done) => directory.openLog({ name, marks: { safeEndOffset: 0, cleanEndOffset: -1 }, visitFrom: 0, visit: () => undefined }, done))
  }
  await Promise.all(names.map((name) => waitVoid((done) => directory.quarantine(name, done))))
  expect(directory.names).toEqual([])
  expect(readdirSync(join(root, 'quarantine'))).toHaveLength(2)
  await waitVoid((done) => directory.purgeQuarantine({ nowMs: Date.now() + 60_001, olderThanMs: 60_000 }, done))
  expect(readdirSync(join(root, 'quarantine'))).toEqual([])
})

it('a log on the real disk: segments, cut, clean stop, lock, recovery, reads', async () => {
  const root = mkdtempSync(join(tmpdir(), 'oxbow-log-'))
  folders.push(root)
  let onSynced: (log: Log) => void = () => undefined
  const start = () =>
    wait<LogDirectory>((done) =>
      openLogDirectory(
        {
          disk: new NodeDisk(join(root, 'data')),
          clock,
          logger: testLogger([]),
          segmentBytes: 100_000,
          indexIntervalBytes: 4096,
          tailCacheBytes: 1,
          events: { synced: (log) => onSynced(log), failed: (_, error) => expect.unreachable(error.message) },
        },
        done,
      ),
    )
  const open = (directory: LogDirectory, safeEndOffset: number) =>
    wait<OpenedLog>((done) =>
      directory.openLog({ name: 'partitions/t-0', marks: { safeEndOffset, cleanEndOffset: -1 }, visitFrom: safeEndOffset, visit: () => undefined }, done),
    )
  const synced = (log: Log) =>
    new Promise<void>((resolve) => {
      onSynced = () => {
        if (log.syncedEndOffset === log.endOffset) resolve()
      }
    })
  let directory = await start()
  await expect(start()).rejects.toMatchObject({ code: 'DATA_FOLDER_IN_USE' })
  const { log } = await open(directory, 0)
  const all: Buffer[] = []
  for (let at = 0; at < 600; at++) all.push(append(log, { count: 2, payload: 939 }))
  let whole = synced(log)
  await whole
  expect(directory.counters.rounds).toBeGreaterThan(5)
  log.truncate(1000)
  all.length = 500
  all.push(append(log, { epoch: 1 }))
  whole = synced(log)
  await whole
  expect(await wait((done) => directory.close(done))).toEqual(new Map([['partitions/t-0', 1001]]))
  directory = await start()
  expect(directory.start).toEqual({ number: 2, stoppedCleanly: true })
  const again = await open(directory, 1001)
  expect(again.recovery).toMatchObject({
    verdict: 'whole',
    epochs: [
      { epoch: 0, startOffset: 0 },
      { epoch: 1, startOffset: 1000 },
    ],
  })
  const seen: Buffer[] = []
  for (let offset = 0; offset < 1001; offset = headersOf(seen.at(-1)!).at(-1)!.lastOffset + 1) {
    const from = offset
    seen.push(Buffer.concat(await wait<readonly Buffer[]>((done) => again.log.read(from, 64 * 1024, done))))
  }
  expect(Buffer.concat(seen).equals(Buffer.concat(all))).toBe(true)
  await wait<undefined>((done) => directory.quarantine('partitions/t-0', (error) => done(error, undefined)))
  expect(directory.names).toEqual([])
})
