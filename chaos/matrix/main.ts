import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ChaosExperiment } from '../live/chaos-run.ts'
import type { ChaosRunOptions } from '../live/run-options.ts'
import { writeRunFiles } from '../report/run-files.ts'
import { reportRun } from '../report/run-report.ts'
import { type Cell, cellsOf, DEFAULT_SECONDS } from './cells.ts'
import { brokenOff, Results, resultOf, resultsMarkdown } from './results.ts'

const USAGE = `usage: npm run chaos:matrix -- [--seconds ${DEFAULT_SECONDS}] [--nodes 5] [--rate 500] [--first-seed 1] [--out chaos-matrix]
Runs every cell that has no verdict yet in OUT/results.jsonl, of so many nodes and seconds, and prints the tables of all. Folders of valid runs are removed.`

interface Matrix {
  readonly seconds: number
  readonly nodes: number
  readonly rate: number
  readonly firstSeed: number
  readonly out: string
}

function readArguments(args: readonly string[]): Matrix {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: String(DEFAULT_SECONDS) },
      nodes: { type: 'string', default: '5' },
      rate: { type: 'string', default: '500' },
      'first-seed': { type: 'string', default: '1' },
      out: { type: 'string', default: 'chaos-matrix' },
    },
  })
  const count = (name: keyof typeof values, text: string): number => {
    const value = Number(text)
    if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is ${text}, a whole number of at least 1 is expected`)
    return value
  }
  const { seconds, nodes, rate, out, 'first-seed': firstSeed } = values
  return { seconds: count('seconds', seconds), nodes: count('nodes', nodes), rate: count('rate', rate), firstSeed: count('first-seed', firstSeed), out }
}

/** Nodes of a harness that was killed may be on their way out. */
const REMOVE = { recursive: true, force: true, maxRetries: 5, retryDelay: 1_000 } as const

async function runCell({ seconds, nodes, rate, out }: Matrix, { name, faults }: Cell, seed: number): Promise<ReturnType<typeof resultOf>> {
  const folder = join(out, name.replaceAll(',', '+'))
  rmSync(folder, REMOVE)
  const options: ChaosRunOptions = { faults, timeMs: seconds * 1000, nodes, rate, seed, out: folder, producer: { acks: 'all' }, topicConfigs: {} }
  const report = await reportRun(options, await new ChaosExperiment(options).run())
  await writeRunFiles(folder, report)
  if (report.conclusion === 'valid') rmSync(folder, REMOVE)
  return resultOf(name, report)
}

async function main(args: readonly string[]): Promise<number> {
  let matrix: Matrix
  try {
    matrix = readArguments(args)
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    return 2
  }
  mkdirSync(matrix.out, { recursive: true })
  const results = new Results(join(matrix.out, 'results.jsonl'))
  const cells = cellsOf(matrix.nodes)
  for (const [at, cell] of cells.entries()) {
    if (results.isDone(cell.name, matrix)) continue
    const what = `${at + 1}/${cells.length} ${cell.name}`
    try {
      const result = await runCell(matrix, cell, matrix.firstSeed + at)
      results.add(result)
      console.error(`${what}: ${result.verdict}${result.reasons.map((reason) => `\n  ${reason}`).join('')}`)
    } catch (error) {
      // The others are run all the same; this one is tried again.
      results.add(brokenOff(cell.name, matrix.firstSeed + at, matrix.nodes, error instanceof Error ? error.message : String(error)))
      console.error(`${what}: broke off: ${error instanceof Error ? error.stack : String(error)}`)
    }
  }
  const of = cells.flatMap(({ name }) => results.of(name, matrix) ?? [])
  console.log(resultsMarkdown(of, results.triedAgain(matrix)))
  const missing = cells.length - of.filter(({ verdict }) => verdict === 'valid').length
  if (missing > 0) console.error(`${missing} of ${cells.length} cells are not valid: the same command tries again those that proved nothing`)
  return missing === 0 ? 0 : 1
}

// Not left to Node: while it cleans up it may wait, at full load, for a handle that never closes.
process.exit(await main(process.argv.slice(2)))
