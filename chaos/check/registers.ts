import { HistoryError } from '../operations/history-error.ts'
import { findUnlinearizable, type RegisterOperation } from './linearizable-register.ts'

/** What the registers in the metadata log come to. */
export interface RegisterReport {
  readonly reads: number
  readonly writes: number
  /** Of registers that cannot have been one value at a time, a sentence each. */
  readonly findings: readonly string[]
}

/** Times are milliseconds. Throws a HistoryError, which names the register, when a value is written to it twice. */
export function judgeRegisters(registers: ReadonlyMap<string, readonly RegisterOperation[]>): RegisterReport {
  const all = [...registers.values()].flat().filter(({ returnedAt }) => returnedAt < Infinity)
  const reads = all.filter(({ type }) => type === 'read').length
  const findings = [...registers].flatMap(([name, operations]) => {
    const stuck = judge(name, operations)
    return stuck === undefined ? [] : [`${name} is not linearizable: no moment was found for the ${describe(stuck)}`]
  })
  return { reads, writes: all.length - reads, findings }
}

function judge(name: string, operations: readonly RegisterOperation[]): RegisterOperation | undefined {
  try {
    return findUnlinearizable(operations)
  } catch (error) {
    throw error instanceof HistoryError ? new HistoryError(`${name}: ${error.message}`) : error
  }
}

function describe({ type, value, calledAt, returnedAt }: RegisterOperation): string {
  const until = returnedAt === Infinity ? 'never answered' : `answered at ${(returnedAt / 1000).toFixed(3)} s`
  return `${type} of ${value ?? 'nothing'}, called at ${(calledAt / 1000).toFixed(3)} s and ${until}`
}
