import { judgeRegisters, type RegisterReport } from '../check/registers.ts'
import { readRegisters } from '../operations/register-file.ts'

/** Of a file; one that is not there has no operations. Throws a HistoryError when it is none. */
export function judgeRegisterFile(path: string): RegisterReport {
  return judgeRegisters(readRegisters(path))
}

/** The report for people, as that of any history. */
export function registerText(path: string, { reads, writes, findings }: RegisterReport): string {
  const verdict = findings.length > 0 ? 'NOT VALID' : reads + writes > 0 ? 'valid' : 'inconclusive: nothing was done'
  return [`History:    ${path}`, `Operations: ${reads} reads and ${writes} writes of registers`, `Verdict:    ${verdict}`, ...findings, ''].join('\n')
}
