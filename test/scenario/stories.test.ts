import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const told = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts') && name !== 'stories.test.ts')
  .flatMap((name) => [...readFileSync(join(import.meta.dirname, name), 'utf8').matchAll(/^scenario\(\s*'([^']+)'/gm)].map(([, story]) => story as string))

it('each transcript is that of a story, and each story has one', () => {
  const transcripts = readdirSync(join(import.meta.dirname, 'testdata')).map((name) => name.replace(/\.txt$/, ''))
  expect(transcripts.toSorted()).toEqual(told.toSorted())
})

it('docs/correctness.md names each story', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/correctness.md'), 'utf8')
  expect(told.filter((story) => !page.includes(`\`${story}\``))).toEqual([])
  expect(told.length).toBeGreaterThanOrEqual(30)
})
