import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NodeCopies } from '../../../chaos/live/node-copies.ts'
import type { NodeCopy } from '../../../chaos/workload/node-copy.ts'
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

/** The path of a segment of t0-1. */
function segment(node: number, baseOffset: number): string {
  const path = join(folder, String(node), 'partitions', 't0-1')
  mkdirSync(path, { recursive: true })
  return join(path, `${String(baseOffset).padStart(20, '0')}.log`)
}

function copies(...replicas: readonly number[]): readonly (Pick<NodeCopy, 'node' | 'damage'> & { readonly records: string })[] {
  const topic = {
    name: 't0',
    partitions: [
      { partition: 0, replicas: [9] },
      { partition: 1, replicas },
    ],
  } as unknown as TopicInfo
  const found = new NodeCopies([topic], (node) => join(folder, String(node))).of({ topic: 't0', partition: 1 })
  return found.map(({ node, damage, records }) => ({ node, damage, records: records.map(([offset, value]) => `${offset} ${String(value)}`).join(', ') }))
}

describe('the copies of a partition', () => {
  it('are those of its replicas, over all segments; who has no folder has nothing', () => {
    writeFileSync(segment(1, 0), Buffer.concat([batch(0, 'a', 'b'), batch(2, 'c')]))
    writeFileSync(segment(1, 3), batch(3, 'd'))
    writeFileSync(join(segment(1, 0), '..', '00000000000000000003.index'), 'no log')
    writeFileSync(segment(2, 0), batch(0, 'a', 'b'))
    writeFileSync(segment(4, 0), batch(0, 'not a replica'))
    expect(copies(1, 2, 3)).toEqual([
      { node: 1, damage: undefined, records: '0 a, 1 b, 2 c, 3 d' },
      { node: 2, damage: undefined, records: '0 a, 1 b' },
      { node: 3, damage: undefined, records: '' },
    ])
  })

  it('end where they are damaged: by a flipped bit, a torn end, a hole', () => {
    const flipped = Buffer.concat([batch(0, 'a'), batch(1, 'b')])
    flipped[flipped.length - 1]! ^= 1
    writeFileSync(segment(1, 0), flipped)
    writeFileSync(segment(2, 0), batch(0, 'a'))
    appendFileSync(segment(2, 0), readFileSync(segment(2, 0)).subarray(0, 30))
    writeFileSync(segment(3, 0), batch(0, 'a'))
    writeFileSync(segment(3, 2), batch(2, 'c'))
    const at = batch(0, 'a').length
    const name = (base: number): string => `${String(base).padStart(20, '0')}.log`
    expect(copies(1, 2, 3)).toEqual([
      { node: 1, damage: `${name(0)} is damaged at byte ${at}`, records: '0 a' },
      { node: 2, damage: `${name(0)} is damaged at byte ${at}`, records: '0 a' },
      { node: 3, damage: `${name(2)} is damaged at byte 0`, records: '0 a' },
    ])
  })

  it('are none of a topic that is not there', () => {
    expect(new NodeCopies([], () => folder).of({ topic: 't0', partition: 0 })).toEqual([])
  })
})
