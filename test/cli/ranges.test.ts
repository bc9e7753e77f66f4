import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'

const T = 1_700_000_000_000

/** Partition 0: a record a second from T on, a to e; partition 1: one, x, at T + 2 s. */
async function cluster(): Promise<CliCluster> {
  const made = new CliCluster()
  made.fake.addTopic('logs', 2)
  const lines = ['a', 'b', 'c', 'd', 'e'].map((value, at) => `0 ${T + at * 1000} ${value}\n`)
  await oxbow(['produce', 'logs', '--format', '%p %T %v\n'], { cluster: made, stdin: [...lines, `1 ${T + 2000} x\n`] })
  return made
}

async function values(made: CliCluster, ...args: readonly string[]): Promise<string[]> {
  const run = await oxbow(['consume', 'logs', ...args], { cluster: made })
  expect(run).toMatchObject({ code: 0, stderr: '' })
  return run.stdout.split('\n').slice(0, -1).sort()
}

describe('consume', () => {
  it('begins at a moment in every partition', async () => {
    const made = await cluster()
    expect(await values(made, '--offset', `@${T + 2000}`, '--exit-at-end')).toEqual(['c', 'd', 'e', 'x'])
    expect(await values(made, '--offset', `@${T + 2001}`, '--exit-at-end')).toEqual(['d', 'e'])
    expect(await values(made, '--offset', '@2023-11-14T22:13:23Z', '--exit-at-end')).toEqual(['d', 'e'])
    expect(await values(made, '--offset', '@-1h', '--exit-at-end')).toEqual([])
  })

  it('ends before a moment, by itself', async () => {
    const made = await cluster()
    expect(await values(made, '--from-beginning', '--until', `@${T + 2000}`)).toEqual(['a', 'b'])
    expect(await values(made, '--offset', `@${T + 1000}`, '--until', `@${T + 4000}`)).toEqual(['b', 'c', 'd', 'x'])
    expect(await values(made, '--from-beginning', '--until', '@-1s')).toEqual(['a', 'b', 'c', 'd', 'e', 'x'])
  })

  it('ends before an offset, or at the end if that comes first and is asked for', async () => {
    const made = await cluster()
    expect(await values(made, '--offset', '1', '--until', '3', '--partition', '0')).toEqual(['b', 'c'])
    expect(await values(made, '--from-beginning', '--until', '3', '--exit-at-end')).toEqual(['a', 'b', 'c', 'x'])
    expect(await values(made, '--offset', '3', '--until', '2', '--partition', '0')).toEqual([])
  })

  it('waits for an offset that is not there yet, however long that takes', async () => {
    const made = await cluster()
    const running = oxbow(['consume', 'logs', '--partition', '0', '--from-beginning', '--until', '6', '--timeout', '700'], { cluster: made })
    // Longer than --timeout: a reader that follows does not give up.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await oxbow(['produce', 'logs', '--partition', '0'], { cluster: made, stdin: ['f\n'] })
    expect(await running).toEqual({ code: 0, stdout: 'a\nb\nc\nd\ne\nf\n', stderr: '' })
  })

  it.each([
    [['--until', '@9999-01-01'], '--until @9999-01-01 lies in the future (a moment that is over, or an offset)'],
    [['--until', 'soon'], '--until soon is not an offset (an offset N, or @TIMESTAMP)'],
    [['--offset', '@soon'], '--offset @soon is not a moment (for example @2026-01-31T12:00:00Z, @1769860800000 (milliseconds) or @-1h)'],
    [['--format', '%v', '--print', 'key'], '--format and --print exclude each other (leave one of them out)'],
  ])('refuses %j', async (args, message) => {
    const run = await oxbow(['consume', 'logs', ...args], { cluster: await cluster() })
    expect(run).toEqual({ code: 2, stdout: '', stderr: `error: USAGE: ${message}\n` })
  })

  it('writes formats', async () => {
    const run = await oxbow(['consume', 'logs', '--partition', '0', '--offset', '3', '--exit-at-end', '--format', '%i %t-%p@%o %T %s;'], {
      cluster: await cluster(),
    })
    expect(run.stdout).toBe(`1 logs-0@3 ${T + 3000} d;2 logs-0@4 ${T + 4000} e;`)
  })
})

