import { join } from 'node:path'
import { parseAst } from 'rolldown/parseAst'
import { expect, it } from 'vitest'
import { ROOT } from '../../chaos/live/cluster-process.ts'
import { mutants } from '../../chaos/sim/mutant-list.ts'
import { mutate } from '../../chaos/sim/mutant-build.ts'

/** Needs the build. Whether the broken rules are noticed takes minutes: `npm run sim -- --mutants`. */
it.each(mutants)('the build has the text that the mutant "$name" replaces exactly once, and what comes of it is a program', (mutant) => {
  const mutated = mutate(mutant, join(ROOT, 'dist'))
  for (const { file, replace } of [mutant, ...(mutant.also ?? [])]) expect(mutated.get(file)).toContain(replace)
  for (const text of mutated.values()) expect(() => parseAst(text)).not.toThrow()
})
