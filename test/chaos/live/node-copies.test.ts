import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NodeCopies } from '../../../chaos/live/node-copies.ts'
import type { NodeCopy } from '../../../chaos/workload/node-copy.ts'
import { runTask, type Task } from '../../../src/base/task.ts'
import { LogStartNote } from '../../../src/log/log-start.ts'
import { NodeDisk } from '../../../src/node/disk.ts'
import { encodeBatch } from '../../../src/record/records.ts'
import { sealBatch, stampBatch } from '../../../src/record/batch.ts'
import type { TopicInfo } from '../../../src/wire/api.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-copies-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function batch(baseOffset: number, ...values: readonly string[]): Buffer {
  const bytes = encodeBatch(values.map((value) => ({ key: null, value: Buffer.from(value), timestamp: 1, headers: [] })))
  stampBatch(bytes, 0, { baseOffset, leaderEpoch: 0 })
  sealBatch(bytes)
  return bytes
}

const name = (base: number): string => `${String(base).padStart(20, '0')}.log`

/** The path of a segment of t0-1. */
function segment(node: number, baseOffset: number): string {
  const path = join(folder, String(node), 'partitions', 't0-1')
  mkdirSync(path, { recursive: true })
  return join(path, name(baseOffset))
}

function copies(replicas: readonly number[], hurt: readonly number[] = []): readonly (Pick<NodeCopy, 'node' | 'damage'> & { readonly records: string })[] {
  const topic = {
    name: 't0',
    partitions: [
      { partition: 0, replicas: [9] },
      { partition: 1, replicas },
    ],
  } as unknown as TopicInfo
  const found = new NodeCopies([topic], (node) => join(folder, String(node)), new Set(hurt)).of({ topic: 't0', partition: 1 })
  return found.map(({ node, damage, records }) => ({ node, damage, records: records.map(([offset, value]) => `${offset} ${String(value)}`).join(', ') }))
}

function* moveStart(disk: NodeDisk): Task<void> {
  const { note } = yield* LogStartNote.open(disk, 't0-1')
  yield* note.write({ startOffset: 7, baseOffset: 7, epoch: 0 })
}

describe('the copies of a partition', () => {
  it('are those of its replicas, over all segments; who has no folder has nothing', () => {
    writeFileSync(segment(1, 0), Buffer.concat([batch(0, 'a', 'b'), batch(2, 'c')]))
    writeFileSync(segment(1, 3), batch(3, 'd'))
    writeFileSync(join(segment(1, 0), '..', '00000000000000000003.index'), 'no log')
    writeFileSync(segment(2, 0), batch(0, 'a', 'b'))
    writeFileSync(segment(4, 0), batch(0, 'not a replica'))
    expect(copies([1, 2, 3])).toEqual([
      { node: 1, damage: undefined, records: '0 a, 1 b, 2 c, 3 d' },
      { node: 2, damage: undefined, records: '0 a, 1 b' },
      { node: 3, damage: undefined, records: '' },
    ])
  })

  it('end where they are damaged: by a flipped bit, a torn end, a batch that lies below the one before', () => {
    const flipped = Buffer.concat([batch(0, 'a'), batch(1, 'b')])
    flipped[flipped.length - 1]! ^= 1
    writeFileSync(segment(1, 0), flipped)
    writeFileSync(segment(2, 0), batch(0, 'a'))
    appendFileSync(segment(2, 0), readFileSync(segment(2, 0)).subarray(0, 30))
    writeFileSync(segment(3, 0), Buffer.concat([batch(0, 'a', 'b'), batch(1, 'c')]))
    const text = `${name(0)} is damaged at byte ${batch(0, 'a').length}`
    expect(copies([1, 2, 3], [2])).toEqual([
      { node: 1, damage: { text, isExplained: false }, records: '0 a' },
      { node: 2, damage: { text, isExplained: true }, records: '0 a' },
      { node: 3, damage: { text: `${name(0)} is damaged at byte ${batch(0, 'a', 'b').length}`, isExplained: false }, records: '0 a, 1 b' },
    ])
  })

  it('lack what is missing in the middle, but where that was done to the node: then they end there', () => {
    for (const node of [1, 2]) {
      writeFileSync(segment(node, 0), batch(0, 'a'))
      writeFileSync(segment(node, 2), batch(2, 'c'))
    }
    expect(copies([1, 2], [2])).toEqual([
      { node: 1, damage: undefined, records: '0 a, 2 c' },
      { node: 2, damage: { text: `${name(2)} goes on with 2 at byte 0, not 1`, isExplained: true }, records: '0 a' },
    ])
  })

  it('begin where their note says: older files are left over', async () => {
    writeFileSync(segment(1, 0), batch(0, 'a'))
    writeFileSync(segment(1, 7), batch(7, 'h'))
    const disk = new NodeDisk(join(folder, '1', 'partitions'))
    await new Promise<void>((resolve, reject) => runTask(moveStart(disk), (error) => (error === undefined ? resolve() : reject(error))))
    expect(copies([1])).toEqual([{ node: 1, damage: undefined, records: '7 h' }])
  })

  it('are none of a topic that is not there', () => {
    expect(new NodeCopies([], () => folder, new Set()).of({ topic: 't0', partition: 0 })).toEqual([])
  })
})
