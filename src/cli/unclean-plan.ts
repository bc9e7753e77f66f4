import type { Admin } from '../client/admin.ts'
import { confirm } from './confirm.ts'
import { counted } from './counted.ts'
import { type CliContext, headingStyle } from './context.ts'
import type { ClusterOptions } from './options.ts'
import { writeJson } from './session.ts'
import { renderTable } from './table.ts'
import type { TopicDescription } from './topic-names.ts'

export type ElectResult = Awaited<ReturnType<Admin['electLeaders']>>[number]

interface PlanRow {
  readonly topic: string
  readonly partition: number
  readonly wouldLead: number | null
  readonly lastEpoch: number | null
  readonly logEndOffset: number | null
  /** Replicas that may hold acknowledged records beyond that end. */
  readonly givenUp: readonly number[]
}

/** An election that loses nothing is told by an end that was not compared. */
function rowOf({ topic, partition, elected }: ElectResult, topics: readonly TopicDescription[]): PlanRow {
  const state = topics.find(({ name }) => name === topic)?.partitions.find((one) => one.partition === partition)
  const isUnclean = elected !== null && elected.logEndOffset >= 0
  const eligible = state === undefined ? [] : state.replicas.filter((nodeId) => state.isr.includes(nodeId) || state.elr.includes(nodeId))
  return {
    topic,
    partition,
    wouldLead: elected?.nodeId ?? null,
    lastEpoch: isUnclean ? elected.lastEpoch : null,
    logEndOffset: isUnclean ? elected.logEndOffset : null,
    givenUp: isUnclean ? eligible.filter((nodeId) => nodeId !== elected.nodeId) : [],
  }
}

function table(rows: readonly PlanRow[], context: CliContext): string {
  return renderTable(
    [
      { heading: 'Topic', value: (row) => row.topic },
      { heading: 'Partition', value: (row) => row.partition, right: true },
      { heading: 'WouldLead', value: (row) => row.wouldLead ?? 'none', right: true },
      { heading: 'LogEndOffset', value: (row) => row.logEndOffset ?? '-', right: true },
      { heading: 'LastEpoch', value: (row) => row.lastEpoch ?? '-', right: true },
      { heading: 'GivenUp', value: (row) => (row.givenUp.length === 0 ? '-' : row.givenUp.join(',')) },
    ],
    rows,
    headingStyle(context),
  )
}

const WHAT_IS_LOST =
  'Records from LogEndOffset on that only brokers under GivenUp hold are lost for good, acknowledged or not: the logs of those that come back are cut.\n'

/** Partitions that have a leader are left out. */
export function showPlan(context: CliContext, options: ClusterOptions, plan: readonly ElectResult[], topics: readonly TopicDescription[]): void {
  const rows = plan.filter(({ error }) => error?.code !== 'ELECTION_NOT_NEEDED').map((one) => rowOf(one, topics))
  if (options.output === 'json') writeJson(context, rows)
  else if (rows.length > 0) context.stdout.write(table(rows, context))
  context.stderr.write(rows.length === 0 ? 'Nothing to do: every partition has a leader.\n' : `${WHAT_IS_LOST}Nothing was changed.\n`)
}

/** The exit code when it is not wanted. */
export async function confirmUnclean(
  context: CliContext,
  options: ClusterOptions,
  electable: readonly ElectResult[],
  topics: readonly TopicDescription[],
  yes: boolean,
): Promise<number | undefined> {
  const rows = electable.map((one) => rowOf(one, topics))
  if (options.output !== 'json') context.stderr.write(table(rows, context))
  context.stderr.write(WHAT_IS_LOST)
  if (yes) return undefined
  const what = counted(rows.length, 'partition')
  return await confirm(context, {
    question: `Elect leaders of ${what} so?`,
    doing: `an unclean election of ${what}`,
    refused: 'Nobody was elected.',
  })
}
