import type { BoundTable } from './model.ts'

/** What `npm run explore` was asked for. */
export interface ExploreArguments<Name extends string> {
  readonly nodes: number
  readonly bounds: Readonly<Record<Name, number>>
  /** It gives up when it met so many. */
  readonly maxStates: number
  readonly heal: boolean
  /** What one node sends to another arrives in the order it was sent. */
  readonly ordered: boolean
  /** What makes no difference is not told apart. */
  readonly reduced: boolean
}

const FEWEST_NODES = 2
const MOST_NODES = 5
const DEFAULT_NODES = 3
const DEFAULT_STATES = 10_000_000
/** Numbers of states are kept in 32 bits. */
const MOST_STATES = 2 ** 31
const MOST_OF_A_BOUND = 9

export const commonHelp = `  --nodes N           machines (default ${DEFAULT_NODES})
  --states N          give up after so many states (default ${DEFAULT_STATES})
  --ordered           between two nodes messages arrive in the order they were sent, as on a stream (default: in any)
  --unreduced         tell apart what makes no difference too: to try the reductions themselves
  --safety-only       do not try from each state whether a way without faults leads back to health
  -h, --help          show this
`

/** One line a bound. */
export function helpOf<Name extends string>({ names, smallest, help }: BoundTable<Name>): string {
  return names.map((name) => `  ${`${flagOf(name)} N`.padEnd(19)} ${help[name]} (default ${smallest[name]})\n`).join('')
}

/** Reads the options. Throws an Error with one sentence when they make no sense. */
export function parseExploreArguments<Name extends string>(args: readonly string[], table: BoundTable<Name>): ExploreArguments<Name> {
  const bounds: Record<Name, number> = { ...table.smallest }
  let nodes = DEFAULT_NODES
  let maxStates = DEFAULT_STATES
  let heal = true
  let ordered = false
  let reduced = true
  for (let at = 0; at < args.length; at++) {
    const [flag = '', inline] = (args[at] as string).split('=', 2)
    const count = (least: number, most: number): number => parseCount(flag, inline ?? args[++at], least, most)
    const name = table.names.find((one) => flagOf(one) === flag)
    if (flag === '--safety-only') heal = false
    else if (flag === '--ordered') ordered = true
    else if (flag === '--unreduced') reduced = false
    else if (flag === '--nodes') nodes = count(FEWEST_NODES, MOST_NODES)
    else if (flag === '--states') maxStates = count(1, MOST_STATES)
    else if (name !== undefined) bounds[name] = count(0, MOST_OF_A_BOUND)
    else throw new Error(`"${args[at]}" is not an option of this exploration`)
  }
  const objection = table.objection(bounds, nodes)
  if (objection !== undefined) throw new Error(objection)
  return { nodes, bounds, maxStates, heal, ordered, reduced }
}

/** `--isr-changes` of isrChanges. */
function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

function parseCount(flag: string, text: string | undefined, least: number, most: number): number {
  if (text === undefined) throw new Error(`${flag} needs a value`)
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most) throw new Error(`${flag} is "${text}", a whole number from ${least} to ${most} is expected`)
  return value
}
