/** What `oxbow sim run` was asked for. */
export interface SimArguments {
  readonly fromSeed: number
  /** Inclusive. */
  readonly toSeed: number
  readonly trace: boolean
  readonly mutants: boolean
  /** Stop beginning new seeds after so many real seconds; null: no such end. */
  readonly seconds: number | null
  readonly jobs: number
  /** One JSON line a seed: for the processes that main starts. */
  readonly lines: boolean
}

/** One line an option. */
export const simOptions = `
Options:
  --seed N       one seed (default 1)
  --seeds A..B   all seeds from A to B
  --trace        tell the story of the seed
  --time S       begin no new seed after S seconds; without --seeds it goes on from seed 1
  --jobs N       processes at once (default: the processors of this machine)
  --mutants      break the rules one by one, and see each noticed
  -h, --help     show this
`

const MOST_SEEDS = 2 ** 31

/** Reads the options. Throws an Error with one sentence when they make no sense. */
export function parseSimArguments(args: readonly string[], processors: number): SimArguments {
  const flags = new Set<string>()
  const values = new Map<string, string>()
  for (let at = 0; at < args.length; at++) {
    const [name = '', inline] = (args[at] as string).split('=', 2)
    if (name === '--trace' || name === '--mutants' || name === '--lines') flags.add(name)
    else if (name === '--seed' || name === '--seeds' || name === '--time' || name === '--jobs') {
      const value = inline ?? args[++at]
      if (value === undefined) throw new Error(`${name} needs a value`)
      values.set(name, value)
    } else throw new Error(`"${args[at]}" is not an option of the simulator`)
  }
  const [fromSeed, toSeed] = parseSeeds(values, flags)
  const seconds = values.has('--time') ? parseCount('--time', values.get('--time') as string) : null
  const jobs = values.has('--jobs') ? parseCount('--jobs', values.get('--jobs') as string) : processors
  return { fromSeed, toSeed, trace: flags.has('--trace'), mutants: flags.has('--mutants'), seconds, jobs, lines: flags.has('--lines') }
}

function parseSeeds(values: ReadonlyMap<string, string>, flags: ReadonlySet<string>): readonly [number, number] {
  const range = values.get('--seeds')
  if (range !== undefined) {
    const match = /^(\d+)\.\.(\d+)$/.exec(range)
    const from = Number(match?.[1])
    const to = Number(match?.[2])
    if (match === null || from > to) throw new Error(`--seeds is "${range}", A..B with A ≤ B is expected`)
    return [from, to]
  }
  const one = values.get('--seed')
  if (one !== undefined) {
    const seed = parseCount('--seed', one)
    return [seed, seed]
  }
  if (flags.has('--mutants')) return [1, MUTANT_SEEDS]
  return values.has('--time') ? [1, MOST_SEEDS] : [1, 1]
}

/** The seeds of CI: a mutant has to be noticed within them. */
const MUTANT_SEEDS = 300

function parseCount(name: string, text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) throw new Error(`${name} is "${text}", a whole number from 1 is expected`)
  return value
}
