import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

it('a fresh clone says how it is built', () => {
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-not-built-'))
  try {
    cpSync(join(import.meta.dirname, '../../bin'), join(folder, 'bin'), { recursive: true })
    const run = spawnSync(process.execPath, [join(folder, 'bin/oxbow.cjs'), 'dev'], { encoding: 'utf8' })
    expect([run.status, run.stdout, run.stderr]).toEqual([2, '', 'error: NOT_BUILT: Oxbow is not built yet (run: npm ci && npm run build)\n'])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
