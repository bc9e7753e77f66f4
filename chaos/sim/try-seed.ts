import { type SeedLine, toSeedLine } from './seed-line.ts'
import { type SeedOptions, World } from './world.ts'

/** Runs a seed, each seed that `twice` divides a second time (0: none): then the traces have to be equal. */
export async function trySeed(options: SeedOptions, twice: number): Promise<SeedLine> {
  const startedAt = performance.now()
  const report = await new World(options).run()
  const line = toSeedLine(report, performance.now() - startedAt)
  if (twice === 0 || options.seed % twice !== 0 || line.violation !== null) return line
  const { hash } = await new World({ ...options, tell: null }).run()
  if (hash === line.hash) return line
  return { ...line, violation: { invariant: 'run', sentence: `run: the trace is ${hash} the second time` } }
}
