import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Fault } from '../../../chaos/faults.ts'
import { type FailureFile, readFailure, runCase, writeFailure } from '../../../chaos/sim/failure-file.ts'
import { replay } from '../../../chaos/sim/replay.ts'
import { drawCase } from '../../../chaos/sim/seed-case.ts'

const LONG_MS = 120_000
const late: Fault = { id: 0, atMs: 900_000, kind: 'kill', target: { type: 'node', nodeId: 1 }, durationMs: 10 }

describe('the file of a failure', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'failure-file-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
    vi.restoreAllMocks()
  })

  it(
    'says in one line what broke, holds the story, and breaks again with the same trace when it is replayed',
    async () => {
      const failure = await runCase(drawCase(3, { plan: [late], settings: { faultPhaseMs: 3_000 } }))
      expect(failure?.broke).toMatch(/^run: not observed: fault 0: kill on node 1/)
      expect(failure?.trace.some((line) => line.includes('raft: leader in term'))).toBe(true)
      const read = readFailure(writeFailure(join(folder, 'made'), 'seed-3', failure as FailureFile))
      expect(read).toEqual(failure)
      const said: string[] = []
      vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0)
      expect(await replay(read)).toBe(1)
      expect(said.at(-1)).toBe(`seed 3 broke again, with the same trace ${read.hash}: ${read.broke}\n`)
    },
    LONG_MS,
  )

  it('is refused with a sentence when it is none', () => {
    const path = join(folder, 'other.json')
    writeFileSync(path, '{"seed":1}')
    expect(() => readFailure(path)).toThrow(/is no failure of the simulator/)
    writeFileSync(path, '{')
    expect(() => readFailure(path)).toThrow(/cannot be read as a failure of the simulator/)
    expect(() => readFailure(join(folder, 'none.json'))).toThrow(/cannot be read/)
  })
})
