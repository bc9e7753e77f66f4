import { type SeedLine, toSeedLine } from './seed-line.ts'
import { type SeedOptions, type SeedReport, World } from './world.ts'

const runWorld = (options: SeedOptions): Promise<SeedReport> => new World(options).run()

/** Runs a seed, each seed that `twice` divides a second time (0: none): then the traces have to be equal. */
export async function trySeed(options: SeedOptions, twice: number, run = runWorld): Promise<SeedLine> {
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  const report = await run(options)
  const { user, system } = process.cpuUsage(cpuBefore)
  const line = toSeedLine(report, { realMs: performance.now() - startedAt, cpuMs: (user + system) / 1000 })
  if (twice === 0 || options.seed % twice !== 0 || line.violation !== null) return line
  const { hash } = await run({ ...options, tell: null })
  if (hash === line.hash) return line
  return { ...line, violation: { invariant: 'run', sentence: `run: the trace is ${hash} the second time` } }
}
