import { reportJson, reportText } from './report-text.ts'
import type { RunReport } from './run-report.ts'

const PERCENT = 100
const verdicts = { valid: 'valid', anomalies: 'NOT VALID', inconclusive: 'inconclusive' } as const

/** The report of a run for people, and for summary.txt. */
export function runText(report: RunReport): string {
  const {
    conclusion,
    findings,
    doubts,
    options,
    seconds,
    acknowledged,
    registers,
    availability,
    worstGapMs,
    lives,
    faults,
    injected,
    check,
    copies,
    logLines,
  } = report
  const lines = [
    `Verdict:      ${verdicts[conclusion]}`,
    ...[...findings, ...(conclusion === 'inconclusive' ? doubts : [])].map((sentence) => `              ${sentence}`),
    `Cluster:      ${options.nodes} nodes, seed ${options.seed}, acks ${String(options.producer.acks ?? 'all')}`,
    `Load:         ${seconds.toFixed(0)} s, ${acknowledged} records acknowledged`,
    `Availability: ${(availability * PERCENT).toFixed(1)} % of the seconds had an acknowledged record; the longest gap was ${worstGapMs} ms`,
    `Registers:    ${registers.reads} reads and ${registers.writes} writes in the metadata log; a topic was deleted and made again ${lives} times`,
    ...(copies === undefined ? [] : [`Disks:        ${copiesText(copies)}`]),
    '',
    ...faults.map(
      ({ name, times, seconds: forSeconds, worstGapMs: gapMs }) => `${name.padEnd(18)} ${times} x, ${forSeconds.toFixed(0)} s in all, longest gap ${gapMs} ms`,
    ),
    ...(faults.length === 0 ? ['no faults'] : []),
    '',
    ...injected.map(({ name, detail, fromMs, toMs, observation }) => `${at(fromMs)} to ${at(toMs)}  ${name}: ${detail}; ${observation}`),
    '',
  ]
  const logged = [...logLines].flatMap(([name, examples]) =>
    examples.flatMap((found, at) => [
      '',
      `What the nodes logged around ${name}, example ${at + 1}:`,
      ...found.map(({ nodeId, time, level, message }) => `  ${new Date(time).toISOString()} node ${nodeId} ${level}: ${message}`),
    ]),
  )
  return `${lines.join('\n')}\n${reportText(check)}${logged.map((line) => `${line}\n`).join('')}`
}

function copiesText({ read, damaged }: NonNullable<RunReport['copies']>): string {
  const damage = damaged === 0 ? '' : `, and ${damaged} up to where they are damaged`
  return `${read} copies of partitions were read whole on the disks of their nodes${damage}`
}

function at(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(7)} s`
}

/** The same for programs, and for verdict.json. */
export function runJson({ conclusion, logLines, check, ...rest }: RunReport): object {
  return { verdict: conclusion, ...rest, check: reportJson(check), logLines: Object.fromEntries(logLines) }
}
