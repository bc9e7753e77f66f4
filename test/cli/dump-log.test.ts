import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { openLogDirectory } from '../../src/log/log-directory.ts'
import type { Log, LogDirectory, OpenedLog } from '../../src/log/surface.ts'
import { NodeDisk } from '../../src/node/disk.ts'
import { encodeBatch, type RecordInput } from '../../src/record/records.ts'
import { silentLogger } from '../contract/silent-logger.ts'
import { oxbow } from './harness.ts'

const NAME = 'partitions/orders-0'

function promised<T>(start: (done: (error: Error | undefined, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => start((error, value) => (error === undefined ? resolve(value) : reject(error))))
}

const clock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => 1_700_000_000_000,
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
  defer: (callback) => void setImmediate(callback),
}

function openDirectory(folder: string): Promise<LogDirectory> {
  const limits = { segmentBytes: 400, indexIntervalBytes: 100, tailCacheBytes: 1_000_000 }
  const events = { synced: () => undefined, failed: () => undefined }
  return promised((done) => openLogDirectory({ disk: new NodeDisk(folder), clock, logger: silentLogger, ...limits, events }, done))
}

function openLog(directory: LogDirectory, name: string): Promise<OpenedLog> {
  const marks = { safeEndOffset: 0, cleanEndOffset: -1 }
  return promised((done) => directory.openLog({ name, marks, visitFrom: 0, visit: () => undefined }, done))
}

function record(at: number): RecordInput {
  return { timestamp: 1000 + at, key: Buffer.from(`key ${at}`), value: at === 3 ? Buffer.from([0xff, 0xfe]) : Buffer.from(`value ${at}`) }
}

function append(log: Log, at: number): void {
  const bytes = encodeBatch([record(at), record(at + 1)], { producerId: 7, producerEpoch: 0, baseSequence: at })
  log.appendAsLeader(bytes, { baseOffset: log.endOffset, leaderEpoch: Math.floor(at / 8) })
}

/** A folder with one log of ten batches in several segments, and an empty metadata log. */
async function makeFolder(folder: string): Promise<void> {
  const directory = await openDirectory(folder)
  const { log } = await openLog(directory, NAME)
  await openLog(directory, 'metadata')
  for (let at = 0; at < 20; at += 2) append(log, at)
  await promised((done) => directory.close(done))
}

/** Every file, its content and times: what a command that only reads leaves as it was. */
function fingerprint(folder: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(folder, name)
    const stats = statSync(path)
    hash.update(`${name} ${stats.size} ${stats.mtimeMs}\n`)
    if (stats.isFile()) hash.update(readFileSync(path))
  }
  return hash.digest('hex')
}

interface Line {
  readonly type: 'batch' | 'summary'
  readonly [field: string]: unknown
}

async function dumpJson(...args: readonly string[]) {
  const run = await oxbow(['dump-log', ...args, '-o', 'json'])
  const lines = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  return { ...run, batches: lines.slice(0, -1), summary: lines.at(-1) as Line }
}

