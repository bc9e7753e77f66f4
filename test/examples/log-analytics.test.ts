import { fc, test } from '@fast-check/vitest'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Board } from '../../examples/log-analytics/board.ts'
import { filesToRead, findFiles, type LogFile, logName, nextLines, readLines } from '../../examples/log-analytics/follow.ts'
import { parseLine } from '../../examples/log-analytics/parse.ts'
import { judge } from '../../examples/log-analytics/rules.ts'
import { readState, writeState } from '../../examples/log-analytics/state-file.ts'
import { sum, Windows } from '../../examples/log-analytics/windows.ts'

const RECEIVED = Date.UTC(2026, 0, 5, 12)

describe('parse', () => {
  it.each([
    ['{"level":50,"time":1767607200000,"msg":"pino"}', Date.UTC(2026, 0, 5, 10), 'error', 'pino'],
    ['{"severity":"WARNING","timestamp":"2026-01-05T10:00:00Z","message":"text"}', Date.UTC(2026, 0, 5, 10), 'warn', 'text'],
    ['{"ts":1767607200.25,"level":"info","msg":"seconds"}', Date.UTC(2026, 0, 5, 10) + 250, 'info', 'seconds'],
    ['10.0.0.1 - bob [05/Jan/2026:11:00:00 +0100] "GET /a HTTP/1.1" 503 512 "-" "curl"', Date.UTC(2026, 0, 5, 10), 'error', '503 GET /a HTTP/1.1'],
    ['::1 - - [05/Jan/2026:10:00:00 +0000] "POST /b HTTP/2" 404 0', Date.UTC(2026, 0, 5, 10), 'warn', '404 POST /b HTTP/2'],
    ['2026/01/05 10:00:00 [crit] 12#12: out of files', new Date(2026, 0, 5, 10).getTime(), 'error', '12#12: out of files'],
    ['2026-01-05 10:00:00 status installed libc6:amd64 2.36', new Date(2026, 0, 5, 10).getTime(), 'info', 'status installed libc6:amd64 2.36'],
    ['update-alternatives 2026-01-05 10:00:00: run with --install', new Date(2026, 0, 5, 10).getTime(), 'info', 'run with --install'],
    ['2026-01-05T10:00:00.5+00:00 host sshd[7]: Failed password', Date.UTC(2026, 0, 5, 10) + 500, 'error', 'host sshd[7]: Failed password'],
    ['Jan  5 10:00:00 host cron[9]: warning: late', new Date(2026, 0, 5, 10).getTime(), 'warn', 'cron[9]: warning: late'],
    ['Dec 31 23:59:59 host cron[9]: happy', new Date(2025, 11, 31, 23, 59, 59).getTime(), 'info', 'cron[9]: happy'],
  ])('%s', (line, time, level, message) => {
    expect(parseLine(line, RECEIVED)).toEqual({ type: 'event', event: { time, level, message } })
  })

  it.each([
    ['', 'it is empty'],
    ['{"level":', 'it begins as JSON and is none'],
    ['{"msg":"when?"}', 'its time cannot be read'],
    ['{"time":"2999-01-01T00:00:00Z"}', 'its time lies in the future'],
    ['Foo  5 10:00:00 host a: b', 'it names a month "Foo"'],
    ['once upon a time', 'it has no shape that is known'],
  ])('malformed: %s', (line, reason) => {
    expect(parseLine(line, RECEIVED)).toEqual({ type: 'malformed', reason })
  })

  test.prop([fc.string({ maxLength: 300 })], { numRuns: 500 })('says something about every line', (line) => {
    const parsed = parseLine(line, RECEIVED)
    if (parsed.type === 'event') expect(parsed.event.time).toBeLessThanOrEqual(RECEIVED + 86_400_000)
    else expect(parsed.reason).not.toBe('')
  })
})

