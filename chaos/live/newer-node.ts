import { BIN, ROOT } from './cluster-process.ts'
import { runInTerminal } from './guide-run.ts'

/**
 * The same seeds of the simulator under this Node and under a newer one: what follows from a seed alone has the same trace hash under both. A hash
 * that differs says that something of the runtime decides where only the seed may.
 */
const PACKAGE = 'node@22'
const NEWER = `npx --yes -p ${PACKAGE} node`
const SEEDS = '1..8'
const SEED_LINE = /^seed (\d+) ([0-9a-f]+) /

/** Prints the version, so that the package is there afterwards. */
export const newerNodeCommand = `${NEWER} --version`
export const newerNodeAdvice = `the package ${PACKAGE} cannot be had from the registry that npm is set to: try \`npm view ${PACKAGE} version\``

/** The hash of each seed that the lines tell of. */
export function hashesOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>()
  for (const text of lines) {
    const [, seed, hash] = SEED_LINE.exec(text) ?? []
    if (seed !== undefined && hash !== undefined) hashes.set(seed, hash)
  }
  return hashes
}

/** What differs, as sentences. */
export function differencesOf(here: ReadonlyMap<string, string>, newer: ReadonlyMap<string, string>): readonly string[] {
  if (here.size === 0) return ['no seed was run']
  return [...new Set([...here.keys(), ...newer.keys()])].flatMap((seed) => {
    const [own = 'nothing', other = 'nothing'] = [here.get(seed), newer.get(seed)]
    return own === other ? [] : [`seed ${seed} has the trace hash ${own} here and ${other} under the newer Node`]
  })
}

/** Answers what does not hold, as sentences. */
export async function compareNewerNode(): Promise<readonly string[]> {
  const version = runInTerminal(newerNodeCommand, ROOT)
  await version.ended
  console.log(`seeds ${SEEDS} under ${process.version} and ${version.lines.at(-1)}`)
  const found: ReadonlyMap<string, string>[] = []
  const faults: string[] = []
  for (const node of [JSON.stringify(process.execPath), NEWER]) {
    const command = `${node} ${JSON.stringify(BIN)} sim run --seeds ${SEEDS}`
    const running = runInTerminal(command, ROOT)
    const code = await running.ended
    if (code !== 0) faults.push(`${command} ended with ${code}: ${running.lines.slice(-5).join('; ')}`)
    found.push(hashesOf(running.lines))
  }
  const [here = new Map<string, string>(), newer = new Map<string, string>()] = found
  return [...faults, ...differencesOf(here, newer)]
}
