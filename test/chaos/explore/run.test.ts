import { afterEach, expect, it, vi } from 'vitest'
import { runExplore } from '../../../chaos/explore/run.ts'

afterEach(() => vi.restoreAllMocks())

it.each([
  ['gives up before all was seen', ['raft', '--states', '50'], 4, 'gave up after 50 states, none of them is wrong'],
  ['is asked for nonsense', ['--states', 'many'], 2, 'error: '],
])('an exploration that %s says so to a script, too', (_, args, code, text) => {
  const said: string[] = []
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation((chunk) => said.push(String(chunk)) > 0)
  expect(runExplore(args)).toBe(code)
  expect(said.join('')).toContain(text)
})
