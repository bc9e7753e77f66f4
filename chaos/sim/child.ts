import { toSeedLine } from './seed-line.ts'
import { findScenario } from './scenarios.ts'
import { World } from './world.ts'

/**
 * A process of the simulator: `node child.js FROM TO [SCENARIO]`. It prints one line of JSON a seed. It is started from the build that is
 * to be tried, so that a mutated copy of the build is tried by the same code.
 */
const [from, to, scenario] = process.argv.slice(2)
for (let seed = Number(from); seed <= Number(to); seed++) {
  const startedAt = process.hrtime.bigint()
  const world = new World({ seed, tell: null, ...(scenario === undefined ? {} : findScenario(scenario)) })
  const report = await world.run()
  process.stdout.write(`${JSON.stringify(toSeedLine(report, Number((process.hrtime.bigint() - startedAt) / 1_000_000n)))}\n`)
}
