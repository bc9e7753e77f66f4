import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HISTORY } from '../live/chaos-run.ts'
import { HistoryWriter, readHistory } from '../operations/history-file.ts'
import type { RunReport } from './run-report.ts'
import { runJson, runText } from './run-text.ts'

/** Beside the history and the logs of a run: what it came to, and the history as Jepsen reads it. */
export async function writeRunFiles(folder: string, report: RunReport): Promise<void> {
  writeFileSync(join(folder, 'verdict.json'), `${JSON.stringify(runJson(report), undefined, 2)}\n`)
  writeFileSync(join(folder, 'summary.txt'), runText(report))
  const edn = new HistoryWriter(join(folder, 'history.edn'))
  // Jepsen knows no copies of single nodes.
  for await (const { index: _, ...operation } of readHistory(join(folder, HISTORY))) if (operation.node === undefined) edn.add(operation)
  edn.close()
}
