import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { judgeImport, pureRooms, roomOf } from './tidy/rooms.ts'
import { readFacts, readSources, type SourceFile } from './tidy/source-file.ts'

const ROOT = join(import.meta.dirname, '..')
const MAX_LINES = 500
/** Loads a native routine when the module is loaded, before any node exists. */
const LOADS_ITSELF = 'src/base/crc32c.ts'

const house: readonly SourceFile[] = ['src', 'chaos', 'bench'].flatMap((folder) => readSources(ROOT, folder))
const everything: readonly SourceFile[] = [...house, ...readSources(ROOT, 'test')]

describe('the checks themselves', () => {
  const sample = [
    "import type { A } from './a.ts'",
    "import { type B, type C } from './b.ts'",
    "import { type D, e } from './d.ts'",
    "export type { F } from './f.ts'",
    "type G = import('./g.ts').G",
    "const h = await import('./h.ts')",
    'let counter = 0',
  ].join('\n')

  it('see every kind of import, with its line', () => {
    expect(readFacts(sample).imports).toEqual([
      { specifier: './a.ts', kind: 'type', line: 1 },
      { specifier: './b.ts', kind: 'type', line: 2 },
      { specifier: './d.ts', kind: 'value', line: 3 },
      { specifier: './f.ts', kind: 'type', line: 4 },
      { specifier: './g.ts', kind: 'type', line: 5 },
      { specifier: './h.ts', kind: 'lazy', line: 6 },
    ])
    expect(readFacts(sample).moduleState).toEqual([{ name: 'let', line: 7 }])
  })

  it.each([
    ['const at = Date.now()', ['Date']],
    ['const when: Promise<void> = x', ['Promise']],
    ['async function f(): void {}', ['async']],
    ['const r = Math.random()', ['Math.random']],
    ['setTimeout(f, 1)', ['setTimeout']],
    ['const clock = { Date: 1, process: 2 }; clock.process; random.integer(3)', []],
    ["const text = 'Date.now()' // setTimeout", []],
  ])('find what a pure room may not know: %s', (source, names) => {
    expect(readFacts(source).impure.map((one) => one.name)).toEqual(names)
  })

  it.each([
    ['src/raft/raft.ts', '../base/assert.ts', 'value', true],
    ['src/raft/raft.ts', '../metadata/image.ts', 'type', false],
    ['src/wire/peer.ts', '../controller/commands.ts', 'type', true],
    ['src/wire/peer.ts', '../controller/commands.ts', 'value', false],
    ['src/cli/sim.ts', '../../chaos/sim/main.ts', 'lazy', true],
    ['src/cli/sim.ts', '../../chaos/sim/main.ts', 'value', false],
    ['src/client/client.ts', '../node/system-clock.ts', 'value', false],
    ['chaos/live/story.ts', '../../src/cli/main.ts', 'value', false],
    ['src/raft/raft.ts', 'node:fs', 'value', false],
    ['src/log/segment.ts', './index', 'value', false],
    ['src/attic/box.ts', '../base/assert.ts', 'value', false],
  ] as const)('judge an import by the table: %s of %s (%s)', (path, specifier, kind, allowed) => {
    expect(judgeImport(path, { specifier, kind, line: 1 }) === undefined).toBe(allowed)
  })
})

describe('the house', () => {
  it('keeps the import table of architecture 3', () => {
    const faults = house.flatMap(({ path, text }) => readFacts(text).imports.flatMap((edge) => judgeImport(path, edge) ?? []))
    expect(faults).toEqual([])
  })

  it('keeps its pure rooms free of time, chance, promises and the process (style S3)', () => {
    const pure = house.filter(({ path }) => path !== LOADS_ITSELF && pureRooms.has(roomOf(path) ?? ''))
    expect(pure.length).toBeGreaterThan(20)
    const faults = pure.flatMap(({ path, text }) => readFacts(text).impure.map((one) => `${path}:${one.line} ${one.name}`))
    expect(faults).toEqual([])
  })

  it('has no state at module level (architecture 4)', () => {
    const faults = house.flatMap(({ path, text }) => readFacts(text).moduleState.map((one) => `${path}:${one.line} ${one.name}`))
    expect(faults).toEqual([])
  })

  it(`has no file of more than ${MAX_LINES} lines`, () => {
    const long = everything.filter(({ text }) => text.split('\n').length > MAX_LINES + 1).map(({ path }) => path)
    expect(long).toEqual([])
  })

  it('names its files in kebab-case', () => {
    const odd = everything.map(({ path }) => path).filter((path) => !/^([a-z0-9-]+\/)*[a-z0-9-]+(\.test|\.d)?\.ts$/.test(path))
    expect(odd).toEqual([])
  })

  it('skips no test and runs none alone', () => {
    const cheats = everything.filter(({ path, text }) => path !== 'test/tidy.test.ts' && /\b(it|test|describe)\.(skip|only|todo|fails)\b/.test(text))
    expect(cheats.map(({ path }) => path)).toEqual([])
  })
})
