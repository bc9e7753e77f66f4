import type { Anomaly, AnomalyName } from '../check/anomalies/anomaly.ts'
import { anomalyNames } from '../check/anomalies/anomaly.ts'
import { Calls } from '../check/anomalies/calls.ts'
import { checkCalls, type Conclusion, conclusionOf } from '../check/anomalies/check-history.ts'
import type { Profile } from '../check/anomalies/profiles.ts'
import { readHistory } from '../operations/history-file.ts'
import type { Outcome } from '../operations/operation.ts'
import { type AnomalyExample, Surroundings } from './surroundings.ts'

/** Of each kind of anomaly so many are shown with what surrounds them. */
const MAX_EXAMPLES = 3

export interface FoundAnomaly {
  readonly name: AnomalyName
  readonly count: number
  /** By the profile. */
  readonly isAllowed: boolean
  readonly examples: readonly AnomalyExample[]
}

/** What a history on disk comes to. */
export interface CheckReport {
  readonly history: string
  readonly profile: string
  readonly conclusion: Conclusion
  readonly outcomes: Readonly<Record<Outcome, number>>
  readonly doubts: readonly string[]
  readonly anomalies: readonly FoundAnomaly[]
}

/** Throws a HistoryError when it is no history, and what the file system throws. */
export async function checkFile(path: string, profile: Profile): Promise<CheckReport> {
  const calls = new Calls()
  for await (const operation of readHistory(path)) calls.add(operation)
  const verdict = checkCalls(calls, profile)
  const examples = await surround(path, verdict.anomalies)
  const found = anomalyNames.filter((name) => examples.has(name))
  return {
    history: path,
    profile: verdict.profile,
    conclusion: conclusionOf(verdict),
    outcomes: verdict.outcomes,
    doubts: verdict.doubts,
    anomalies: found.map((name) => ({
      name,
      count: verdict.anomalies.filter((one) => one.name === name).length,
      isAllowed: !verdict.forbidden.includes(name),
      examples: examples.get(name) ?? [],
    })),
  }
}

/** Reads the history again for the operations themselves, which the checkers do not keep. */
async function surround(path: string, anomalies: readonly Anomaly[]): Promise<ReadonlyMap<AnomalyName, AnomalyExample[]>> {
  const shown = new Map<AnomalyName, Surroundings[]>()
  for (const anomaly of anomalies) {
    const known = shown.get(anomaly.name) ?? []
    shown.set(anomaly.name, known)
    if (known.length < MAX_EXAMPLES) known.push(new Surroundings(anomaly))
  }
  const all = [...shown.values()].flat()
  if (all.length > 0) for await (const operation of readHistory(path)) for (const around of all) around.pass(operation)
  return new Map([...shown].map(([name, known]) => [name, known.map((around) => around.example)]))
}
