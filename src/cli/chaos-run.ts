import { resolve } from 'node:path'
import type { ProducerOptions } from '../client/producer-options.ts'
import { conclusionCodes } from './chaos-check.ts'
import { type CliContext, type OutputFormat, writeFailure } from './context.ts'
import { exitCode, failureOf, UsageError } from './failure.ts'
import { LiveLine } from './live-line.ts'
import { parseBootstrap } from './options.ts'
import { writeJson } from './session.ts'

export interface ChaosRunFlags {
  readonly faults: string
  readonly time: number
  readonly nodes?: number
  readonly bootstrap?: string
  readonly namespaces?: boolean
  readonly rate: number
  readonly seed?: number
  readonly out?: string
  readonly acks: 'all' | '1' | '0'
  readonly idempotence: boolean
  readonly deliveryTimeout: number
  readonly topicConfig?: ReadonlyMap<string, string>
  readonly output: OutputFormat
}

const MAX_SEED = 2 ** 31

const DEFAULT_NODES = 5

/** `oxbow chaos run`. Answers the exit code. */
export async function chaosRun(context: CliContext, flags: ChaosRunFlags): Promise<number> {
  const [{ ChaosExperiment }, { chooseTarget }] = await Promise.all([import('../../chaos/live/chaos-run.ts'), import('../../chaos/live/choose-target.ts')])
  const seed = flags.seed ?? Math.floor(Math.random() * MAX_SEED)
  const on = flags.bootstrap === undefined ? (flags.nodes ?? DEFAULT_NODES) : parseBootstrap(flags.bootstrap)
  try {
    const options = {
      ...(await chooseTarget({ faults: flags.faults, on, seed, namespaces: flags.namespaces === true })),
      timeMs: flags.time,
      rate: flags.rate,
      seed,
      out: resolve(flags.out ?? `chaos-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`),
      producer: producerOf(flags),
      topicConfigs: Object.fromEntries(flags.topicConfig ?? []),
    }
    const experiment = new ChaosExperiment(options)
    const run = await runUnlessInterrupted(context, experiment, flags)
    if (run === undefined) return exitCode.interrupted
    const [{ reportRun }, { writeRunFiles }, { runJson, runText }] = await Promise.all([
      import('../../chaos/report/run-report.ts'),
      import('../../chaos/report/run-files.ts'),
      import('../../chaos/report/run-text.ts'),
    ])
    const report = await reportRun(options, run)
    await writeRunFiles(options.out, report)
    if (flags.output === 'json') writeJson(context, runJson(report))
    else context.stdout.write(runText(report))
    context.stderr.write(`History, logs, verdict.json and summary.txt are in ${options.out}\n`)
    return conclusionCodes[report.conclusion]
  } catch (error) {
    return await failed(context, error, flags.output)
  }
}

/** Undefined: it was interrupted, and all is undone. Whatever the run comes to from the interrupt on is no news. */
async function runUnlessInterrupted<Run>(context: CliContext, experiment: Experiment<Run>, flags: ChaosRunFlags): Promise<Run | undefined> {
  const live = new LiveLine(context.stderr, true)
  let stopping: Promise<undefined> | undefined
  const stop = async (): Promise<undefined> => {
    live.stop()
    context.stderr.write(flags.bootstrap === undefined ? 'Stopping.\n' : 'Stopping: what was done to the cluster is undone first.\n')
    const left = await experiment.breakOff().catch((error) => [String(error)])
    for (const sentence of left) context.stderr.write(`left as it is: ${sentence}\n`)
  }
  let release = (): void => undefined
  const interrupted = new Promise<undefined>((say) => {
    release = context.onInterrupt(() => {
      // What the first one began goes on: nothing is left half undone.
      stopping ??= stop()
      say(stopping)
    })
  })
  live.start(() => statusLine(experiment.status, flags.time))
  const running = experiment.run().then(
    (run) => stopping ?? run,
    (error) => {
      if (stopping === undefined) throw error
      return stopping
    },
  )
  try {
    return await Promise.race([running, interrupted])
  } finally {
    live.stop()
    release()
  }
}

/** By what a run fails with that came to no verdict: only of a cluster that broke its promises it says so. */
async function failed(context: CliContext, error: unknown, output: OutputFormat): Promise<number> {
  const [{ AttachError }, { FaultListError }, { NamespacesError }, { NotBegunError, RefusedTopicError }, { OutFolderError }] = await Promise.all([
    import('../../chaos/live/attached-cluster.ts'),
    import('../../chaos/live/faults/catalogue.ts'),
    import('../../chaos/live/netns/namespaces.ts'),
    import('../../chaos/live/not-begun.ts'),
    import('../../chaos/live/out-folder.ts'),
  ])
  if (error instanceof FaultListError) throw new UsageError(error.message, 'they are listed in: oxbow chaos run --help')
  if (error instanceof NamespacesError)
    throw new UsageError(error.message, '--namespaces needs Linux, root, the commands ip, nft and tc, and nf_tables and sch_tbf in the kernel')
  if (error instanceof OutFolderError) throw new UsageError(error.message, 'name a new folder with --out')
  if (error instanceof RefusedTopicError) throw new UsageError(error.message, 'what topics are made with: --topic-config')
  if (error instanceof AttachError) throw new UsageError(error.message, 'start it; one that is gone for good: oxbow broker unregister')
  if (!(error instanceof NotBegunError) && (error as NodeJS.ErrnoException).syscall === undefined) throw error
  const hint = 'nothing is proved; logs of nodes that were started are in logs, in the folder of --out'
  writeFailure(context, { ...failureOf(error), code: 'INCONCLUSIVE', hint }, output)
  return exitCode.inconclusive
}

function producerOf({ acks, idempotence: idempotent, deliveryTimeout: deliveryTimeoutMs }: ChaosRunFlags): ProducerOptions {
  if (acks === 'all') return { acks, idempotent, deliveryTimeoutMs }
  return { acks: acks === '1' ? 1 : 0, deliveryTimeoutMs }
}

interface Status {
  readonly phase: string
  readonly elapsedMs: number
  readonly faults: readonly string[]
  readonly outcomes: { readonly ok: number; readonly fail: number; readonly info: number }
  readonly controller: number | null
}

interface Experiment<Run> {
  readonly status: Status
  run(): Promise<Run>
  breakOff(): Promise<readonly string[]>
}

function statusLine({ phase, elapsedMs, faults, outcomes, controller }: Status, timeMs: number): string {
  const time = phase === 'running' ? ` ${Math.round(elapsedMs / 1000)}/${Math.round(timeMs / 1000)} s` : ''
  const now = faults.length === 0 ? 'no fault' : faults.join(' + ')
  return `${phase}${time} | ${now} | ok ${outcomes.ok} fail ${outcomes.fail} unknown ${outcomes.info} | controller ${controller ?? 'none'}`
}
