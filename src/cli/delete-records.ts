import { readFile } from 'node:fs/promises'
import { BrokerError } from '../base/errors.ts'
import type { Admin } from '../client/admin.ts'
import { confirm } from './confirm.ts'
import { type CliContext, headingStyle, writeFailure } from './context.ts'
import { AdvisedError, exitCode, failureOf, UsageError } from './failure.ts'
import { offsetsAt } from './offsets-at.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { renderTable } from './table.ts'
import { parseTimestamp } from './timestamp.ts'
import { topicsNamed } from './topic-names.ts'

/** As commander hands it over. */
export interface DeleteRecordsFlags {
  readonly before?: string
  readonly partition?: number
  readonly offsetJsonFile?: string
  readonly yes?: boolean
}

/** What is kept begins there: an offset, the high watermark, or the first record of a moment (wall-clock ms). */
type Before = { readonly type: 'offset'; readonly offset: number } | { readonly type: 'latest' } | { readonly type: 'time'; readonly timestampMs: number }

/** beforeOffset −1: the high watermark. */
interface Target {
  readonly topic: string
  readonly partition: number
  readonly beforeOffset: number
}

function parseBefore(text: string): Before {
  if (text === 'latest') return { type: 'latest' }
  if (text.startsWith('@')) return { type: 'time', timestampMs: parseTimestamp(text, Date.now(), '--before') }
  const offset = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(offset))
    throw new UsageError(`--before ${text} is not an offset`, 'an offset N, latest for all records, or a moment such as @-7d')
  return { type: 'offset', offset }
}

async function targetsOf(admin: Admin, topic: string, before: Before, only: number | undefined): Promise<Target[]> {
  const [described] = await topicsNamed(admin, [topic])
  const all = (described?.partitions ?? []).map((one) => one.partition)
  if (only !== undefined && !all.includes(only))
    throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `${topic} has ${all.length} partitions, from 0; there is no partition ${only}`)
  const partitions = only === undefined ? all : [only]
  if (before.type !== 'time') return partitions.map((partition) => ({ topic, partition, beforeOffset: before.type === 'latest' ? -1 : before.offset }))
  return [...(await offsetsAt(admin, topic, before.timestampMs, partitions))].map(([partition, beforeOffset]) => ({ topic, partition, beforeOffset }))
}

function isTarget(value: unknown): value is { topic: string; partition: number; offset: number } {
  const { topic, partition, offset } = (value ?? {}) as Record<string, unknown>
  return typeof topic === 'string' && Number.isSafeInteger(partition) && Number.isSafeInteger(offset) && (partition as number) >= 0 && (offset as number) >= -1
}

/** Kafka's file: `{"partitions":[{"topic":"orders","partition":0,"offset":100}],"version":1}`. */
async function readTargets(path: string): Promise<Target[]> {
  const form = 'its form is {"partitions":[{"topic":"orders","partition":0,"offset":100}],"version":1}; offset -1 is the high watermark'
  let parsed: { readonly partitions?: unknown }
  try {
    parsed = JSON.parse(await readFile(path, 'utf8')) as typeof parsed
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`, form)
  }
  const partitions = parsed?.partitions
  if (!Array.isArray(partitions) || partitions.length === 0 || !partitions.every(isTarget)) throw new UsageError(`${path} names no partitions`, form)
  return partitions.map(({ topic, partition, offset }) => ({ topic, partition, beforeOffset: offset }))
}

const WHERE_IT_ENDS = 'where its records begin and end: oxbow offsets TOPIC, with --at earliest and without; to delete all of them: --before latest'

type Deleted = Awaited<ReturnType<Admin['deleteRecords']>>[number]

/** What was done is the answer; what was not, an error each. */
function report(context: CliContext, options: ClusterOptions, results: readonly Deleted[]): number {
  const rows = results.flatMap(({ topic, partition, lowWatermark, error }) => (error === null ? [{ topic, partition, lowWatermark }] : []))
  if (options.output === 'json') writeJson(context, rows)
  else
    context.stdout.write(
      renderTable(
        [
          { heading: 'Topic', value: (row) => row.topic },
          { heading: 'Partition', value: (row) => row.partition, right: true },
          { heading: 'LowWatermark', value: (row) => row.lowWatermark, right: true },
        ],
        rows,
        headingStyle(context),
      ),
    )
  for (const { topic, partition, error } of results)
    if (error !== null) {
      const failure = failureOf(error.code === 'OFFSET_OUT_OF_RANGE' ? new AdvisedError(error, WHERE_IT_ENDS) : error)
      writeFailure(context, { ...failure, message: `${topic}-${partition}: ${failure.message}` }, options.output)
    }
  return rows.length < results.length ? exitCode.refused : exitCode.done
}

/** Takes the oldest records away for good; answers where each log begins now. */
export async function deleteRecords(context: CliContext, options: ClusterOptions, topic: string | undefined, flags: DeleteRecordsFlags): Promise<number> {
  const { before, partition, offsetJsonFile } = flags
  const usage = 'oxbow delete-records orders --before 100, or --offset-json-file FILE'
  if (offsetJsonFile !== undefined && (topic !== undefined || before !== undefined || partition !== undefined))
    throw new UsageError('--offset-json-file says topics, partitions and offsets itself', usage)
  if (offsetJsonFile === undefined && (topic === undefined || before === undefined)) throw new UsageError('a topic and --before are needed', usage)
  const listed = offsetJsonFile === undefined ? undefined : await readTargets(offsetJsonFile)
  const parsed = before === undefined ? undefined : parseBefore(before)
  const what =
    listed === undefined
      ? `the records of ${topic}${partition === undefined ? '' : `-${partition}`} before ${before}`
      : `the records that ${offsetJsonFile} names`
  const question = { question: `Delete ${what}?`, doing: `deleting ${what}`, refused: 'Nothing was deleted.' }
  const refusal = flags.yes === true ? undefined : await confirm(context, question)
  if (refusal !== undefined) return refusal
  const results = await withAdmin(context, options, async (admin) => {
    const targets = listed ?? (await targetsOf(admin, topic as string, parsed as Before, partition))
    return await admin.deleteRecords(targets)
  })
  return report(context, options, results)
}
