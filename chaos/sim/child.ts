import { findScenario } from './scenarios.ts'
import { trySeed } from './try-seed.ts'

/**
 * A process of the simulator: `node child.js FROM TO TWICE [SCENARIO]`. It prints one line of JSON a seed. It is started from the build that is
 * to be tried, so that a mutated copy of the build is tried by the same code.
 */
const [from, to, twice, scenario] = process.argv.slice(2)
const given = scenario === undefined ? {} : findScenario(scenario)
for (let seed = Number(from); seed <= Number(to); seed++) {
  const line = await trySeed({ seed, tell: null, ...given }, Number(twice))
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
