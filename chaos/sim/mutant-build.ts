import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Mutant, Patch } from './mutant.ts'

/** The files of a build with the mutant's texts replaced, by path. Throws when one is not there exactly once: the patch is out of date. */
export function mutate(mutant: Mutant, dist: string): ReadonlyMap<string, string> {
  const mutated = new Map<string, string>()
  for (const patch of [mutant, ...(mutant.also ?? [])]) {
    const source = mutated.get(patch.file) ?? readFileSync(join(dist, patch.file), 'utf8')
    mutated.set(patch.file, replaceOnce(mutant.name, patch, source))
  }
  return mutated
}

function replaceOnce(name: string, { file, find, replace }: Patch, source: string): string {
  const times = source.split(find).length - 1
  if (times !== 1) throw new Error(`mutant "${name}": its text is ${times} times in ${file}, once is expected: ${find}`)
  return source.replace(find, () => replace)
}

/** A copy of the build with those texts replaced. */
export function makeMutantBuild(mutant: Mutant, dist: string): string {
  const mutated = mutate(mutant, dist)
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-mutant-'))
  cpSync(dist, join(folder, 'dist'), { recursive: true })
  for (const [file, text] of mutated) writeFileSync(join(folder, 'dist', file), text)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  symlinkSync(join(dist, '..', 'node_modules'), join(folder, 'node_modules'))
  return folder
}

export function removeMutantBuild(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}
