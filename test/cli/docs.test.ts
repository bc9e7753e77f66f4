import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { buildProgram } from '../../src/cli/program.ts'

/** Commands that stand within sentences and tables, where no story runs them: they are commands that there are, with options that they have. */
const ROOT = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const below = (folder: string): string[] => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
const pages = [...readdirSync(ROOT), ...['docs', 'examples', 'deploy', 'cluster-configs'].flatMap(below)].filter(
  (path) => /\.md$/.test(path) || /^(?:deploy|cluster-configs)\/.*\.ya?ml$/.test(path),
)
/** In backquotes, typed at a prompt, or after npx anywhere. */
const OXBOW = /(?:`(?:npx )?oxbow|^\$ (?:[A-Z_]+=\S+ )?(?:npx )?oxbow|npx oxbow) ([^`|;&>()\n]+)/gm
const NPM = /npm run (?:--silent )?([\w:]+)(?: -- ([\w-]+))?/g

const program = buildProgram({ context: undefined as never, finish: () => undefined }, '0')

/** What is wrong with the words behind `oxbow`, as a sentence. */
function faultOf(words: readonly string[]): string | undefined {
  let command: Command = program
  for (const word of words) {
    const below = command.commands.find((one) => one.name() === word)
    if (below !== undefined) command = below
    else if (command.commands.length > 0 && /^[a-z]/.test(word)) return `${command.name()} has no command ${word}`
    else if (/^--?[a-z]/i.test(word) && command.name() !== 'run') {
      const name = word.split('=')[0] as string
      const isKnown = name === '--help' || command.options.some((option) => option.long === name || option.short === name)
      if (!isKnown) return `${command.name()} has no option ${name}`
    }
  }
  return undefined
}

describe('the pages', () => {
  it.each(pages)('%s names commands and options of oxbow that there are', (path) => {
    // What is shown to be refused is run by the story of the docs.
    const lines = [...read(path).matchAll(OXBOW)].map(([, line = '']) => line.trim()).filter((line) => !/# exits \d/.test(line))
    expect(lines.flatMap((line) => faultOf(line.split(/\s+/)) ?? [])).toEqual([])
  })

  it.each(pages)('%s names scripts and stories that there are', (path) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: object }
    const stories = read('chaos/live/story.ts')
    const faults = [...read(path).matchAll(NPM)].flatMap(([, script = '', argument]) => {
      if (!Object.hasOwn(scripts, script)) return [`no script ${script}`]
      const isStory = script !== 'story' || argument === undefined || argument === 'NAME' || new RegExp(`^  '?${argument}'?: \\{`, 'm').test(stories)
      return isStory ? [] : [`no story ${argument}`]
    })
    expect(faults).toEqual([])
  })

  it('are found, and so are their commands', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/operations.md', 'deploy/README.md', 'deploy/prometheus-alerts.yml']))
    expect(pages.flatMap((path) => [...read(path).matchAll(OXBOW)]).length).toBeGreaterThan(80)
  })

  it.each([
    ['topc list', 'oxbow has no command topc'],
    ['topic lst', 'topic has no command lst'],
    ['topic create orders --partition 3', 'create has no option --partition'],
    ['topic create orders --partitions 3 --config K=V', undefined],
    ['consume TOPIC -n 3', undefined],
  ])('"%s": %s', (line, fault) => {
    expect(faultOf(line.split(' '))).toBe(fault)
  })
})