describe('offsets', () => {
  it('at a moment say which record was found', async () => {
    const made = await cluster()
    const json = await oxbow(['offsets', 'logs', '--at', `@${T + 2500}`, '-o', 'json'], { cluster: made })
    expect(JSON.parse(json.stdout)).toEqual([
      { topic: 'logs', partition: 0, offset: 3, timestamp: T + 3000 },
      { topic: 'logs', partition: 1, offset: -1, timestamp: -1 },
    ])
    const table = await oxbow(['offsets', 'logs', '--at', `@${T + 2500}`], { cluster: made })
    expect(table.stdout).toBe(`Topic  Partition  Offset      Timestamp\nlogs           0       3  ${T + 3000}\nlogs           1    none              -\n`)
  })

  it('of single partitions', async () => {
    const made = await cluster()
    const one = await oxbow(['offsets', 'logs:1', 'logs:1', '-o', 'json'], { cluster: made })
    expect(JSON.parse(one.stdout)).toMatchObject([{ topic: 'logs', partition: 1 }])
    const all = await oxbow(['offsets', 'logs:1', 'logs', '-o', 'json'], { cluster: made })
    expect(JSON.parse(all.stdout)).toMatchObject([{ partition: 0 }, { partition: 1 }])
    const beyond = await oxbow(['offsets', 'logs:2'], { cluster: made })
    expect([beyond.code, beyond.stderr]).toEqual([
      1,
      expect.stringMatching(/^error: UNKNOWN_TOPIC_OR_PARTITION: logs has 2 partitions, from 0; there is no partition 2 /),
    ])
    expect((await oxbow(['offsets', 'logs:x'], { cluster: made })).code).toBe(2)
  })

  it('of several topics, one that is missing failing all', async () => {
    const made = await cluster()
    made.fake.addTopic('more', 1)
    const both = await oxbow(['offsets', 'more', 'logs', '-o', 'json'], { cluster: made })
    expect((JSON.parse(both.stdout) as { topic: string }[]).map((row) => row.topic)).toEqual(['more', 'logs', 'logs'])
    const missing = await oxbow(['offsets', 'logs', 'lgs'], { cluster: made })
    expect(missing).toEqual({ code: 1, stdout: '', stderr: 'error: UNKNOWN_TOPIC_OR_PARTITION: there is no topic "lgs" (did you mean logs?)\n' })
    expect((await oxbow(['offsets', 'logs', '--at', 'erliest'], { cluster: made })).code).toBe(2)
  })
})

describe('delete-records', () => {
  it('takes away what lies before an offset, a moment, or all', async () => {
    const made = await cluster()
    const offset = await oxbow(['delete-records', 'logs', '--partition', '0', '--before', '1', '--yes'], { cluster: made })
    expect(offset).toEqual({ code: 0, stderr: '', stdout: 'Topic  Partition  LowWatermark\nlogs           0             1\n' })
    const time = await oxbow(['delete-records', 'logs', '--before', `@${T + 2500}`, '--yes', '-o', 'json'], { cluster: made })
    expect(JSON.parse(time.stdout)).toEqual([
      { topic: 'logs', partition: 0, lowWatermark: 3 },
      { topic: 'logs', partition: 1, lowWatermark: 1 },
    ])
    const all = await oxbow(['delete-records', 'logs', '--before', 'latest', '--yes', '-o', 'json'], { cluster: made })
    expect((JSON.parse(all.stdout) as { lowWatermark: number }[]).map((row) => row.lowWatermark)).toEqual([5, 1])
  })

  it('says each partition that was refused, and does the others', async () => {
    const run = await oxbow(['delete-records', 'logs', '--before', '3', '--yes', '-o', 'json'], { cluster: await cluster() })
    expect(run.code).toBe(1)
    expect(JSON.parse(run.stdout)).toEqual([{ topic: 'logs', partition: 0, lowWatermark: 3 }])
    const [line, json] = run.stderr.split('\n')
    expect(line).toBe(
      'error: OFFSET_OUT_OF_RANGE: logs-1: said the fake (where its records begin and end: oxbow offsets TOPIC, with --at earliest and without; to delete all of them: --before latest)',
    )
    expect(JSON.parse(json ?? '')).toMatchObject({ error: { code: 'OFFSET_OUT_OF_RANGE', message: 'logs-1: said the fake' } })
  })

  it("takes Kafka's file", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'oxbow-delete-'))
    const path = join(folder, 'offsets.json')
    writeFileSync(path, JSON.stringify({ partitions: [{ topic: 'logs', partition: 1, offset: -1 }], version: 1 }))
    const made = await cluster()
    const run = await oxbow(['delete-records', '--offset-json-file', path, '--yes', '-o', 'json'], { cluster: made })
    expect(JSON.parse(run.stdout)).toEqual([{ topic: 'logs', partition: 1, lowWatermark: 1 }])
    for (const bad of ['{', '{}', '{"partitions":[]}', '{"partitions":[{"topic":"logs","partition":0,"offset":-2}]}', 'null']) {
      writeFileSync(path, bad)
      expect(await oxbow(['delete-records', '--offset-json-file', path, '--yes'], { cluster: made })).toMatchObject({ code: 2, stdout: '' })
    }
    rmSync(folder, { recursive: true })
  })

  it('asks first, and needs to know what', async () => {
    const made = await cluster()
    const unasked = await oxbow(['delete-records', 'logs', '--before', '1'], { cluster: made })
    expect(unasked).toEqual({
      code: 2,
      stdout: '',
      stderr: 'error: USAGE: deleting the records of logs before 1 needs a yes, and there is no terminal to ask (add --yes)\n',
    })
    const no = await oxbow(['delete-records', 'logs', '--before', '1'], { cluster: made, isTerminal: true, stdin: ['no\n'] })
    expect(no).toEqual({ code: 1, stdout: '', stderr: 'Delete the records of logs before 1? Type yes: Nothing was deleted.\n' })
    expect(made.starts.size).toBe(0)
    expect((await oxbow(['delete-records', 'logs', '--yes'], { cluster: made })).code).toBe(2)
    expect((await oxbow(['delete-records', 'logs', '--before', '-1', '--yes'], { cluster: made })).code).toBe(2)
    expect((await oxbow(['delete-records', 'logs', '--before', '1', '--partition', '2', '--yes'], { cluster: made })).code).toBe(1)
    expect(made.starts.size).toBe(0)
  })
})
