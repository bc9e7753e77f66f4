import { spawn } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InvariantName } from '../check/violation.ts'
import type { MutantKill } from './mutant-result.ts'

/** What vitest writes about a run. */
interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly { readonly status: string; readonly failureMessages: readonly string[] }[] }[]
}

const TRANSCRIPTS = 'test/scenario/testdata'

/**
 * Tells a story of test/scenario with a copy of the build, in the simulator and with all checks, by the runner that always tells it. Resolves to what was
 * noticed: an invariant, or that the story went another way ('story'); null: nothing was. `root`: of the project, which has the transcripts.
 */
export async function tellStory(name: string, copy: string, root: string): Promise<MutantKill | null> {
  const config = join(copy, 'vitest.config.js')
  const file = join(copy, 'report.json')
  cpSync(join(root, TRANSCRIPTS), join(copy, 'dist', TRANSCRIPTS), { recursive: true })
  writeFileSync(config, "export default { test: { include: ['dist/test/scenario/*.test.js'] } }\n")
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  await run([vitest, 'run', '--root', copy, '--config', config, '--testNamePattern', `^${name}: `, '--reporter', 'json', '--outputFile', file])
  const told = (JSON.parse(readFileSync(file, 'utf8')) as Report).testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed' || status === 'failed')
  if (told.length !== 1) throw new Error(`there is no one story "${name}", but ${told.length}`)
  const message = told[0]?.failureMessages[0]
  return message === undefined ? null : whatBroke(message)
}

/** By the first line of what a story failed with. */
export function whatBroke(message: string): MutantKill {
  const sentence = (message.split('\n')[0] ?? '').replace(/^\w*Error: /, '')
  const invariant = sentence.startsWith('assertion failed') ? 'assert' : /^(I\d+|voters|elr|start|damage|delivery|order|convergence): /.exec(sentence)?.[1]
  return { seed: 1, invariant: (invariant as InvariantName | undefined) ?? 'story', sentence }
}

function run(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, { stdio: 'ignore' })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve()) // What failed is in the report.
  })
}
