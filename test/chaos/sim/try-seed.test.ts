import { describe, expect, it } from 'vitest'
import { drawCase } from '../../../chaos/sim/seed-case.ts'
import { trySeed } from '../../../chaos/sim/try-seed.ts'
import type { SeedReport } from '../../../chaos/sim/world.ts'
import { Violation } from '../../../chaos/check/violation.ts'

const held = { violation: null, simulatedMs: 1, steps: 1, operations: 1, acknowledged: 1, messages: 1, faults: new Map(), situations: new Map() }

/** Tries a seed whose runs come to these hashes, one after the other; answers the violation and how many runs there were. */
async function tryTwice(seed: number, hashes: readonly string[], report: Partial<SeedReport> = {}): Promise<readonly [string | undefined, number]> {
  let runs = 0
  const line = await trySeed({ seed, tell: null }, 25, async () => ({ ...drawCase(seed), ...held, ...report, hash: hashes[runs++] as string }))
  return [line.violation?.sentence, runs]
}

describe('a seed that is run twice', () => {
  it('fails unless its traces are equal', async () => {
    expect(await tryTwice(50, ['aaa', 'aaa'])).toEqual([undefined, 2])
    expect(await tryTwice(50, ['aaa', 'bbb'])).toEqual(['run: the trace is bbb the second time', 2])
  })

  it('is one that the number divides, and that held', async () => {
    expect(await tryTwice(51, ['aaa'])).toEqual([undefined, 1])
    expect(await tryTwice(50, ['aaa'], { violation: new Violation('run', 'too little happened') })).toEqual(['run: too little happened', 1])
  })
})
