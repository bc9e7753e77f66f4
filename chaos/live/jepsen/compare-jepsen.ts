import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { AnomalyName } from '../../check/anomalies/anomaly.ts'
import { checkFile } from '../../report/check-file.ts'
import { profiles } from '../../check/anomalies/profiles.ts'
import { runCli } from '../cli-process.ts'
import { ROOT } from '../cluster-process.ts'

const run = promisify(execFile)
/** The paths of Jepsen and of what it needs, as `lein classpath` prints them in its folder. */
const CLASSPATH = 'JEPSEN_CLASSPATH'
const JUDGE = join(ROOT, 'chaos', 'live', 'jepsen', 'judge.clj')

/** Those that both define alike. Cycles are left out: what orders operations is an option of Jepsen's, and some of ours it does not know. */
const shared: readonly AnomalyName[] = [
  'inconsistent-offsets',
  'duplicate',
  'G1a',
  'lost-write',
  'unseen',
  'poll-skip',
  'nonmonotonic-poll',
  'int-poll-skip',
  'int-nonmonotonic-poll',
  'nonmonotonic-send',
  'int-nonmonotonic-send',
  'int-send-skip',
  'precommitted-read',
]

const cluster = ['--nodes', '3', '--rate', '200', '--seed', '3']
const histories = [
  { name: 'innocent', args: [...cluster, '--time', '8s', '--faults', 'none'], isGuilty: false },
  { name: 'guilty', args: [...cluster, '--time', '16s', '--faults', 'partition-leader', '--acks', '1'], isGuilty: true },
] as const

/** What keeps Jepsen from judging here, as a sentence; undefined: nothing does. */
export async function lackOfJepsen(): Promise<string | undefined> {
  const classpath = process.env[CLASSPATH] ?? ''
  if (classpath === '') return `${CLASSPATH} is not set: the paths of jepsen 0.3.14 or newer and of what it needs, which are published at Clojars alone`
  // Clojure leaves compiled classes where it runs.
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-jepsen-'))
  try {
    await run('java', ['-cp', classpath, 'clojure.main', '-e', "(require 'jepsen.tests.kafka)"], { cwd: folder })
    return undefined
  } catch (error) {
    return `java cannot load jepsen.tests.kafka from ${CLASSPATH}: ${error instanceof Error ? error.message.split('\n').slice(0, 3).join(' ') : String(error)}`
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Jepsen's own checker and ours on an innocent history and on a guilty one: what they do not agree on, a sentence each. */
export async function compareJepsen(): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-jepsen-'))
  try {
    const faults: string[] = []
    for (const { name, args, isGuilty } of histories) {
      const out = join(folder, name)
      await runCli(['chaos', 'run', ...args, '--out', out])
      const ours = await judgeOurselves(join(out, 'history.edn'))
      const theirs = await judgeByJepsen(join(out, 'history.edn'))
      console.log(`jepsen: the ${name} history: ${theirs.length === 0 ? 'nothing' : theirs.join(', ')}`)
      if (ours.join() !== theirs.join()) faults.push(`the ${name} history: Jepsen finds ${theirs.join(', ') || 'nothing'}, we ${ours.join(', ') || 'nothing'}`)
      if (isGuilty !== theirs.length > 0) faults.push(`the ${name} history is ${isGuilty ? 'innocent' : 'guilty'}`)
    }
    return faults
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function judgeOurselves(path: string): Promise<AnomalyName[]> {
  const { anomalies } = await checkFile(path, profiles.kafka)
  return shared.filter((name) => anomalies.some((one) => one.name === name && !one.isAllowed))
}

async function judgeByJepsen(path: string): Promise<AnomalyName[]> {
  const { stdout } = await run('java', ['-Xmx2g', '-cp', process.env[CLASSPATH] ?? '', 'clojure.main', JUDGE, path], { cwd: dirname(path) })
  const lines = stdout.split('\n')
  if (!lines.some((line) => /^operations \d+$/.test(line))) throw new Error(`Jepsen did not say how many operations it read: ${stdout}`)
  return shared.filter((name) => lines.includes(`error ${name}`))
}