describe('follow', () => {
  let folder: string
  const file = (name: string): string => join(folder, name)
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oxbow-follow-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('a file keeps its id through a rotation, the new one has another, both are parts of one log', async () => {
    writeFileSync(file('app.log'), 'first\nsecond\n')
    const [before] = await findFiles(folder)
    renameSync(file('app.log'), file('app.log.1'))
    writeFileSync(file('app.log'), 'third\n')
    const after = await findFiles(folder)
    expect(after.find(({ path }) => path.endsWith('.1'))?.id).toBe(before?.id)
    expect(new Set(after.map(({ id }) => id)).size).toBe(2)
    expect(after.map(({ name }) => name)).toEqual(['app.log', 'app.log'])
  })

  it('a file that was cut and begins anew is another one', async () => {
    writeFileSync(file('app.log'), 'first\n')
    const [before] = await findFiles(folder)
    truncateSync(file('app.log'))
    appendFileSync(file('app.log'), 'other\n')
    expect((await findFiles(folder))[0]?.id).not.toBe(before?.id)
  })

  it('passes over what is no text, is compressed, or has no whole line yet; looks into folders', async () => {
    writeFileSync(file('wtmp'), Buffer.alloc(100))
    writeFileSync(file('old.log.2.gz'), 'text\n')
    writeFileSync(file('new.log'), 'not yet')
    mkdirSync(file('nginx'))
    writeFileSync(file('nginx/access.log-20260105'), 'line\n')
    expect((await findFiles(folder)).map(({ name }) => name)).toEqual(['nginx/access.log'])
    expect(logName('/var/log', '/var/log/syslog.12')).toBe('syslog')
  })

  const made = (path: string, id: string): LogFile => ({ id, name: logName('', path), path, sizeBytes: 100 })
  const next = (look: readonly LogFile[], before = look, position = 0): string[][] =>
    filesToRead(look, before, () => position).map((log) => log.map(({ id }) => id))

  it('of each log the unread files are next, the oldest first by their names: times may be equal, and clocks may jump', () => {
    const looked = [made('app', 'e'), made('app.1', 'd'), made('app.10', 'a'), made('app.2', 'c'), made('app.9', 'b'), made('db', 'f')]
    expect(next(looked)).toEqual([['a', 'b', 'c', 'd', 'e'], ['f']])
    const dated = [made('app', 'd'), made('app-20260105', 'b'), made('app-20260105-1', 'c'), made('app-20251231', 'a'), made('x', '2'), made('x.old', '1')]
    expect(next(dated)).toEqual([
      ['a', 'b', 'c', 'd'],
      ['1', '2'],
    ])
    expect(next([made('app.20260105', 'c'), made('app', 'd'), made('app.20260104', 'b'), made('app.1', 'a')])).toEqual([['a', 'b', 'c', 'd']])
    expect(next(looked, looked, 100)).toEqual([])
  })

  it('a log waits while its files change from look to look; another one does not', () => {
    const [before, after] = [[made('app', 'old')], [made('app', 'new'), made('app.1', 'old')]]
    expect(next(before, [])).toEqual([])
    // The rotation came between the listing of the folder and the look at the file: the old file is in no look, the new one is.
    const during = [made('app', 'new')]
    expect([next(during, before), next(after, during), next(after, after)]).toEqual([[], [], [['old', 'new']]])
    expect(next([...after, made('db', 'db')], [...during, made('db', 'db')])).toEqual([['db']])
  })

  it('a file that is no longer where it was found holds up those behind it', async () => {
    writeFileSync(file('app.log.1'), 'first\n')
    writeFileSync(file('app.log'), 'second\n')
    const [log = []] = filesToRead(await findFiles(folder), await findFiles(folder), () => 0)
    renameSync(file('app.log.1'), file('app.log.2'))
    expect(await nextLines(log, () => 0)).toBeUndefined()
    writeFileSync(file('app.log.1'), 'third\n')
    expect(await nextLines(log, () => 0)).toBeUndefined()
  })

  it('half a line that was left in a rotated file does not hold up the next one', async () => {
    writeFileSync(file('app.log.1'), 'first\nha')
    writeFileSync(file('app.log'), 'second\n')
    const [log = []] = filesToRead(await findFiles(folder), await findFiles(folder), () => 0)
    const second = await nextLines(log, (id) => (id === log[0]?.id ? 6 : 0))
    expect(second?.lines.map(({ bytes }) => `${bytes}`)).toEqual(['second'])
  })

  it('reads whole lines alone, each with its end; a line without its end waits for it', async () => {
    writeFileSync(file('a'), 'eins\n\nzw')
    const look = async (position: number): Promise<(string | number)[][]> => {
      const [found] = await findFiles(folder)
      return (await readLines(found!, position))!.map(({ bytes, end }) => [`${bytes}`, end])
    }
    expect(await look(0)).toEqual([
      ['eins', 5],
      ['', 6],
    ])
    expect(await look(6)).toEqual([])
    appendFileSync(file('a'), 'ei\n')
    expect(await look(6)).toEqual([['zwei', 11]])
  })

  it('takes a line that is too long in the same pieces whenever it is read, and goes on behind it', async () => {
    writeFileSync(file('a'), `${'x'.repeat(300_000)}\nshort\n`)
    const [found] = await findFiles(folder)
    const pieces: number[][] = []
    for (let position = 0; ; ) {
      const lines = (await readLines(found!, position))!
      if (lines.length === 0) break
      pieces.push(...lines.map(({ bytes, end }) => [bytes.length, end]))
      position = lines.at(-1)!.end
    }
    expect(pieces).toEqual([
      [262_144, 262_144],
      [37_856, 300_001],
      [5, 300_007],
    ])
  })
})

