import { FAULT_PHASE_MS } from './settings.ts'

/** What `oxbow sim run` was asked for. */
export interface SimArguments {
  readonly fromSeed: number
  /** Inclusive. */
  readonly toSeed: number
  readonly trace: boolean
  readonly mutants: boolean
  /** Of the mutants those with this in their name. */
  readonly only: string
  /** Stop beginning new seeds after so many real seconds; null: no such end. */
  readonly seconds: number | null
  readonly jobs: number
  /** Each seed that it divides is run a second time; 0: none. */
  readonly twice: number
  /** The folder for what failed. */
  readonly failures: string
  /** How long faults go on in a seed, in simulated ms. */
  readonly faultPhaseMs: number
  /** The file of a run that goes on where it stopped; null: none is kept. */
  readonly resume: string | null
}

/** One line an option. */
export const simOptions = `
Options:
  --seed N       one seed (default 1)
  --seeds A..B   all seeds from A to B
  --trace        tell the story of the seed
  --time T       begin no new seed after T (90, 90s, 10m, 2h); without --seeds it goes on from seed 1;
                 from 10m on it fails when a situation was never met
  --twice N      run each Nth seed a second time: the traces have to be equal
  --failures DIR where what failed is left, a file a seed, for replay and shrink (default .sim)
  --fault-phase T  how long faults go on in each seed, in simulated time (default 60s, at least that)
  --resume FILE  keep what became of each seed in FILE, a line a seed, and leave out those that held before:
                 the run goes on where it stopped, and oxbow sim report FILE says what it came to
  --jobs N       processes at once (default: the processors of this machine)
  --mutants      break the rules one by one, and see each noticed within so many seeds (default 1..2000);
                 what is known of each is kept in chaos/sim/mutant-results, so that a run goes on where
                 the last one of the same build ended, after T at the latest
  --only TEXT    of the mutants those with TEXT in their name
  -h, --help     show this
`

const MOST_SEEDS = 2 ** 31

const valued = new Set(['--seed', '--seeds', '--time', '--jobs', '--twice', '--failures', '--fault-phase', '--resume', '--only'])

/** Reads the options. Throws an Error with one sentence when they make no sense. */
export function parseSimArguments(args: readonly string[], processors: number): SimArguments {
  const flags = new Set<string>()
  const values = new Map<string, string>()
  for (let at = 0; at < args.length; at++) {
    const [name = '', inline] = (args[at] as string).split('=', 2)
    if (name === '--trace' || name === '--mutants') flags.add(name)
    else if (valued.has(name)) {
      const value = inline ?? args[++at]
      if (value === undefined) throw new Error(`${name} needs a value`)
      values.set(name, value)
    } else throw new Error(`"${args[at]}" is not an option of the simulator`)
  }
  const [fromSeed, toSeed] = parseSeeds(values, flags)
  if (flags.has('--mutants') && (values.has('--resume') || values.has('--fault-phase'))) throw new Error('--resume and --fault-phase are not for --mutants')
  if (flags.has('--mutants') && fromSeed !== 1) throw new Error('--mutants begins with seed 1')
  const count = (name: string, otherwise: number): number => (values.has(name) ? parseCount(name, values.get(name) as string) : otherwise)
  return {
    fromSeed,
    toSeed,
    trace: flags.has('--trace'),
    mutants: flags.has('--mutants'),
    only: values.get('--only') ?? '',
    seconds: values.has('--time') ? parseSeconds('--time', values.get('--time') as string) : null,
    jobs: count('--jobs', processors),
    twice: count('--twice', 0),
    failures: values.get('--failures') ?? '.sim',
    faultPhaseMs: parseFaultPhase(values.get('--fault-phase')),
    resume: values.get('--resume') ?? null,
  }
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

/** A mutant has to be noticed within them. */
export const MUTANT_SEEDS = 2_000

function parseCount(name: string, text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) throw new Error(`${name} is "${text}", a whole number from 1 is expected`)
  return value
}

const units: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3_600 }

function parseSeconds(name: string, text: string): number {
  const match = /^(\d{1,9})([smh]?)$/.exec(text)
  const seconds = Number(match?.[1]) * (units[match?.[2] ?? ''] ?? 1)
  if (match === null || seconds === 0) throw new Error(`${name} is "${text}", a time such as 90s, 10m or 2h is expected`)
  return seconds
}

function parseFaultPhase(text: string | undefined): number {
  const faultPhaseMs = text === undefined ? FAULT_PHASE_MS : parseSeconds('--fault-phase', text) * 1000
  if (faultPhaseMs < FAULT_PHASE_MS) throw new Error(`--fault-phase is "${text}", ${FAULT_PHASE_MS / 1000}s or more is expected`)
  return faultPhaseMs
}
