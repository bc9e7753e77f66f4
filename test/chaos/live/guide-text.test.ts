import { describe, expect, it } from 'vitest'
import { matchesOutput, readGuide } from '../../../chaos/live/guide-text.ts'

describe('the commands of a guide', () => {
  const page = [
    'Type this:',
    '',
    '```console stays',
    '$ npm ci',
    '$ npm start',
    'Ctrl-C stops all nodes.',
    '```',
    '```ts file=one.mjs',
    "console.log('one')",
    '```',
    '```console',
    '$ node one.mjs',
    'one',
    '$ false   # exits 1',
    "$ printf 'a\\nb\\n' | \\",
    '  sort -r',
    'b',
    'a',
    '```',
    '```console stays needs=docker',
    '$ docker compose up',
    '```',
    '```yaml',
    '$ not a command',
    '```',
  ].join('\n')

  it('are read in order, with what they print', () => {
    const command = { type: 'command', stays: false, exitCode: 0, expected: [], needs: undefined }
    expect(readGuide(page)).toEqual([
      { ...command, command: 'npm ci', line: 4 },
      { ...command, command: 'npm start', stays: true, expected: ['Ctrl-C stops all nodes.'], line: 5 },
      { type: 'file', name: 'one.mjs', content: "console.log('one')\n", line: 8 },
      { ...command, command: 'node one.mjs', expected: ['one'], line: 12 },
      { ...command, command: 'false', exitCode: 1, line: 14 },
      { ...command, command: "printf 'a\\nb\\n' | \\\n  sort -r", expected: ['b', 'a'], line: 15 },
      { ...command, command: 'docker compose up', stays: true, needs: 'docker', line: 21 },
    ])
  })

  it('begin with a prompt', () => {
    expect(() => readGuide('```console\nnpm start\n```')).toThrow('line 2: a console block begins with "$ "')
  })
})

describe('what a command printed', () => {
  it.each([
    [['a b'], ['a    b '], true],
    [['a b'], ['a c'], false],
    [['id …'], ['id 4e6b'], true],
    [['id …'], ['no id 4e6b'], false],
    [['a', '…', 'z'], ['a', 'b', 'c', 'z'], true],
    [['a', '…', 'z'], ['a', 'z'], true],
    [['a', '…'], ['a'], true],
    [['a', '…', 'z'], ['a', 'b'], false],
    [['a'], ['a', 'b'], false],
    [['(1.5)'], ['(1x5)'], false],
  ])('%j and %j: %s', (expected, actual, matches) => {
    expect(matchesOutput(expected, actual)).toBe(matches)
  })
})
