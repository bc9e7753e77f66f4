import type { Admin } from '../client/admin.ts'
import type { ElectLeadersOptions } from '../client/admin-options.ts'
import { type CliContext, headingStyle, writeFailure } from './context.ts'
import { type Failure, exitCode, failureOf, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { type PartitionName, parsePartitionName } from './partition-name.ts'
import { withAdmin, writeJson } from './session.ts'
import { renderTable } from './table.ts'
import { topicsNamed } from './topic-names.ts'
import { confirmUnclean, type ElectResult, showPlan } from './unclean-plan.ts'

export interface ElectFlags {
  readonly all?: boolean
  readonly unclean?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
}

/** Undefined: all there are. */
async function partitionsOf(admin: Admin, asked: readonly PartitionName[]): Promise<Pick<ElectLeadersOptions, 'partitions'>> {
  if (asked.length === 0) return {}
  const topics = await topicsNamed(admin, [...new Set(asked.map((one) => one.topic))])
  const partitions = topics.flatMap(({ name, partitions: all }) => {
    const wanted = asked.filter((one) => one.topic === name)
    const isAll = wanted.some((one) => one.partition === undefined)
    const numbers = isAll ? all.map((one) => one.partition) : [...new Set(wanted.map((one) => one.partition as number))]
    return numbers.map((partition) => ({ topic: name, partition }))
  })
  return { partitions }
}

/** In one word, what came of it. */
function outcomeOf({ error }: ElectResult): 'elected' | 'notNeeded' | 'failed' {
  if (error === null) return 'elected'
  return error.code === 'ELECTION_NOT_NEEDED' ? 'notNeeded' : 'failed'
}

function failureOfPartition({ topic, partition }: ElectResult, error: unknown): Failure {
  const failure = failureOf(error)
  return { ...failure, message: `${topic}-${partition}: ${failure.message}` }
}

function report(context: CliContext, options: ClusterOptions, results: readonly ElectResult[], nothing: string): number {
  const rows = results.map((result) => ({ topic: result.topic, partition: result.partition, outcome: outcomeOf(result) }))
  if (rows.length === 0) context.stderr.write(`${nothing}\n`)
  if (options.output === 'json') writeJson(context, rows)
  else if (rows.length > 0)
    context.stdout.write(
      renderTable(
        [
          { heading: 'Topic', value: (row) => row.topic },
          { heading: 'Partition', value: (row) => row.partition, right: true },
          { heading: 'Outcome', value: (row) => row.outcome },
        ],
        rows,
        headingStyle(context),
      ),
    )
  writeFailures(context, options, results)
  return rows.some((row) => row.outcome === 'failed') ? exitCode.refused : exitCode.done
}

function writeFailures(context: CliContext, options: ClusterOptions, results: readonly ElectResult[]): void {
  for (const result of results) if (outcomeOf(result) === 'failed') writeFailure(context, failureOfPartition(result, result.error), options.output)
}

/** Gives partitions back to their preferred leaders: the first of their replicas. Or, unclean, to whoever is left. */
export async function electPartitions(context: CliContext, options: ClusterOptions, names: readonly string[], flags: ElectFlags): Promise<number> {
  const { all = false, unclean = false, dryRun = false } = flags
  if (all === names.length > 0) throw new UsageError(all ? '--all and topics exclude each other' : 'nothing is named', 'name topics, or say --all')
  if (!unclean && (dryRun || flags.yes === true)) throw new UsageError('--dry-run and --yes go with --unclean', 'without it nothing is lost')
  const asked = names.map((name) => parsePartitionName(name, 'oxbow partition elect orders:0'))
  if (unclean) return await electUnclean(context, options, asked, flags)
  const results = await withAdmin(context, options, async (admin) => await admin.electLeaders(await partitionsOf(admin, asked)))
  return report(context, options, results, 'Nothing to do: preferred leaders lead every partition.')
}

const NOTHING_LEADERLESS = 'Nothing to do: every partition has a leader.'

/** Says first what would be lost. */
async function electUnclean(context: CliContext, options: ClusterOptions, asked: readonly PartitionName[], flags: ElectFlags): Promise<number> {
  const { plan, topics } = await withAdmin(context, options, async (admin) => {
    const wanted = await partitionsOf(admin, asked)
    return { plan: await admin.electLeaders({ ...wanted, unclean: true, validateOnly: true }), topics: await admin.listTopics() }
  })
  const electable = plan.filter(({ elected }) => elected !== null)
  if (flags.dryRun === true) {
    showPlan(context, options, plan, topics)
    writeFailures(context, options, plan)
    return plan.some((one) => outcomeOf(one) === 'failed') ? exitCode.refused : exitCode.done
  }
  if (electable.length === 0) return report(context, options, plan, NOTHING_LEADERLESS)
  const refusal = await confirmUnclean(context, options, electable, topics, flags.yes === true)
  if (refusal !== undefined) return refusal
  const partitions = plan.map(({ topic, partition }) => ({ topic, partition }))
  // What was said is what may be given up, however long the yes took.
  const metadataOffset = plan[0]?.metadataOffset ?? null
  const decided = metadataOffset === null ? {} : { metadataOffset }
  const results = await withAdmin(context, options, (admin) => admin.electLeaders({ partitions, unclean: true, ...decided }))
  return report(context, options, results, NOTHING_LEADERLESS)
}
