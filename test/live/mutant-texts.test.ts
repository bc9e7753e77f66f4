import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT } from '../../chaos/live/cluster-process.ts'
import { mutants } from '../../chaos/sim/mutant-list.ts'
import { mutate } from '../../chaos/sim/mutants.ts'

/** Needs the build. Whether the broken rules are noticed takes minutes: `npm run sim -- --mutants`. */
it.each(mutants)('the build still has the text that the mutant "$name" replaces', (mutant) => {
  expect(mutate(mutant, join(ROOT, 'dist'))).toContain(mutant.replace)
})
