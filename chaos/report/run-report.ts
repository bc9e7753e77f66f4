import { join } from 'node:path'
import { profiles } from '../check/anomalies/profiles.ts'
import type { Conclusion } from '../check/anomalies/check-history.ts'
import type { RegisterReport } from '../check/registers.ts'
import type { ChaosRun } from '../live/chaos-run.ts'
import type { ChaosRunOptions } from '../live/run-options.ts'
import { HISTORY, REGISTERS } from '../live/chaos-run.ts'
import { type CheckReport, checkFile } from './check-file.ts'
import { type LoggedLine, NodeLogs } from './node-logs.ts'
import { judgeRegisterFile } from './registers.ts'

/** Of one kind of fault. */
export interface FaultSummary {
  readonly name: string
  readonly times: number
  readonly seconds: number
  readonly worstGapMs: number
}

export interface RunReport {
  readonly conclusion: Conclusion
  /** What no history shows and is wrong all the same: a node that died, a cluster that did not heal. */
  readonly findings: readonly string[]
  /** Why it proves less than it should. */
  readonly doubts: readonly string[]
  readonly options: Pick<ChaosRunOptions, 'seed' | 'nodes' | 'rate' | 'producer' | 'topicConfigs'> & { readonly faults: readonly string[] }
  readonly seconds: number
  readonly acknowledged: number
  /** How often a topic was deleted and made again. */
  readonly lives: number
  /** Share of the seconds in which something was acknowledged. */
  readonly availability: number
  readonly worstGapMs: number
  readonly faults: readonly FaultSummary[]
  readonly injected: ChaosRun['faults']
  readonly check: CheckReport
  /** Of partitions on the disks of nodes; undefined where nobody looked at them. */
  readonly copies: ChaosRun['copies']
  /** Of the metadata log. */
  readonly registers: Pick<RegisterReport, 'reads' | 'writes'>
  /** By the name of an anomaly: what nodes logged around each of its examples. */
  readonly logLines: ReadonlyMap<string, readonly (readonly LoggedLine[])[]>
}

/** With fewer acknowledged sends a second, a run shows little. */
const MIN_ACKNOWLEDGED_PER_SECOND = 1
/** Around what an anomaly is about. */
const LOG_MARGIN_MS = 500
const MAX_NAMES = 10

/** Checks the history of a run, and says what the whole run comes to. */
export async function reportRun(options: ChaosRunOptions, run: ChaosRun): Promise<RunReport> {
  const check = await checkFile(join(options.out, HISTORY), profiles.oxbow)
  const registers = judgeRegisterFile(join(options.out, REGISTERS))
  const findings = [...findingsOf(options, run), ...registers.findings]
  const seconds = run.loadMs / 1000
  const doubts = [...check.doubts, ...run.failures, ...doubtsOf(options, run, registers)]
  const { producer, topicConfigs, seed, nodes, rate } = options
  return {
    conclusion: findings.length > 0 || check.conclusion === 'anomalies' ? 'anomalies' : doubts.length > 0 ? 'inconclusive' : 'valid',
    findings,
    doubts,
    options: { seed, nodes, rate, producer, topicConfigs, faults: options.faults.map(({ name }) => name) },
    seconds,
    acknowledged: run.acknowledged,
    lives: run.lives,
    availability: run.availability.share(run.loadMs),
    worstGapMs: run.availability.worstGapMs([{ fromMs: 0, toMs: run.loadMs }]),
    faults: summarize(run),
    injected: run.faults,
    check,
    copies: run.copies,
    registers: { reads: registers.reads, writes: registers.writes },
    logLines: linesAround(options, run, check),
  }
}

