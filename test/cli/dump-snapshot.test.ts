import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { runTask, type Task } from '../../src/base/task.ts'
import { LogStartNote } from '../../src/log/log-start.ts'
import { SnapshotFiles, type SnapshotWriter } from '../../src/log/snapshot-files.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { hashImage } from '../../src/metadata/hash.ts'
import { emptyImage } from '../../src/metadata/image.ts'
import { NodeDisk } from '../../src/node/disk.ts'
import { writeSnapshot } from '../../src/runtime/snapshot-content.ts'
import { story } from '../metadata/fixtures.ts'
import { oxbow } from './harness.ts'

const clock = { monotonicMs: () => 0, wallMs: () => 0, defer: (callback) => void setImmediate(callback) } as Partial<Clock> as Clock
const image = applyEntries(emptyImage, story).image
const NAME = '00000000000000000006-0000000003.checkpoint'

function run<T>(task: Task<T>): Promise<T> {
  return new Promise((resolve, reject) => runTask(task, (error, value) => (error === undefined ? resolve(value) : reject(error))))
}

describe('dump-log reads snapshots of the metadata', () => {
  let root = ''
  let folder = ''
  let copies = 0

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'oxbow-test-'))
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  beforeEach(async () => {
    folder = join(root, `node-${copies++}`)
    mkdirSync(join(folder, 'metadata'), { recursive: true })
    const files = new SnapshotFiles(new NodeDisk(folder), 'metadata')
    const writer: SnapshotWriter = await run(files.begin('own'))
    await run(writeSnapshot(writer, { image, lastTerm: 3, writtenMs: 1_700_000_000_000, clock, isStopped: () => false }))
    await run(writer.finish({ endOffset: 6, lastTerm: 3 }))
  })

  const path = (): string => join(folder, 'metadata', NAME)

  function flip(at: number): void {
    const bytes = readFileSync(path())
    bytes[at] = (bytes[at] as number) ^ 1
    writeFileSync(path(), bytes)
  }

  it('checks each in a data folder, and says what it holds in a line', async () => {
    const { code, stdout } = await oxbow(['dump-log', folder])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^snapshot 0{19}6-0{9}3\.checkpoint: offsets 0 to 6, term 3, 8 records, \d+ bytes: good\nlog metadata: start 0, end 0/)
  })

  it('shows the batches, and with --records what they hold, of one that is named', async () => {
    const plain = await oxbow(['dump-log', path()])
    expect(plain.stdout.split('\n').filter((line) => line.startsWith('baseOffset'))).toHaveLength(3)
    const { code, stdout } = await oxbow(['dump-log', path(), '--records'])
    expect(code).toBe(0)
    expect(stdout).toContain('  offset: 0 timestamp: 1700000000000 snapshotHeader version: 1 endOffset: 6 lastTerm: 3\n')
    expect(stdout).toContain('    topic topicId: 00000000000000000000000000000001 name: orders\n')
    expect(stdout).toContain(`  offset: 2 timestamp: 1700000000000 snapshotFooter version: 1 imageHash: ${hashImage(image)} recordCount: 8\n`)
    expect(stdout).not.toContain('log metadata')
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^snapshot .*: good$/)
  })

  it('for programs too', async () => {
    const { stdout } = await oxbow(['dump-log', path(), '--records', '-o', 'json'])
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines[0]).toMatchObject({ type: 'batch', isControl: true, records: [{ control: { type: 'snapshotHeader', endOffset: 6 } }] })
    expect(lines.at(-1)).toMatchObject({
      type: 'summary',
      ok: true,
      logs: [{ snapshots: [{ endOffset: 6, lastTerm: 3, batches: 3, records: 8, problems: [] }] }],
    })
  })

  it('finds what is wrong with one: a byte, an end that is missing, the name of another one', async () => {
    flip(200)
    const damaged = await oxbow(['dump-log', folder])
    expect(damaged.code).toBe(1)
    expect(damaged.stdout).toContain('the checksum of a batch is wrong')
    flip(200)
    const bytes = readFileSync(path())
    writeFileSync(path(), bytes.subarray(0, bytes.length - 1))
    const short = await oxbow(['dump-log', path()])
    expect(short.code).toBe(1)
    expect(short.stdout).toContain('wrong: a metadata snapshot is not whole: it has no footer')
    writeFileSync(path(), bytes)
    renameSync(path(), path().replace('6-', '7-'))
    const renamed = await oxbow(['dump-log', folder])
    expect(renamed.code).toBe(1)
    expect(renamed.stdout).toContain('its header is not that of its name')
  })

  it('says when the metadata log begins where no whole snapshot reaches', async () => {
    const { note } = await run(LogStartNote.open(new NodeDisk(folder), 'metadata'))
    await run(note.write({ startOffset: 6, baseOffset: 6, epoch: 3 }))
    expect((await oxbow(['dump-log', folder])).code).toBe(0)
    await run(note.write({ startOffset: 9, baseOffset: 9, epoch: 3 }))
    const { code, stdout } = await oxbow(['dump-log', folder])
    expect(stdout).toContain('wrong: it begins at offset 9, and no snapshot that reaches that is whole')
    expect(code).toBe(1)
  })
})
