import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { flipBit } from '../../../../chaos/live/faults/damaged-files.ts'
import { SeededRandom } from '../../../../src/base/random.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-flip-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('flips one bit of a file, anywhere in it', () => {
  const path = join(folder, 'some.log')
  const positions = new Set<number>()
  for (let seed = 0; seed < 60; seed++) {
    const before = Buffer.from('0123456789')
    writeFileSync(path, before)
    flipBit(path, new SeededRandom(seed))
    const after = readFileSync(path)
    expect(after).toHaveLength(before.length)
    const changed = [...before].flatMap((byte, at) => (byte === after[at] ? [] : [{ at, bits: byte ^ (after[at] as number) }]))
    expect(changed).toHaveLength(1)
    expect(Math.log2(changed[0]?.bits as number) % 1).toBe(0)
    positions.add(changed[0]?.at as number)
  }
  expect(positions.size).toBe(10)
})
