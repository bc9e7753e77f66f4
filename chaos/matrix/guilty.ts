import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../live/cluster-process.ts'
import { ChaosExperiment, type ChaosRun } from '../live/chaos-run.ts'
import type { OwnNodes } from '../live/run-options.ts'
import { chooseFaults } from '../live/faults/catalogue.ts'
import type { CheckReport } from '../report/check-file.ts'
import { reportRun } from '../report/run-report.ts'
import { makeMutantBuild, removeMutantBuild } from '../sim/mutant-build.ts'
import { mutants } from '../sim/mutant-list.ts'
import { type GuiltyCase, guiltyCases, type Symptom } from './guilty-list.ts'

/**
 * `npm run chaos:guilty [-- WORD]`: clusters that break a rule, on real processes; those whose name has the word in it. A rule is broken in a copy
 * of the build. Ends with 1 when one of them is not convicted of what was named.
 */
const NODES = 3
const RATE = 200
const SECONDS = 30
const FAILED_ASSERTION = /assertion failed/i

/** The folder that holds the copy's dist. What a real server reads beside it is there too. */
function brokenBuild(name: string): string {
  const mutant = mutants.find((one) => one.name === name)
  if (mutant === undefined) throw new Error(`there is no mutant "${name}"`)
  const folder = makeMutantBuild(mutant, join(ROOT, 'dist'))
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(ROOT, 'proto'), join(folder, 'proto'))
  return folder
}

function optionsOf({ producer = { acks: 'all' }, topicConfigs = {}, nodes = NODES, seconds = SECONDS, faults, seed }: GuiltyCase): Omit<OwnNodes, 'out'> {
  return { faults: chooseFaults(faults, nodes), timeMs: seconds * 1000, nodes, rate: RATE, seed, producer, topicConfigs }
}

/** What there is to see, each with its words for the table. */
function symptomsOf(check: CheckReport, { unread }: ChaosRun, findings: readonly string[]): ReadonlyMap<Symptom, string> {
  const found = new Map<Symptom, string>()
  for (const { name, count, isAllowed } of check.anomalies) if (!isAllowed) found.set(name, `${count} x ${name}`)
  if (unread.length > 0) found.set('unread', 'not everything is there in the end')
  if (findings.some((finding) => finding.startsWith('register'))) found.set('register', 'a register is not linearizable')
  if (findings.some((finding) => FAILED_ASSERTION.test(finding))) found.set('death', 'nodes end themselves')
  return found
}

/** Answers whether it was convicted. */
async function tryCase(one: GuiltyCase): Promise<boolean> {
  const { name, mutant, faults, seed, expected } = one
  const build = mutant === undefined ? undefined : brokenBuild(mutant)
  const out = mkdtempSync(join(tmpdir(), 'oxbow-guilty-'))
  try {
    const options = { ...optionsOf(one), out, ...(build === undefined ? {} : { dist: join(build, 'dist') }) }
    const run = await new ChaosExperiment(options).run()
    const { check, findings } = await reportRun(options, run)
    const found = symptomsOf(check, run, findings)
    const isConvicted = [...found.keys()].some((symptom) => expected.includes(symptom))
    const what = found.size === 0 ? 'nothing' : [...found.values()].join(', ')
    console.log(`| ${name} | \`${faults}\` | ${seed} | ${isConvicted ? '' : 'NOT CONVICTED; '}${what} |`)
    for (const finding of findings) console.error(`  ${finding}`)
    return isConvicted
  } finally {
    rmSync(out, { recursive: true, force: true, maxRetries: 3 })
    if (build !== undefined) removeMutantBuild(build)
  }
}

async function main([word = '']: readonly string[]): Promise<number> {
  const asked = guiltyCases.filter(({ name }) => name.includes(word))
  if (asked.length === 0) {
    console.error(`error: no case has "${word}" in its name: ${guiltyCases.map(({ name }) => name).join('; ')}`)
    return 2
  }
  console.log('| what is wrong | faults | seed | found |\n|---|---|---|---|')
  let convicted = 0
  for (const one of asked) if (await tryCase(one)) convicted++
  console.error(`${convicted} of ${asked.length} convicted`)
  return convicted === asked.length ? 0 : 1
}

// Not left to Node: while it cleans up it may wait, at full load, for a handle that never closes.
process.exit(await main(process.argv.slice(2)))
