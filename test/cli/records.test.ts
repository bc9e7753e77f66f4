import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LineSplitter } from '../../src/cli/lines.ts'
import { splitKey } from '../../src/cli/input-format.ts'
import { CliCluster, oxbow } from './harness.ts'

interface JsonRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: unknown
  readonly value: unknown
}

function cluster(partitions: number): CliCluster {
  const made = new CliCluster()
  made.fake.addTopic('logs', partitions)
  return made
}

function records(stdout: string): JsonRecord[] {
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as JsonRecord]))
}

describe('produce', () => {
  it('is silent on stdout as a table, and counts on stderr', async () => {
    const run = await oxbow(['produce', 'logs'], { cluster: cluster(1), stdin: ['one\ntwo\n'] })
    expect(run).toMatchObject({ code: 0, stdout: '' })
    expect(run.stderr).toMatch(/^2 records acknowledged in \d+\.\d\d s \(\d+ records\/s, \d+\.\d\d MB\/s\)\n$/)
  })

  it('prints with -o json each record that is acknowledged, where it is', async () => {
    const run = await oxbow(['produce', 'logs', '-o', 'json'], { cluster: cluster(1), stdin: ['a', 'b\n', 'c\nlast'] })
    expect(run.code).toBe(0)
    expect(records(run.stdout)).toEqual([
      { topic: 'logs', partition: 0, offset: 0, key: null, value: 'ab' },
      { topic: 'logs', partition: 0, offset: 1, key: null, value: 'c' },
      { topic: 'logs', partition: 0, offset: 2, key: null, value: 'last' },
    ])
  })

  it('splits keys, adds headers, keeps bytes that are no UTF-8', async () => {
    const made = cluster(1)
    const stdin = [Buffer.from('k:v:w\nnokey\n'), Buffer.from([0xff, 0xfe, 0x0a])]
    const run = await oxbow(['produce', 'logs', '--key-separator', ':', '--header', 'from=test', '-o', 'json'], { cluster: made, stdin })
    expect(records(run.stdout).map(({ key, value }) => [key, value])).toEqual([
      ['k', 'v:w'],
      [null, 'nokey'],
      [null, { base64: '//4=' }],
    ])
    const read = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end', '-o', 'json'], { cluster: made })
    expect(JSON.parse(read.stdout.split('\n')[0] ?? '')).toEqual({
      topic: 'logs',
      partition: 0,
      offset: 0,
      leaderEpoch: expect.any(Number),
      timestamp: expect.any(Number),
      key: 'k',
      value: 'v:w',
      headers: { from: 'test' },
    })
  })

  it('keeps a header that is repeated, in order', async () => {
    const made = cluster(1)
    const args = ['--header', 'h=1', '--header', 'once=a=b', '--header', 'h=2']
    await oxbow(['produce', 'logs', ...args], { cluster: made, stdin: ['x\n'] })
    const plain = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end', '--print', 'headers'], { cluster: made })
    expect(plain.stdout).toBe('h:1,once:a=b,h:2\tx\n')
    const json = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end', '-o', 'json'], { cluster: made })
    expect(JSON.parse(json.stdout)).toMatchObject({ headers: { h: ['1', '2'], once: 'a=b' } })
  })

  it('reads a file, and sends to one partition if asked', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'oxbow-test-'))
    const path = join(folder, 'lines')
    writeFileSync(path, Array.from({ length: 5_000 }, (_, at) => `line ${at}`).join('\n'))
    const run = await oxbow(['produce', 'logs', path, '--partition', '2', '-o', 'json'], { cluster: cluster(3) })
    rmSync(folder, { recursive: true })
    const found = records(run.stdout)
    expect(found.map((one) => one.value)).toEqual(Array.from({ length: 5_000 }, (_, at) => `line ${at}`))
    expect(found.every((one, at) => one.partition === 2 && one.offset === at)).toBe(true)
  })

  it('refuses a folder and a file that is not there before the cluster is asked', async () => {
    const made = cluster(1)
    for (const nodeId of made.fake.nodeIds) made.fake.dead.add(nodeId)
    const folder = await oxbow(['produce', 'logs', tmpdir(), '--timeout', '200'], { cluster: made })
    expect(folder).toEqual({ code: 2, stdout: '', stderr: `error: USAGE: ${tmpdir()} is a folder (give a file, or pipe lines into stdin)\n` })
    const missing = await oxbow(['produce', 'logs', '/no/such/file', '--timeout', '200'], { cluster: made })
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('/no/such/file cannot be read') })
  })

  it('names what broke the input, after the summary of what came before', async () => {
    async function* breaking(): AsyncGenerator<string> {
      yield 'a\nb\nhalf of a li'
      throw new Error('EIO: i/o error, read')
    }
    const run = await oxbow(['produce', 'logs', '-o', 'json'], { cluster: cluster(1), stdin: breaking() })
    expect(run.code).toBe(1)
    expect(records(run.stdout).map((one) => one.value)).toEqual(['a', 'b'])
    const [summary, line, json] = run.stderr.split('\n')
    expect(summary).toMatch(/^2 records acknowledged in/)
    expect(line).toBe('error: INPUT_FAILED: the input broke (EIO: i/o error, read): nothing was sent after line 2')
    expect(JSON.parse(json ?? '')).toMatchObject({ error: { code: 'INPUT_FAILED' } })
  })

  it('refuses a partition that is not there, and an unknown topic, before it reads anything', async () => {
    const made = cluster(2)
    const partition = await oxbow(['produce', 'logs', '--partition', '2'], { cluster: made, stdin: ['a\n'] })
    expect(partition.code).toBe(1)
    expect(partition.stderr).toContain('error: UNKNOWN_TOPIC_OR_PARTITION: logs has 2 partitions, from 0; there is no partition 2')
    const topic = await oxbow(['produce', 'lgos'], { cluster: made, stdin: ['a\n'] })
    expect(topic).toMatchObject({ code: 1, stderr: 'error: UNKNOWN_TOPIC_OR_PARTITION: there is no topic "lgos" (did you mean logs?)\n' })
  })

  it('ends with 1 when a record was not acknowledged: each one named, with what is sure', async () => {
    const made = cluster(1)
    made.fake.produceVerdict = () => 'MESSAGE_TOO_LARGE'
    const refused = await oxbow(['produce', 'logs', '-o', 'json'], { cluster: made, stdin: ['a\nb\n'] })
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    const lines = refused.stderr.split('\n')
    expect(lines[0]).toBe('error: MESSAGE_TOO_LARGE: line 1: said the fake (it was not stored; send smaller records, or raise max.message.bytes of the topic)')
    expect(JSON.parse(lines[1] ?? '')).toEqual({ error: { code: 'MESSAGE_TOO_LARGE', message: 'line 1: said the fake', retriable: false, definite: true } })
    expect(lines[2]).toMatch(/^error: MESSAGE_TOO_LARGE: line 2:/)
    expect(refused.stderr).toContain('0 records acknowledged, 2 not acknowledged in')
  })

  it('says when a line may be stored all the same', async () => {
    const made = cluster(1)
    made.fake.produceVerdict = () => 'ignore'
    const run = await oxbow(['produce', 'logs', '--timeout', '300'], { cluster: made, stdin: ['a\n'] })
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/^error: [A-Z_]+: line 1: .*\(it may be stored or not[;)].*\n/)
  })

  it('promises nothing with acks 0', async () => {
    const run = await oxbow(['produce', 'logs', '--acks', '0', '-o', 'json'], { cluster: cluster(1), stdin: ['a\n'] })
    expect(run).toMatchObject({ code: 0, stdout: '' })
    expect(run.stderr).toMatch(/^1 record sent in/)
  })

  it('keeps to --rate', async () => {
    const began = performance.now()
    const run = await oxbow(['produce', 'logs', '--rate', '100'], { cluster: cluster(1), stdin: [`${'x\n'.repeat(30)}`] })
    expect(run.code).toBe(0)
    expect(performance.now() - began).toBeGreaterThan(250)
  })

  it('ends with 130 when interrupted, after what is acknowledged was printed', async () => {
    const made = cluster(1)
    let interrupt: () => void = () => {}
    async function* endless(): AsyncGenerator<string> {
      yield 'first\n'
      // Nothing more comes: only the interrupt ends it.
      await new Promise(() => undefined)
    }
    const running = oxbow(['produce', 'logs', '-o', 'json'], {
      cluster: made,
      stdin: endless(),
      interruptible: (handler) => {
        interrupt = handler
      },
    })
    while (made.fake.partition('logs', 0).highWatermark < 1) await new Promise((resolve) => setTimeout(resolve, 5))
    interrupt()
    const run = await running
    expect(run.code).toBe(130)
    expect(records(run.stdout)).toMatchObject([{ offset: 0, value: 'first' }])
  })
})

