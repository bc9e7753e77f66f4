import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runScript } from './support/transcript.ts'

const FOLDER = new URL('./testdata/', import.meta.url)

// REWRITE=1 puts what really happened into the files: read the difference before it is committed.
describe('replication stories', () => {
  for (const name of readdirSync(FOLDER).sort()) {
    it(name, () => {
      const file = new URL(name, FOLDER)
      const script = readFileSync(file, 'utf8')
      const happened = runScript(script)
      if (process.env.REWRITE === '1') writeFileSync(file, happened)
      else expect(happened).toBe(script)
    })
  }
})
