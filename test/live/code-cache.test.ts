import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BIN, ROOT } from '../../chaos/live/cluster-process.ts'

const V8 = join(ROOT, 'bin', 'v8.cjs')
/** From Node 22 on the cache is Node's own. */
const isOurs = (createRequire(import.meta.url)('node:module') as { enableCompileCache?: unknown }).enableCompileCache === undefined

/** Says on stderr what became of each cache that is offered to V8. */
const WATCH = `
const vm = require('node:vm')
const { Script } = vm
vm.Script = class extends Script {
  constructor(source, options) {
    super(source, options)
    if (options?.cachedData !== undefined) console.error(this.cachedDataRejected ? 'refused' : 'used', options.filename)
  }
}
`

describe.runIf(isOurs)('the compiled code that the build keeps', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oxbow-code-cache-'))
    writeFileSync(join(folder, 'watch.cjs'), WATCH)
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function node(...args: string[]): { readonly stdout: string; readonly offered: string[] } {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['-r', join(folder, 'watch.cjs'), ...args], { encoding: 'utf8' })
    expect(status, stderr).toBe(0)
    return { stdout, offered: stderr.split('\n').filter((line) => /^(used|refused) /.test(line)) }
  }

  it('is there for every file of the bundle, and V8 takes it with the flags of a run', () => {
    const files = readdirSync(join(ROOT, 'dist', 'bundle', 'cli'))
    const chunks = files.filter((name) => name.endsWith('.cjs'))
    expect(files.filter((name) => name.endsWith('.v8'))).toEqual(chunks.map((name) => `${name}.${process.version}-${process.arch}.v8`))
    const { offered } = node(BIN, 'config', 'check', join(ROOT, 'cluster-configs', 'three-node.yaml'))
    expect(offered.length).toBeGreaterThan(10)
    expect(offered.filter((line) => line.startsWith('refused'))).toEqual([])
  })

  it('is made anew by nobody when V8 refuses it: the file is compiled as ever', () => {
    const file = join(folder, 'told.cjs')
    writeFileSync(file, "const { sep } = require('node:path')\nconsole.log(module.id === __filename, sep)\n")
    const write = `require(${JSON.stringify(V8)}).writeCodeCache(${JSON.stringify(file)})`
    const use = `require(${JSON.stringify(V8)}).useCodeCache(); require(${JSON.stringify(file)})`
    node('-e', write)
    expect(node('-e', use)).toEqual({ stdout: 'true /\n', offered: [`used ${file}`] })
    writeFileSync(`${file}.${process.version}-${process.arch}.v8`, 'of another make')
    expect(node('-e', use)).toEqual({ stdout: 'true /\n', offered: [`refused ${file}`] })
  })
})