/** A log that is written, rotated, and read by programs that come and go: what `collect` does, without a cluster. */
class FollowedLog {
  readonly #folder: string
  readonly written: string[] = []
  /** First copies, as `analyse` takes them: beyond the largest position of their file. */
  readonly counted: string[] = []
  readonly #counted = new Map<string, number>()
  #sent = new Map<string, number>()
  #before: readonly LogFile[] = []

  constructor(folder: string) {
    this.#folder = folder
  }

  write(count: number): void {
    for (let line = 0; line < count; line++) {
      this.written.push(`line ${this.written.length}`)
      appendFileSync(join(this.#folder, 'app.log'), `${this.written.at(-1)}\n`)
    }
  }

  rotate(): void {
    const path = (number: number): string => join(this.#folder, number === 0 ? 'app.log' : `app.log.${number}`)
    if (!existsSync(path(0))) return
    for (let number = readdirSync(this.#folder).length; number > 0; number--) renameSync(path(number - 1), path(number))
  }

  look(): Promise<readonly LogFile[]> {
    return findFiles(this.#folder)
  }

  /** Of the paths that stood there before, the first `seen` were looked at before the rotation, the others after it and the next lines. */
  async lookDuringRotation(seen: number): Promise<readonly LogFile[]> {
    const before = await this.look()
    this.rotate()
    this.write(2)
    const after = await this.look()
    const looked = before.flatMap((old, at) => (at < seen ? [old] : after.filter(({ path }) => path === old.path)))
    return [...new Map(looked.map((one) => [one.id, one])).values()]
  }

  async read(look: readonly LogFile[], meanwhile: () => void = () => undefined): Promise<void> {
    const position = (id: string): number => this.#sent.get(id) ?? 0
    const [log = []] = filesToRead(look, this.#before, position)
    this.#before = look
    meanwhile()
    const next = await nextLines(log, position)
    for (const { bytes, end } of next?.lines.slice(0, 5) ?? []) {
      const { id } = next!.file
      this.#sent.set(id, end)
      if (end <= (this.#counted.get(id) ?? 0)) continue
      this.#counted.set(id, end)
      this.counted.push(`${bytes}`)
    }
  }

  /** Of what was sent last the new process sees nothing yet: it begins behind what stood in the log some time ago. */
  restart(lost: ReadonlyMap<string, number>): void {
    this.#before = []
    this.#sent = new Map(lost)
  }

  get sent(): ReadonlyMap<string, number> {
    return new Map(this.#sent)
  }
}

const action = fc.oneof(
  fc.record({ type: fc.constantFrom('write' as const, 'rotateDuringLook' as const), count: fc.integer({ min: 0, max: 12 }) }),
  fc.record({ type: fc.constantFrom('rotate' as const, 'read' as const, 'read' as const, 'readWhileRotated' as const, 'restart' as const) }),
)

describe('follow, whatever happens', () => {
  test.prop([fc.array(action, { maxLength: 40 })], { numRuns: 150 })('the first copies of a log are its lines in their order', async (actions) => {
    const folder = mkdtempSync(join(tmpdir(), 'oxbow-follow-'))
    try {
      const log = new FollowedLog(folder)
      let stood = log.sent
      for (const one of actions) {
        if (one.type === 'write') log.write(one.count)
        else if (one.type === 'rotate') log.rotate()
        else if (one.type === 'rotateDuringLook') await log.read(await log.lookDuringRotation(one.count % 4))
        else if (one.type === 'restart') log.restart(stood)
        else {
          stood = log.sent
          await log.read(await log.look(), one.type === 'read' ? undefined : () => log.rotate())
        }
        expect(log.counted).toEqual(log.written.slice(0, log.counted.length))
      }
      for (let look = 0; look < log.written.length + 2; look++) await log.read(await log.look())
      expect(log.counted).toEqual(log.written)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

const OPTIONS = { sizeMs: 60_000, latenessMs: 30_000, keep: 3 }
const event = fc.record({
  name: fc.constantFrom('a', 'b'),
  time: fc.integer({ min: 0, max: 900_000 }),
  level: fc.constantFrom('error' as const, 'info' as const),
})

describe('windows', () => {
  test.prop([fc.array(event, { maxLength: 200 }), fc.nat(200)])(
    'every event is in a window, late, or in a window that was let go; cut anywhere and gone on, the same',
    (events, cut) => {
      const whole = new Windows(OPTIONS)
      const first = new Windows(OPTIONS)
      const rows = new Map<string, number>()
      for (const [index, { name, ...rest }] of events.entries()) {
        whole.add(name, rest)
        if (index < cut) first.add(name, rest)
        for (const update of whole.takeChanges()) if (update.type === 'window') rows.set(`${update.name} ${update.start}`, sum(update.counts))
      }
      const second = new Windows(OPTIONS, JSON.parse(JSON.stringify(first.state)))
      for (const { name, ...rest } of events.slice(cut)) second.add(name, rest)
      expect(second.state).toEqual(whole.state)
      const late = whole.state.totals.reduce((all, totals) => all + totals.late, 0)
      expect([...rows.values()].reduce((all, one) => all + one, 0) + late).toBe(events.length)
      expect(whole.state.totals.reduce((all, totals) => all + sum(totals.counts), 0)).toBe(events.length)
    },
  )

  it('a log is late by its own clock, not by that of another', () => {
    const windows = new Windows(OPTIONS)
    windows.add('new', { time: 900_000, level: 'info' })
    windows.add('old', { time: 10_000, level: 'info' })
    windows.add('old', { time: 100_000, level: 'info' })
    windows.add('old', { time: 20_000, level: 'info' })
    expect(windows.state.totals.map(({ name, late }) => [name, late])).toEqual([
      ['new', 0],
      ['old', 1],
    ])
    expect(windows.state.windows.map(({ name, start, isClosed }) => [name, start, isClosed])).toEqual([
      ['new', 900_000, false],
      ['old', 0, true],
      ['old', 60_000, false],
    ])
  })
})

describe('board and rules', () => {
  it('a row of an older version, or the same again, changes nothing; an alert is one', () => {
    const board = new Board()
    const row = (error: number) => ({ type: 'window' as const, name: 'a', start: 0, counts: { error }, isClosed: false })
    expect([board.put(row(1), 5), board.put(row(9), 4), board.put(row(9), 5), board.put(row(2), 6)]).toEqual([true, false, false, true])
    expect(board.windows.map(({ counts }) => counts)).toEqual([{ error: 2 }])
    const [alert] = judge({ name: 'a', start: 0, counts: { error: 10 }, isClosed: false })
    expect([board.putAlert(alert!), board.putAlert({ ...alert! })]).toEqual([true, false])
  })

  it('a share is judged when nothing can change it any more', () => {
    const window = { name: 'a', start: 0, counts: { error: 6, info: 14 } }
    expect(judge({ ...window, isClosed: false })).toEqual([])
    expect(judge({ ...window, isClosed: true }).map(({ id }) => id)).toEqual(['error-share 0 a'])
    expect(judge({ name: 'a', start: 0, counts: { error: 5, info: 14 }, isClosed: true })).toEqual([])
  })
})

describe('state file', () => {
  it('is replaced in one step; none is none, and a broken one is said', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'oxbow-state-'))
    const path = join(folder, 'state.json')
    try {
      expect(await readState(path)).toBeUndefined()
      await writeState(path, { version: 1 })
      await writeState(path, { version: 2 })
      expect(await readState(path)).toEqual({ version: 2 })
      expect(readFileSync(path, 'utf8')).toBe('{"version":2}')
      writeFileSync(path, '{"version":')
      await expect(readState(path)).rejects.toThrow()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