describe('dump-log', () => {
  let root = ''
  let folder = ''
  let copies = 0
  const file = (name: string) => join(folder, NAME, name)
  const segments = () =>
    readdirSync(join(folder, NAME))
      .filter((name) => name.endsWith('.log'))
      .sort()

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'oxbow-test-'))
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  beforeEach(async () => {
    folder = join(root, `node-${copies++}`)
    await makeFolder(folder)
  })

  it('says each batch, each segment and each log of a data folder, and changes nothing', async () => {
    const before = fingerprint(folder)
    const run = await oxbow(['dump-log', folder])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    const lines = run.stdout.split('\n')
    expect(lines[0]).toBe('log metadata: start 0, end 0, 0 segments read: good')
    expect(lines[1]).toBe(`segment ${file(segments()[0] as string)}`)
    expect(lines[2]).toMatch(
      /^baseOffset: 0 lastOffset: 1 count: 2 leaderEpoch: 0 producerId: 7 producerEpoch: 0 baseSequence: 0 codec: none control: no CreateTime: 1000\.\.1001 size: \d+ position: 0 crc: ok$/,
    )
    expect(lines.filter((line) => line.startsWith('baseOffset:'))).toHaveLength(10)
    expect(lines.filter((line) => /^segment \d+\.log: offsets \d+ to \d+, \d+ batches, \d+ records, \d+ bytes: good$/.test(line))).toHaveLength(
      segments().length,
    )
    expect(lines.at(-2)).toBe(`log partitions/orders-0: start 0, end 20, ${segments().length} segments read: good`)
    expect(fingerprint(folder)).toBe(before)
  })

  it('says one object a batch, and a summary last, with -o json', async () => {
    const { code, batches, summary } = await dumpJson(join(folder, NAME))
    expect(code).toBe(0)
    expect(batches.map((batch) => batch.baseOffset)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18])
    expect(batches[1]).toMatchObject({
      type: 'batch',
      log: 'orders-0',
      lastOffset: 3,
      count: 2,
      leaderEpoch: 0,
      baseSequence: 2,
      codec: 'none',
      maxTimestamp: 1003,
      crcOk: true,
    })
    expect(batches[0]).not.toHaveProperty('records')
    expect(summary).toMatchObject({
      type: 'summary',
      ok: true,
      problems: 0,
      batches: 10,
      records: 20,
      logs: [{ log: 'orders-0', startOffset: 0, endOffset: 20, problems: [] }],
    })
  })

  it('shows records of a range and none beside it, from one segment file too', async () => {
    const range = await dumpJson(join(folder, NAME), '--from', '3', '--to', '5', '--records')
    expect(range.batches.map((batch) => batch.records)).toEqual([
      [{ offset: 3, timestamp: 1003, key: 'key 3', value: { base64: '//4=' }, headers: {} }],
      [{ offset: 4, timestamp: 1004, key: 'key 4', value: 'value 4', headers: {} }],
    ])
    const last = segments().at(-1) as string
    const one = await oxbow(['dump-log', file(last), '--records'])
    expect(one.code).toBe(0)
    expect(one.stdout).toContain('  offset: 19 timestamp: 1019 key: "key 19" value: "value 19"\n')
    expect(one.stdout.split('\n').at(-2)).toBe(`log ${last}: end 20, 1 segment read: good`)
  })

  it('knows where a log begins, and names what is left over below', async () => {
    const directory = await openDirectory(folder)
    const { log } = await openLog(directory, NAME)
    await promised<void>((done) => log.advanceStart(9, (error) => done(error, undefined)))
    await promised((done) => directory.close(done))
    const run = await oxbow(['dump-log', join(folder, NAME)])
    expect(run.code).toBe(0)
    expect(run.stdout.split('\n').at(-2)).toBe(`log orders-0: start 9, end 20, ${segments().length} segments read: good`)
    writeFileSync(file('00000000000000000000.log'), 'an old one')
    const again = await oxbow(['dump-log', join(folder, NAME)])
    expect(again.code).toBe(0)
    expect(again.stdout).toContain('log orders-0: 1 segments below its start are left over; they go when the node starts\n')
  })

  describe('ends with 1 and says what is wrong', () => {
    const flip = (name: string, at: number): void => {
      const bytes = readFileSync(file(name))
      bytes[at] = (bytes[at] as number) ^ 1
      writeFileSync(file(name), bytes)
    }
    const first = '00000000000000000000'
    const cases: readonly (readonly [what: string, harm: () => void, said: RegExp])[] = [
      ['a flipped byte', () => flip(`${first}.log`, 70), /at byte 0: the checksum of a batch is wrong/],
      ['a length that cannot be', () => flip(`${first}.log`, 9), /at byte 0: .* bytes are not read/],
      ['a torn end', () => truncateSync(file(segments().at(-1) as string), 100), /the file ends inside a batch/],
      ['a missing segment', () => rmSync(file(segments()[1] as string)), /a segment begins at offset \d+ where \d+ should be/],
      ['an index of other bytes', () => flip(`${first}.index`, 60), /\.index is not a whole index/],
      [
        'a time index of another segment',
        () => writeFileSync(file(`${first}.timeindex`), readFileSync(file(segments()[1]!.replace('log', 'timeindex')))),
        /\.timeindex is not a whole index of this segment/,
      ],
      ['a note of the start that cannot be read', () => writeFileSync(file('log-start'), 'start=x\n'.repeat(2048)), /the note log-start cannot be read/],
      [
        'a mark of damage',
        () => writeFileSync(file('damaged'), '{"claimedEndOffset":9,"firstBadOffset":3,"reason":"found by a read"}\n'),
        /it is marked damaged: found by a read/,
      ],
    ]
    for (const [what, harm, said] of cases) {
      it(what, async () => {
        harm()
        const before = fingerprint(folder)
        const run = await oxbow(['dump-log', join(folder, NAME)])
        expect(run.code).toBe(1)
        expect(run.stdout.split('\n').filter((line) => line.startsWith('  wrong: ') && said.test(line))).toHaveLength(1)
        expect(run.stdout.split('\n').at(-2)).toMatch(/wrong$/)
        const json = await dumpJson(join(folder, NAME))
        expect([json.code, json.summary.ok]).toEqual([1, false])
        expect(JSON.stringify(json.summary.logs)).toMatch(said)
        expect(fingerprint(folder)).toBe(before)
      })
    }
  })

  describe('beside a node that runs', () => {
    let directory: LogDirectory
    beforeEach(async () => {
      directory = await openDirectory(folder)
    })
    afterEach(() => promised((done) => directory.close(done)))

    it('reads what is there and says so on stderr; a batch on its way is no fault', async () => {
      writeFileSync(file(segments().at(-1) as string), Buffer.concat([readFileSync(file(segments().at(-1) as string)), Buffer.alloc(70)]))
      const run = await oxbow(['dump-log', join(folder, NAME)])
      expect(run.stderr).toBe(`notice: process ${process.pid} uses this folder: what it writes meanwhile may be missing at the end\n`)
      expect(run.code).toBe(0)
      truncateSync(file(segments().at(-1) as string), 0)
    })
  })

  it('refuses what holds no log, with 2', async () => {
    mkdirSync(join(folder, 'empty'))
    expect(await oxbow(['dump-log', join(folder, 'empty')])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error: USAGE: .*empty holds no log \(name the data folder/),
    })
    expect(await oxbow(['dump-log', join(folder, 'nope')])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/there is nothing at /) })
    expect(await oxbow(['dump-log', join(folder, 'starts')])).toMatchObject({ code: 2, stderr: expect.stringMatching(/is no segment file/) })
    expect((await oxbow(['dump-log', '--help'])).stdout).toMatch(/^Example:\n {2}\$ npx oxbow dump-log /)
  })
})
