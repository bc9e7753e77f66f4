import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RunFile } from '../../chaos/sim/run-file.ts'
import { makeSeedLine } from '../chaos/sim/seed-lines.ts'
import { oxbow } from './harness.ts'

describe('oxbow sim report', () => {
  let folder = ''
  let path = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oxbow-sim-report-'))
    path = join(folder, 'runs.jsonl')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('says what a run came to', async () => {
    new RunFile(path, 'aaa').add(makeSeedLine({ nodes: 5 }))
    const table = await oxbow(['sim', 'report', path])
    expect(table).toMatchObject({ code: 0, stderr: '' })
    expect(table.stdout).toContain('seeds        1\n')
    expect(table.stdout).toContain('  5 nodes    1 seeds')
    const json = await oxbow(['sim', 'report', path, '-o', 'json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ seeds: 1, byNodes: [{ nodes: 5, seeds: 1 }], commits: { aaa: 1 }, failures: [] })
  })

  it('exits 1 when something did not hold', async () => {
    new RunFile(path, 'aaa').add(makeSeedLine({ violation: { invariant: 'I4', sentence: 'I4: offset 7 is lost' } }))
    const { code, stdout } = await oxbow(['sim', 'report', path])
    expect(code).toBe(1)
    expect(stdout).toContain('I4: offset 7 is lost')
  })

  it('of another file, or none, is a usage error', async () => {
    expect(await oxbow(['sim', 'report', path])).toMatchObject({ code: 2, stdout: '' })
    writeFileSync(path, '{"name":"oxbow"}\n')
    const { code, stderr } = await oxbow(['sim', 'report', path])
    expect(code).toBe(2)
    expect(stderr).toContain(`error: USAGE: line 1 of ${path} is none of a run of the simulator`)
  })
})
