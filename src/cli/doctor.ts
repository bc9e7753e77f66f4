import { resolve } from 'node:path'
import { styleText } from 'node:util'
import { lookAtCluster } from './cluster-look.ts'
import type { CliContext } from './context.ts'
import { counted } from './counted.ts'
import { type Check, fault } from './doctor/check.ts'
import { checkSurroundings, readFileChecks } from './doctor/cluster-file.ts'
import { checkFolder } from './doctor/folders.ts'
import { checkBootstrap, checkCluster } from './doctor/live-cluster.ts'
import { checkMachine, machineFacts } from './doctor/machine.ts'
import { exitCode, failureOf } from './failure.ts'
import type { ClusterLook } from './health-reasons.ts'
import type { ClusterOptions } from './options.ts'
import { openClient, writeJson } from './session.ts'

/** As commander hands it over. */
export interface DoctorFlags {
  readonly config?: string
  readonly data?: string
  /** Somebody said where the cluster is: then it must be there. */
  readonly isClusterAsked: boolean
}

/** A doctor who waits half a minute for each thing is not asked twice. */
const ASK_MS = 5_000
const DEFAULT_FOLDER = 'data'

async function look(context: CliContext, options: ClusterOptions): Promise<ClusterLook | Error> {
  const timeoutMs = Math.min(options.timeoutMs, ASK_MS)
  const client = await openClient(context, { ...options, timeoutMs })
  try {
    const admin = client.admin({ totalTimeoutMs: timeoutMs })
    return await lookAtCluster(admin, admin, context.probeTcp)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    await client.close()
  }
}

function refusalOf(error: Error): Check {
  const message = `somebody listens, but gives no answer: ${failureOf(error).message}`
  return fault('cluster', message, 'is it the gRPC port of an Oxbow node? see the log of that node')
}

async function examine(context: CliContext, options: ClusterOptions, flags: DoctorFlags): Promise<Check[]> {
  const { probeTcp: tcp, probeClock: clock } = context
  const machine = checkMachine(await machineFacts(context.env))
  const config = flags.config ?? (context.env.OXBOW_CONFIG || undefined)
  const file = config === undefined ? undefined : await readFileChecks(config, context.env)
  // The file knows where its nodes are, unless somebody knows better.
  const addresses = flags.isClusterAsked || file === undefined || file.addresses.length === 0 ? options.bootstrap : file.addresses
  const { checks: bootstrap, answering } = await checkBootstrap(addresses, flags.isClusterAsked, tcp)
  // Where nobody listens, nobody is asked: that would only take its time.
  const found = answering.length === 0 ? undefined : await look(context, { ...options, bootstrap: answering })
  const isFound = found !== undefined && !(found instanceof Error)
  const running = new Set(isFound ? found.cluster.brokers.filter((broker) => broker.state !== 'offline').map((broker) => broker.nodeId) : [])
  const folders = file?.folders ?? [resolve(flags.data ?? DEFAULT_FOLDER)]
  const live = isFound ? await checkCluster(found, addresses, { tcp, clock, nowMs: () => Date.now() }) : found === undefined ? [] : [refusalOf(found)]
  return [
    ...machine,
    ...(file === undefined ? [] : [...file.checks, ...(await checkSurroundings(file.nodes, running, tcp))]),
    ...(await Promise.all(folders.map(checkFolder))).flat(),
    ...bootstrap,
    ...live,
  ]
}

const COLOURS = { ok: 'green', warning: 'yellow', error: 'red' } as const

function textOf(context: CliContext, { name, status, message, advice }: Check): string {
  const hasColours = context.stdout.isTTY === true && (context.env.NO_COLOR ?? '') === ''
  const word = status.padEnd('warning'.length)
  return `${hasColours ? styleText(COLOURS[status], word) : word}  ${name.padEnd(10)}  ${message}\n${advice === null ? '' : `${' '.repeat(21)}→ ${advice}\n`}`
}

/** What is wrong with this set-up and what to do. Exit 1 when something is; warnings alone are 0. */
export async function runDoctor(context: CliContext, options: ClusterOptions, flags: DoctorFlags): Promise<number> {
  const checks = await examine(context, options, flags)
  const healthy = checks.every((check) => check.status !== 'error')
  if (options.output === 'json') writeJson(context, { healthy, checks })
  else {
    context.stdout.write(checks.map((check) => textOf(context, check)).join(''))
    const count = (status: Check['status']): number => checks.filter((check) => check.status === status).length
    const errors = count('error')
    const wrong = healthy ? 'Nothing is wrong' : `${counted(errors, 'thing')} ${errors === 1 ? 'is' : 'are'} wrong`
    context.stderr.write(`${wrong}; ${counted(count('warning'), 'warning')}.\n`)
  }
  return healthy ? exitCode.done : exitCode.refused
}
