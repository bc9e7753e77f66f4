import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tarball } from '../../src/cli/tar.ts'

describe('a tarball', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oxbow-tar-'))
  })

  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('is what tar unpacks, byte for byte, with its names and time', () => {
    const entries = [
      { path: 'a/empty.txt', content: Buffer.alloc(0) },
      { path: 'a/block.bin', content: Buffer.alloc(512, 7) },
      { path: 'a/b/odd.bin', content: Buffer.from(Array.from({ length: 1_537 }, (_, at) => at % 256)) },
      { path: `a/${'ü'.repeat(49)}`, content: Buffer.from('ü') },
    ]
    const file = join(folder, 'a.tar')
    writeFileSync(file, tarball(entries, Date.UTC(2024, 1, 3, 4, 5, 6)))
    const listing = execFileSync('tar', ['--utc', '--quoting-style=literal', '-tvf', file], { encoding: 'utf8' }).trim().split('\n')
    expect(listing).toHaveLength(entries.length)
    for (const line of listing) expect(line).toMatch(/^-rw------- .* 2024-02-03 04:05 /)
    execFileSync('tar', ['-xf', file, '-C', folder])
    for (const { path, content } of entries) expect(readFileSync(join(folder, path))).toEqual(content)
  })

  it('takes no path that its field cannot hold', () => {
    expect(() => tarball([{ path: 'x'.repeat(101), content: Buffer.alloc(0) }], 0)).toThrow('a path fits into its field')
  })
})
