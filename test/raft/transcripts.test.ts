import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { replay } from './interaction.ts'

const FOLDER = join(import.meta.dirname, 'testdata')

/** UPDATE_TRANSCRIPTS=1 rewrites the files with what is printed now: read the difference before you commit it. */
const mayUpdate = process.env.UPDATE_TRANSCRIPTS === '1'

describe('transcripts', () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))

  it('are there', () => expect(names.length).toBeGreaterThanOrEqual(15))

  it.each(names)('%s', (name) => {
    const path = join(FOLDER, name)
    const expected = readFileSync(path, 'utf8')
    const actual = replay(expected)
    if (mayUpdate) writeFileSync(path, actual)
    else expect(actual).toBe(expected)
  })
})