describe('consume', () => {
  async function filled(partitions: number, lines: readonly string[]): Promise<CliCluster> {
    const made = cluster(partitions)
    await oxbow(['produce', 'logs', '--key-separator', '='], { cluster: made, stdin: [lines.map((line) => `${line}\n`).join('')] })
    return made
  }

  it('prints values alone, and what --print names in Kafka order', async () => {
    const made = await filled(1, ['k1=v1', 'v2'])
    const values = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end'], { cluster: made })
    expect(values).toEqual({ code: 0, stdout: 'v1\nv2\n', stderr: '' })
    const fields = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end', '--print', 'key,offset,partition,headers'], { cluster: made })
    expect(fields.stdout).toBe('Partition:0\tOffset:0\tNO_HEADERS\tk1\tv1\nPartition:0\tOffset:1\tNO_HEADERS\tnull\tv2\n')
  })

  it.each([
    [['--from-beginning'], ['a', 'b', 'c', 'd']],
    [
      ['--offset', 'earliest'],
      ['a', 'b', 'c', 'd'],
    ],
    [
      ['--offset', '2'],
      ['c', 'd'],
    ],
    [['--offset', '-1'], ['d']],
    [
      ['--offset', '-9'],
      ['a', 'b', 'c', 'd'],
    ],
    [['--offset', 'latest'], []],
    [[], []],
    [
      ['--from-beginning', '-n', '3'],
      ['a', 'b', 'c'],
    ],
  ])('begins and ends where %j says', async (args, values) => {
    const made = await filled(1, ['a', 'b', 'c', 'd'])
    const run = await oxbow(['consume', 'logs', ...args, '--exit-at-end'], { cluster: made })
    expect(run.code).toBe(0)
    expect(run.stdout.split('\n').slice(0, -1)).toEqual(values)
  })

  it('refuses an offset beyond the end; the end itself is one', async () => {
    const made = await filled(1, ['a', 'b'])
    expect(await oxbow(['consume', 'logs', '--offset', '3', '--exit-at-end'], { cluster: made })).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'error: OFFSET_OUT_OF_RANGE: offset 3 is outside of the log of logs-0, which ends at 2 (where it begins: oxbow offsets TOPIC --at earliest; from there on: --offset earliest)\n',
    })
    expect(await oxbow(['consume', 'logs', '--offset', '2', '--exit-at-end'], { cluster: made })).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('reads all partitions, or one', async () => {
    const made = cluster(2)
    await oxbow(['produce', 'logs', '--partition', '0'], { cluster: made, stdin: ['a\n'] })
    await oxbow(['produce', 'logs', '--partition', '1'], { cluster: made, stdin: ['b\n'] })
    const all = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end'], { cluster: made })
    expect(all.stdout.split('\n').sort()).toEqual(['', 'a', 'b'])
    const one = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end', '--partition', '1'], { cluster: made })
    expect(one.stdout).toBe('b\n')
    expect((await oxbow(['consume', 'logs', '--partition', '2'], { cluster: made })).code).toBe(1)
  })

  it('gives up with 3 when the end is out of reach', async () => {
    const made = await filled(1, ['a'])
    made.fake.fetchVerdict = () => 'NOT_LEADER_OR_FOLLOWER'
    const run = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end', '--timeout', '700'], { cluster: made })
    expect(run.code).toBe(3)
    expect(run.stderr).toContain('error: REQUEST_TIMED_OUT: no record came for 700 ms, and the end is not reached')
  })

  it('gives up in time whatever it waited for before', async () => {
    const made = await filled(1, ['a'])
    made.fake.moveLeader('logs', 0, -1)
    for (const nodeId of made.fake.nodeIds) made.fake.dead.add(nodeId)
    setTimeout(() => made.fake.dead.clear(), 1_000)
    const beganMs = performance.now()
    const run = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end', '--timeout', '1500'], { cluster: made })
    expect(run.code).toBe(3)
    expect(performance.now() - beganMs).toBeLessThan(2_400)
  })

  it('asks only for the partition it reads', async () => {
    const made = cluster(2)
    await oxbow(['produce', 'logs', '--partition', '1'], { cluster: made, stdin: ['b\n'] })
    made.fake.moveLeader('logs', 0, -1)
    const run = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end', '--partition', '1', '--timeout', '1000'], { cluster: made })
    expect(run).toEqual({ code: 0, stdout: 'b\n', stderr: '' })
  })

  it('follows until it is interrupted, which is 130', async () => {
    const made = await filled(1, ['a'])
    let interrupt: () => void = () => {}
    const running = oxbow(['consume', 'logs', '--from-beginning'], {
      cluster: made,
      interruptible: (handler) => {
        interrupt = handler
      },
    })
    while (made.fake.fetched.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    interrupt()
    expect(await running).toMatchObject({ code: 130, stdout: 'a\n' })
  })

  it('ends at once with 130 when it is interrupted before it knows where to begin', async () => {
    const made = cluster(1)
    made.fake.moveLeader('logs', 0, -1)
    let interrupt: () => void = () => {}
    const running = oxbow(['consume', 'logs', '--from-beginning', '--timeout', '4000'], {
      cluster: made,
      interruptible: (handler) => {
        interrupt = handler
      },
    })
    // Without a leader nobody can say where the log begins: it is asked for again and again.
    while (made.fake.metadataRequests < 5) await new Promise((resolve) => setTimeout(resolve, 5))
    interrupt()
    expect(await running).toEqual({ code: 130, stdout: '', stderr: '' })
  })
})

describe('lines', () => {
  it('are what stands before a newline, byte for byte, however the chunks fall', () => {
    const text = 'a\r\n\nlonger line\nlast'
    for (let size = 1; size <= text.length; size++) {
      const splitter = new LineSplitter()
      const lines: string[] = []
      for (let at = 0; at < text.length; at += size) lines.push(...splitter.feed(Buffer.from(text.slice(at, at + size))).map(String))
      lines.push(...splitter.end().map(String))
      expect(lines).toEqual(['a\r', '', 'longer line', 'last'])
    }
  })

  it('split at the first separator', () => {
    const parts = ({ key, value }: ReturnType<typeof splitKey>): unknown => [key?.toString() ?? null, value.toString()]
    expect(parts(splitKey(Buffer.from('a::b::c'), '::'))).toEqual(['a', 'b::c'])
    expect(parts(splitKey(Buffer.from('::b'), '::'))).toEqual(['', 'b'])
    expect(parts(splitKey(Buffer.from('none'), '::'))).toEqual([null, 'none'])
    expect(parts(splitKey(Buffer.from('a:b'), undefined))).toEqual([null, 'a:b'])
  })
})
