import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'

function cluster(partitions = 1): CliCluster {
  const made = new CliCluster()
  made.fake.addTopic('logs', partitions)
  return made
}

async function stored(made: CliCluster): Promise<{ key: unknown; value: unknown; partition: number; timestamp: number; headers: unknown }[]> {
  const { stdout } = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end', '-o', 'json'], { cluster: made })
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
}

const folder = mkdtempSync(join(tmpdir(), 'oxbow-inputs-'))
beforeAll(() => {
  writeFileSync(join(folder, 'a'), 'one\ntwo')
  writeFileSync(join(folder, 'b'), 'three\n')
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('produce reads', () => {
  it('a format, and names each line that does not have it', async () => {
    const made = cluster()
    const run = await oxbow(['produce', 'logs', '--format', '%k\\t%v\\n', '--header', 'h=1'], { cluster: made, stdin: ['a\tb\nbad\nc\td\n'] })
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('error: INVALID_RECORD: line 2: "\\t" does not stand behind its key (it was not stored)\n')
    expect(run.stderr).toContain('2 records acknowledged, 1 not acknowledged in')
    expect(await stored(made)).toMatchObject([
      { key: 'a', value: 'b', headers: { h: '1' } },
      { key: 'c', value: 'd', headers: { h: '1' } },
    ])
  })

  it('what consume wrote, so that a topic is copied with one pipe', async () => {
    const from = cluster()
    await oxbow(['produce', 'logs', '--key-separator', '=', '--header', 'h=1'], { cluster: from, stdin: [Buffer.from('k=v\n'), Buffer.from([0xff, 0x0a])] })
    const { stdout } = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end', '--format', 'json'], { cluster: from })
    const to = cluster()
    expect((await oxbow(['produce', 'logs', '--format', 'json'], { cluster: to, stdin: [stdout] })).code).toBe(0)
    expect(await stored(to)).toEqual(await stored(from))
  })

  it('several files one after the other, counting their lines through', async () => {
    const made = cluster()
    await oxbow(['produce', 'logs', join(folder, 'a'), join(folder, 'b')], { cluster: made })
    expect((await stored(made)).map((one) => one.value)).toEqual(['one', 'two', 'three'])
  })

  it('each file as one record', async () => {
    const made = cluster()
    const run = await oxbow(['produce', 'logs', join(folder, 'a'), join(folder, 'b'), '--file-per-record'], { cluster: made })
    expect(run.code).toBe(0)
    expect((await stored(made)).map((one) => one.value)).toEqual(['one\ntwo', 'three\n'])
  })

  it('a file that is too large for a record not at all', async () => {
    const path = join(folder, 'large')
    writeFileSync(path, Buffer.alloc(9 * 1024 * 1024))
    const run = await oxbow(['produce', 'logs', path, join(folder, 'b'), '--file-per-record'], { cluster: cluster() })
    expect(run.code).toBe(1)
    expect(run.stderr).toContain(`error: MESSAGE_TOO_LARGE: ${path}: 9437184 bytes are too much for one record (it was not stored`)
    expect(run.stderr).toContain('1 record acknowledged, 1 not acknowledged')
  })

  it('an empty value as a tombstone with -Z alone', async () => {
    const made = cluster()
    await oxbow(['produce', 'logs', '--key-separator', ':', '-Z'], { cluster: made, stdin: ['a:\nb:1\n'] })
    await oxbow(['produce', 'logs', '--key-separator', ':'], { cluster: made, stdin: ['c:\n'] })
    expect((await stored(made)).map(({ key, value }) => [key, value])).toEqual([
      ['a', null],
      ['b', '1'],
      ['c', ''],
    ])
  })

  it('no more than --count', async () => {
    const made = cluster()
    async function* endless(): AsyncGenerator<string> {
      for (;;) {
        yield 'x\ny\n'
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const run = await oxbow(['produce', 'logs', '--count', '3'], { cluster: made, stdin: endless() })
    expect(run.code).toBe(0)
    expect((await stored(made)).map((one) => one.value)).toEqual(['x', 'y', 'x'])
  })
})

describe('produce makes up', () => {
  it('records from templates, the same for the same seed', async () => {
    const args = ['produce', 'logs', '--template', '{"id":{{i}},"n":{{int 1 1000000}}}', '--key', 'user-{{int 1 9}}', '--count', '300', '--seed', '5']
    const made = cluster()
    const run = await oxbow(args, { cluster: made })
    expect(run.code).toBe(0)
    const first = await stored(made)
    expect(first.map(({ value }) => (JSON.parse(value as string) as { id: number }).id)).toEqual(Array.from({ length: 300 }, (_, at) => at + 1))
    expect(first.every(({ key }) => /^user-[1-9]$/.test(key as string))).toBe(true)
    const again = cluster()
    await oxbow(args, { cluster: again })
    expect((await stored(again)).map(({ key, value }) => [key, value])).toEqual(first.map(({ key, value }) => [key, value]))
  })

  it('records of a size', async () => {
    const made = cluster()
    await oxbow(['produce', 'logs', '--size', '100', '--count', '2'], { cluster: made })
    await oxbow(['produce', 'logs', '--template', 'n{{i}} ', '--size', '20', '--count', '1'], { cluster: made })
    await oxbow(['produce', 'logs', '--template', 'longer than that', '--size', '3', '--count', '1'], { cluster: made })
    const values = (await stored(made)).map((one) => one.value as string)
    expect(values.map((value) => value.length)).toEqual([100, 100, 20, 16])
    expect(values[2]).toMatch(/^n1 [a-z0-9]{17}$/)
  })

  it('without end until it is interrupted, when a rate is given', async () => {
    const made = cluster()
    let interrupt: () => void = () => {}
    const running = oxbow(['produce', 'logs', '--template', '{{i}}', '--rate', '1000'], {
      cluster: made,
      interruptible: (handler) => {
        interrupt = handler
      },
    })
    while (made.fake.partition('logs', 0).highWatermark < 3) await new Promise((resolve) => setTimeout(resolve, 5))
    interrupt()
    expect((await running).code).toBe(130)
    expect((await stored(made)).slice(0, 3).map((one) => one.value)).toEqual(['1', '2', '3'])
  })
})

describe('produce refuses', () => {
  it.each([
    [['--template', 'x'], 'nothing says how many records to make (add --count 1000, or --rate 10 to go on until Ctrl-C)'],
    [['--template', '{{uid}}', '--count', '1'], /^\{\{uid\}\} is unknown, did you mean \{\{uuid\}\}\? \(it knows /],
    [['file', '--template', 'x', '--count', '1'], 'FILE and --template exclude each other (leave one of them out)'],
    [['--format', '%v', '--key-separator', ':'], '--format and --key-separator exclude each other (leave one of them out)'],
    [['--key', 'a', '--key-separator', ':'], '--key and --key-separator exclude each other (leave one of them out)'],
    [['--file-per-record'], '--file-per-record needs files (for example: oxbow produce images *.png --file-per-record)'],
    [['--format', '%x'], /^--format: %x is unknown \(choose from %k key, /],
  ])('%j', async (args, message) => {
    const made = cluster()
    for (const nodeId of made.fake.nodeIds) made.fake.dead.add(nodeId)
    const run = await oxbow(['produce', 'logs', ...args, '--timeout', '300'], { cluster: made })
    expect(run).toMatchObject({ code: 2, stdout: '' })
    const line = run.stderr.trimEnd().replace('error: USAGE: ', '')
    if (typeof message === 'string') expect(line).toBe(message)
    else expect(line).toMatch(message)
  })
})

/** To the first column, and nothing behind it. */
const ERASE = '\r\u001b[K'

describe('the live line', () => {
  it('is written over on a terminal, and gone at the end', async () => {
    const run = await oxbow(['produce', 'logs'], { cluster: cluster(), stdin: ['a\n'], stderrIsTerminal: true })
    const texts = run.stderr.split(ERASE)
    expect(texts[0]).toBe('')
    expect(texts[1]).toMatch(/^0 records acknowledged in .*[^\n]$/)
    expect(texts.at(-1)).toMatch(/^1 record acknowledged in .*\n$/)
  })

  it('is not shown where it would be in the way, nor on what is no terminal', async () => {
    const typed = await oxbow(['produce', 'logs'], { cluster: cluster(), stdin: ['a\n'], isTerminal: true, stderrIsTerminal: true })
    expect(typed.stderr).not.toContain('\u001b')
    const read = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end'], { cluster: cluster(), stdoutIsTerminal: true, stderrIsTerminal: true })
    expect(read.stderr).toBe('0 records\n')
    const apart = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end'], { cluster: cluster(), stderrIsTerminal: true })
    const texts = apart.stderr.split(ERASE)
    expect(texts[1]).toMatch(/^0 records in .*[^\n]$/)
    expect(texts.at(-1)).toBe('0 records\n')
  })
})
