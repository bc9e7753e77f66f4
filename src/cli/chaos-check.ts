import type { CliContext, OutputFormat } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import { writeJson } from './session.ts'

/** By what a history comes to. */
export const conclusionCodes = { valid: exitCode.done, anomalies: exitCode.refused, inconclusive: exitCode.inconclusive } as const

/** `oxbow chaos check HISTORY`. `edn`: where a copy goes in Clojure's notation. Answers the exit code. */
export async function chaosCheck(
  context: CliContext,
  path: string,
  { profile, output, edn }: { readonly profile: 'oxbow' | 'kafka'; readonly output: OutputFormat; readonly edn?: string },
): Promise<number> {
  const [{ checkFile }, { HistoryError }, { profiles }, { isRegisterFile }, { judgeRegisterFile, registerText }] = await Promise.all([
    import('../../chaos/report/check-file.ts'),
    import('../../chaos/operations/history-error.ts'),
    import('../../chaos/check/anomalies/profiles.ts'),
    import('../../chaos/operations/register-file.ts'),
    import('../../chaos/report/registers.ts'),
  ])
  // The writer goes by the name: under another one it would be no Clojure.
  if (edn?.endsWith('.edn') === false) throw new UsageError(`${edn} is no name for a copy: it has to end in .edn`)
  let report: Awaited<ReturnType<typeof checkFile>>
  try {
    if (isRegisterFile(path)) {
      if (edn !== undefined) throw new HistoryError(`${path} holds registers, which Jepsen's notation has no words for`)
      const registers = judgeRegisterFile(path)
      if (output === 'json') writeJson(context, { history: path, ...registers })
      else context.stdout.write(registerText(path, registers))
      if (registers.findings.length > 0) return exitCode.refused
      return registers.reads + registers.writes > 0 ? exitCode.done : exitCode.inconclusive
    }
    report = await checkFile(path, profiles[profile])
  } catch (error) {
    if (error instanceof HistoryError) throw new UsageError(error.message, 'a history is one operation a line, JSON or EDN, as jepsen.tests.kafka keeps it')
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new UsageError(code === 'ENOENT' ? `there is no file at ${path}` : `${path} cannot be read: ${message}`, 'oxbow chaos run writes a history')
  }
  if (edn !== undefined) await writeCopy(path, edn)
  const { reportJson, reportText } = await import('../../chaos/report/report-text.ts')
  if (output === 'json') writeJson(context, reportJson(report))
  else context.stdout.write(reportText(report))
  return conclusionCodes[report.conclusion]
}

/** Of a history that could be read. */
async function writeCopy(path: string, edn: string): Promise<void> {
  const { writeEdnCopy } = await import('../../chaos/report/edn-copy.ts')
  try {
    await writeEdnCopy(path, edn)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    if (code === 'EEXIST') throw new UsageError(`there is a file at ${edn} already`, 'name another one: nothing is overwritten')
    throw new UsageError(`${edn} cannot be written: ${message}`, 'name a file in a folder that is there')
  }
}
