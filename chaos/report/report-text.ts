import type { Operation, PartitionState } from '../operations/operation.ts'
import type { CheckReport, FoundAnomaly } from './check-file.ts'

const MAX_VALUE_LENGTH = 160
const verdicts = { valid: 'valid', anomalies: 'NOT VALID', inconclusive: 'inconclusive' } as const

/** The report for people: the verdict first, then each anomaly with the operations around it; those that it is about are marked. */
export function reportText({ history, profile, conclusion, outcomes, doubts, anomalies }: CheckReport): string {
  const forbidden = anomalies.filter(({ isAllowed }) => !isAllowed).map(({ name }) => name)
  const reasons = conclusion === 'anomalies' ? forbidden.join(', ') : conclusion === 'inconclusive' ? doubts.join('; ') : ''
  const head = [
    `History:    ${history}`,
    `Profile:    ${profile}`,
    `Operations: ${outcomes.ok} ok, ${outcomes.fail} failed, ${outcomes.info} unknown`,
    `Verdict:    ${verdicts[conclusion]}${reasons === '' ? '' : `: ${reasons}`}`,
  ]
  return `${[...head, ...anomalies.flatMap(anomalyLines)].join('\n')}\n`
}

function anomalyLines({ name, count, isAllowed, examples }: FoundAnomaly): string[] {
  const shown = examples.length < count ? `, ${examples.length} shown` : ''
  return [
    '',
    `${name}: ${count} found${shown}${isAllowed ? ' (allowed by the profile)' : ''}`,
    ...examples.flatMap(({ sentence, operations, partition }) => [
      `  ${sentence}`,
      ...operations.map(({ operation, isConcerned }) => `  ${isConcerned ? '>' : ' '} ${operationLine(operation)}`),
      ...(partition === null ? [] : [`    in the end: ${partitionText(partition)}`]),
    ]),
  ]
}

function partitionText({ leader, leaderEpoch, replicas, isr }: PartitionState): string {
  return `${leader < 0 ? 'no leader' : `leader ${leader}`}, epoch ${leaderEpoch}, replicas ${replicas.join(',')}, in sync ${isr.join(',')}`
}

function operationLine({ index, time, process, type, f, value, error, node }: Operation): string {
  const text = JSON.stringify(value)
  const parts = [String(index).padStart(8), `${(time / 1e9).toFixed(3)} s`.padStart(11), `process ${process}`.padEnd(11), type.padEnd(6), f.padEnd(6)]
  parts.push(text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text)
  if (node !== undefined) parts.push(`node ${node}`)
  if (error !== undefined) parts.push(JSON.stringify(error))
  return parts.join(' ')
}

/** The report for programs. */
export function reportJson({ history, profile, conclusion, outcomes, doubts, anomalies }: CheckReport): object {
  return {
    history,
    profile,
    verdict: conclusion,
    doubts,
    operations: outcomes,
    anomalies: anomalies.map(({ name, count, isAllowed, examples }) => ({
      name,
      count,
      allowed: isAllowed,
      examples: examples.map(({ key, sentence, operations, partition }) => ({
        key,
        sentence,
        partition,
        operations: operations.map(({ operation, isConcerned }) => ({ ...operation, concerned: isConcerned })),
      })),
    })),
  }
}