/** Why it proves less than it should, whatever the history says. */
function doubtsOf({ faults: asked }: ChaosRunOptions, { faults, loadMs, acknowledged, copies }: ChaosRun, { reads, writes }: RegisterReport): string[] {
  const doubts: string[] = []
  const seconds = loadMs / 1000
  if (acknowledged < seconds * MIN_ACKNOWLEDGED_PER_SECOND) doubts.push(`only ${acknowledged} sends were acknowledged in ${seconds.toFixed(0)} s`)
  if (reads === 0 || writes === 0) doubts.push(`registers were read ${reads} times and written ${writes} times: that shows nothing`)
  if (copies !== undefined && copies.missing.length > 0) doubts.push(`not every replica was found on a disk: ${namesText(copies.missing)}`)
  const powerless = faults.filter(({ unsyncedBytes }) => unsyncedBytes !== undefined)
  if (powerless.length > 0 && powerless.every(({ unsyncedBytes }) => unsyncedBytes === 0))
    doubts.push(`${[...new Set(powerless.map(({ name }) => name))].join(', ')} took nothing: whenever the power went, all was synced`)
  const missed = asked.filter(({ name, isNamed }) => isNamed === true && !faults.some((one) => one.name === name)).map(({ name }) => name)
  if (missed.length > 0) doubts.push(`never in force: ${missed.join(', ')}; with more time each has its turn`)
  else if (asked.length > 0 && faults.length === 0) doubts.push('no fault was injected')
  return doubts
}

function findingsOf({ out, nodes }: ChaosRunOptions, { deaths, notHealed, stuck, hung, unread, copies }: ChaosRun): string[] {
  const findings = counted(deaths.map(({ nodeId, end, lastLine }) => `node ${nodeId} ended by itself (${end}): ${lastLine}`))
  if (notHealed !== undefined) findings.push(`the cluster did not heal: ${notHealed}`)
  for (const sentence of hung) findings.push(`clients never came to an end, and not everything was read: ${sentence}`)
  for (const sentence of stuck) findings.push(`the cluster did not recover: ${sentence}`)
  if (unread.length > 0) findings.push(`in the end not everything that was acknowledged or seen could be read: ${namesText(unread)}`)
  if (copies !== undefined && copies.unexplained.length > 0) findings.push(`copies are damaged, and no fault did that: ${namesText(copies.unexplained)}`)
  const logs = new NodeLogs(out, nodes)
  return [...findings, ...counted(logs.fatal().map(({ nodeId, message }) => `node ${nodeId} logged ${message}`))]
}

/** Each once: a node that ends as soon as it starts says the same a hundred times. */
function counted(sentences: readonly string[]): string[] {
  const times = new Map<string, number>()
  for (const sentence of sentences) times.set(sentence, (times.get(sentence) ?? 0) + 1)
  return [...times].map(([sentence, count]) => (count === 1 ? sentence : `${sentence} (${count} times)`))
}

function namesText(names: readonly string[]): string {
  return names.slice(0, MAX_NAMES).join(', ') + (names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '')
}

function summarize({ faults, availability }: ChaosRun): FaultSummary[] {
  return [...new Set(faults.map(({ name }) => name))].map((name) => {
    const times = faults.filter((one) => one.name === name)
    const seconds = times.reduce((sum, { fromMs, toMs }) => sum + (toMs - fromMs) / 1000, 0)
    return { name, times: times.length, seconds, worstGapMs: availability.worstGapMs(times) }
  })
}

function linesAround({ out, nodes }: ChaosRunOptions, { startedAt }: ChaosRun, check: CheckReport): RunReport['logLines'] {
  const logs = new NodeLogs(out, nodes)
  const found = new Map<string, LoggedLine[][]>()
  for (const { name, examples, isAllowed } of check.anomalies) {
    if (isAllowed) continue
    const lines = examples.flatMap(({ operations }) => {
      const times = operations.filter(({ isConcerned }) => isConcerned).map(({ operation }) => startedAt + operation.time / 1e6)
      return times.length === 0 ? [] : [logs.between(Math.min(...times) - LOG_MARGIN_MS, Math.max(...times) + LOG_MARGIN_MS)]
    })
    if (lines.length > 0) found.set(name, lines)
  }
  return found
}
