import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
/** A file by its name, and a block with all of it. */
const INCLUDED = /^\[`(examples\/grpc\/[^`]+)`\]\(\.\.\/\1\)\n\n```\w+\n([\s\S]*?)^```$/gm

describe('docs/grpc.md', () => {
  const page = readFileSync(join(ROOT, 'docs/grpc.md'), 'utf8')
  const included = [...page.matchAll(INCLUDED)].map(([, path, text]) => ({ path: path as string, text: text as string }))

  it('has a whole program in each language', () => {
    expect(included.map(({ path }) => path)).toEqual([
      'examples/grpc/python/exactly_once.py',
      'examples/grpc/go/main.go',
      'examples/grpc/node/exactly-once.mjs',
    ])
  })

  it.each(included)('$path is the very file that is run against a cluster', ({ path, text }) => {
    expect(text).toBe(readFileSync(join(ROOT, path), 'utf8'))
  })

  it('names calls and fields that there are', () => {
    const protos = ['broker', 'admin'].map((name) => readFileSync(join(ROOT, `proto/oxbow/v1/${name}.proto`), 'utf8')).join('\n')
    const before = page.slice(0, page.indexOf('## Three programs'))
    const named = [...before.matchAll(/`(?:Broker\.|Admin\.|oxbow\.v1\.)?([A-Z][a-z]+[A-Z]\w+|[a-z]+(?:_[a-z]+)+)`/g)].map(([, name]) => name as string)
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((name) => !new RegExp(`\\b${name}\\b`).test(protos))).toEqual([])
  })
})
