import { commonHelp, type ExploreArguments, helpOf, parseExploreArguments } from './arguments.ts'
import type { BoundTable, Model } from './model.ts'
import { partitionBounds } from './partition/bounds.ts'
import { partitionModel } from './partition/model.ts'
import { raftBounds } from './raft/bounds.ts'
import { raftModel } from './raft/model.ts'
import { Search } from './search.ts'
import { tellStory } from './story.ts'

/** As that of `oxbow chaos run`. */
const INCONCLUSIVE = 4

const usage = `Tries every interleaving, within bounds, of the machines that run in production.

  npm run explore -- [options]          the replicas of a partition, and the controller
  npm run explore -- raft [options]     the voters of the metadata log

Bounds of a partition:
${helpOf(partitionBounds)}
Bounds of raft:
${helpOf(raftBounds)}
Options:
${commonHelp}
Exit codes: 0 all states within the bounds are right, 1 one is wrong (the shortest way to it is told), 2 the options make no sense,
${INCONCLUSIVE} gave up before all were seen, none of them is wrong.
`

/** `npm run explore`. Returns the exit code, as the help has it. */
export function runExplore(args: readonly string[]): number {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage)
    return 0
  }
  if (args[0] === 'raft') return explore(args.slice(1), raftBounds, raftModel)
  return explore(args, partitionBounds, partitionModel)
}

function explore<Name extends string>(args: readonly string[], table: BoundTable<Name>, make: (parsed: ExploreArguments<Name>) => Model): number {
  const parsed = parse(args, table)
  if (parsed === undefined) return 2
  const model = make(parsed)
  const { maxStates, heal } = parsed
  process.stdout.write(`${parsed.nodes} nodes, ${describeBounds(parsed.bounds, table)}${parsed.ordered ? ', in order' : ''}\n`)
  const startedAt = performance.now()
  const progress = (states: number, waiting: number, depth: number): void => {
    const rate = Math.round(states / ((performance.now() - startedAt) / 1000))
    process.stdout.write(`${states} states, ${waiting} of them waiting, ${depth} steps deep, ${rate} a second\n`)
  }
  const { found, states, transitions, depth, seconds, isComplete } = new Search(model, { maxStates, heal, progress }).run()
  if (found !== undefined) for (const line of tellStory(model, found)) process.stdout.write(`${line}\n`)
  process.stdout.write(`\nstates       ${states}, ${transitions} transitions, ${depth} steps deep\n`)
  process.stdout.write(`time         ${seconds.toFixed(1)} s, ${Math.round(states / seconds)} states a second\n`)
  process.stdout.write(`memory       ${Math.round(process.memoryUsage.rss() / 1_000_000)} MB\n`)
  process.stdout.write(
    `verdict      ${found !== undefined ? found.violation.message : isComplete ? 'all states within the bounds, none is wrong' : `gave up after ${maxStates} states, none of them is wrong`}\n`,
  )
  if (found !== undefined) return 1
  return isComplete ? 0 : INCONCLUSIVE
}

/** Undefined: they make no sense, and it was said why. */
function parse<Name extends string>(args: readonly string[], table: BoundTable<Name>): ExploreArguments<Name> | undefined {
  try {
    return parseExploreArguments(args, table)
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message} (npm run explore -- --help shows all)\n`)
    return undefined
  }
}

function describeBounds<Name extends string>(bounds: Readonly<Record<Name, number>>, { names }: BoundTable<Name>): string {
  const set = names.filter((name) => bounds[name] > 0).map((name) => `${name} ${bounds[name]}`)
  return set.length === 0 ? 'all bounds 0' : set.join(', ')
}
