import type { Admin } from '../client/admin.ts'
import { type CliContext, headingStyle, writeFailure } from './context.ts'
import { exitCode, failureOf, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { renderTable } from './table.ts'
import { topicsNamed } from './topic-names.ts'

interface Asked {
  readonly topic: string
  /** Undefined: all of them. */
  readonly partition: number | undefined
}

/** `orders` or `orders:0`. */
function parseAsked(text: string): Asked {
  const parts = /^([^:]+)(?::(\d{1,9}))?$/.exec(text)
  if (parts === null) throw new UsageError(`"${text}" is neither TOPIC nor TOPIC:PARTITION`, 'for example: oxbow partition elect orders:0')
  return { topic: parts[1] as string, partition: parts[2] === undefined ? undefined : Number(parts[2]) }
}

type Result = Awaited<ReturnType<Admin['electLeaders']>>[number]

async function elect(admin: Admin, asked: readonly Asked[]): Promise<readonly Result[]> {
  if (asked.length === 0) return await admin.electLeaders()
  const topics = await topicsNamed(admin, [...new Set(asked.map((one) => one.topic))])
  const partitions = topics.flatMap(({ name, partitions: all }) => {
    const wanted = asked.filter((one) => one.topic === name)
    const isAll = wanted.some((one) => one.partition === undefined)
    const numbers = isAll ? all.map((one) => one.partition) : [...new Set(wanted.map((one) => one.partition as number))]
    return numbers.map((partition) => ({ topic: name, partition }))
  })
  return await admin.electLeaders({ partitions })
}

/** In one word, what came of it. */
function outcomeOf({ error }: Result): 'elected' | 'notNeeded' | 'failed' {
  if (error === null) return 'elected'
  return error.code === 'ELECTION_NOT_NEEDED' ? 'notNeeded' : 'failed'
}

/** Gives partitions back to their preferred leaders: the first of their replicas. */
export async function electPartitions(context: CliContext, options: ClusterOptions, names: readonly string[], all: boolean): Promise<number> {
  if (all === names.length > 0) throw new UsageError(all ? '--all and topics exclude each other' : 'nothing is named', 'name topics, or say --all')
  const asked = names.map(parseAsked)
  const results = await withAdmin(context, options, (admin) => elect(admin, asked))
  const rows = results.map((result) => ({ topic: result.topic, partition: result.partition, outcome: outcomeOf(result) }))
  if (rows.length === 0) context.stderr.write('Nothing to do: preferred leaders lead every partition.\n')
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
  for (const result of results)
    if (result.error !== null && outcomeOf(result) === 'failed') {
      const failure = failureOf(result.error)
      writeFailure(context, { ...failure, message: `${result.topic}-${result.partition}: ${failure.message}` }, options.output)
    }
  return rows.some((row) => row.outcome === 'failed') ? exitCode.refused : exitCode.done
}
