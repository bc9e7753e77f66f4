import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HISTORY } from '../live/chaos-run.ts'
import { writeEdnCopy } from './edn-copy.ts'
import type { RunReport } from './run-report.ts'
import { runJson, runText } from './run-text.ts'

/** Beside the history and the logs of a run: what it came to, and the history as Jepsen reads it. */
export async function writeRunFiles(folder: string, report: RunReport): Promise<void> {
  writeFileSync(join(folder, 'verdict.json'), `${JSON.stringify(runJson(report), undefined, 2)}\n`)
  writeFileSync(join(folder, 'summary.txt'), runText(report))
  await writeEdnCopy(join(folder, HISTORY), join(folder, 'history.edn'))
}
