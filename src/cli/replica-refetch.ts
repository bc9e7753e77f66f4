import { BrokerError } from '../base/errors.ts'
import type { Admin } from '../client/admin.ts'
import { byteSize } from './byte-size.ts'
import { parseByteRate } from './byte-rate.ts'
import { confirm } from './confirm.ts'
import { type CliContext, headingStyle, writeFailure } from './context.ts'
import { exitCode, failureOf, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { type PartitionName, parsePartitionName } from './partition-name.ts'
import { planRefetch, type Refetch } from './refetch-plan.ts'
import { askBrokers } from './replica-list.ts'
import { replicaRows } from './replica-conditions.ts'
import { waitUntil, withAdmin, writeJson } from './session.ts'
import { renderTable } from './table.ts'
import { isMoving } from './topic-describe.ts'
import { minInSyncReplicas } from './topic-filters.ts'
import { type TopicDescription, topicsNamed } from './topic-names.ts'

const EXAMPLE = 'oxbow replica refetch orders:0 --node 2'
const LOOK_AGAIN_MS = 100

/** As commander hands it over. */
export interface RefetchFlags {
  readonly node: number
  readonly throttle?: string
  readonly dryRun?: boolean
  readonly wait?: boolean
  readonly yes?: boolean
}

interface Row {
  readonly topic: string
  readonly partition: number
  readonly nodeId: number
  readonly outcome: 'allowed' | 'fetching' | 'done' | 'failed'
  readonly error: unknown
}

interface Planned {
  readonly name: PartitionName
  readonly refetch: Refetch | undefined
  readonly error: unknown
}

function parseNames(words: readonly string[]): PartitionName[] {
  return words.map((word) => {
    const name = parsePartitionName(word, EXAMPLE)
    if (name.partition === undefined) throw new UsageError(`"${word}" names no partition`, `one at a time, for example: ${EXAMPLE}`)
    return name
  })
}

async function planAll(admin: Admin, names: readonly PartitionName[], nodeId: number): Promise<Planned[]> {
  const topics = await topicsNamed(admin, [...new Set(names.map(({ topic }) => topic))])
  const [brokers, minIsr] = await Promise.all([askBrokers(admin), minInSyncReplicas(admin, topics)])
  return names.map((name): Planned => {
    const topic = topics.find((one) => one.name === name.topic) as TopicDescription
    const state = topic.partitions.find((one) => one.partition === name.partition)
    try {
      if (state === undefined) throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `topic ${name.topic} has no partition ${name.partition}`)
      const look = { topic: topic.name, state, nodeId, brokers, rows: replicaRows([topic], brokers), minIsr: minIsr.get(topic.name) ?? 1 }
      return { name, refetch: planRefetch(look), error: null }
    } catch (error) {
      return { name, refetch: undefined, error }
    }
  })
}

async function move(admin: Admin, { topic, partition }: Refetch, replicas: readonly number[] | null, throttle: string | undefined): Promise<void> {
  const limit = throttle === undefined ? {} : { bytesPerSecond: parseByteRate(throttle) }
  const [moved] = await admin.alterReassignments({ moves: [{ topic, partition, replicas }], ...limit })
  if (moved !== undefined && moved.error !== null) throw moved.error
}

async function stateOf(admin: Admin, { topic, partition }: Refetch): Promise<TopicDescription['partitions'][number] | undefined> {
  return (await admin.describeTopics([topic]))[0]?.partitions.find((one) => one.partition === partition)
}

/** The node has set its copy aside; until then it would go on with that. */
async function waitUntilAside(admin: Admin, { topic, partition, nodeId }: Refetch): Promise<void> {
  for (;;) {
    const { folders } = await admin.describeLogDirs({ nodeId })
    if (!folders.some(({ partitions }) => partitions.some((one) => one.topic === topic && one.partition === partition))) return
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}

/**
 * Takes the replica off, and puts it there again: two decisions of the controller, which takes none off while too few of the others hold all that was
 * acknowledged, and raises the leader epoch, so that what the replica said of its old copy counts no more.
 */
async function refetch(admin: Admin, one: Refetch, throttle: string | undefined): Promise<void> {
  await move(admin, one, one.others, undefined)
  try {
    const state = await stateOf(admin, one)
    if (state !== undefined && isMoving(state)) {
      await move(admin, one, null, undefined)
      throw new BrokerError('INVALID_REQUEST', 'one of the others went out of sync just now: nothing was dropped (see: oxbow cluster health)')
    }
    await waitUntilAside(admin, one)
    await move(admin, one, one.replicas, throttle)
  } catch (error) {
    const state = await stateOf(admin, one).catch(() => undefined)
    if (state?.replicas.includes(one.nodeId) === true) throw error
    const { code, message } = failureOf(error)
    const next = `oxbow partition move ${one.topic}:${one.partition}=${one.replicas.join(',')}`
    throw new BrokerError('INVALID_REQUEST', `the copy was dropped, and is not fetched again yet: ${code}: ${message} (${next})`)
  }
}

function writeRows(context: CliContext, options: ClusterOptions, rows: readonly Row[], planned: readonly Planned[]): void {
  const sizes = new Map(planned.map(({ name, refetch: one }) => [`${name.topic}:${name.partition}`, one?.sizeBytes ?? -1]))
  const sizeOf = ({ topic, partition }: Row): number => sizes.get(`${topic}:${partition}`) ?? -1
  if (options.output === 'json') {
    const answer = rows.map((row) => ({ topic: row.topic, partition: row.partition, nodeId: row.nodeId, sizeBytes: sizeOf(row), outcome: row.outcome }))
    writeJson(context, answer)
  } else {
    const columns = [
      { heading: 'Topic', value: (row: Row) => row.topic },
      { heading: 'Partition', value: (row: Row) => row.partition, right: true },
      { heading: 'NodeId', value: (row: Row) => row.nodeId, right: true },
      { heading: 'Size', value: (row: Row) => byteSize(sizeOf(row)), right: true },
      { heading: 'Outcome', value: (row: Row) => row.outcome },
    ]
    context.stdout.write(renderTable(columns, rows, headingStyle(context)))
  }
  for (const { topic, partition, error } of rows) {
    if (error === null) continue
    const failure = failureOf(error)
    writeFailure(context, { ...failure, message: `${topic}-${partition}: ${failure.message}` }, options.output)
  }
}

/** Drops copies that one node has, and fetches them anew from their leaders: each only where the others have all that was acknowledged. */
export async function refetchReplicas(context: CliContext, options: ClusterOptions, words: readonly string[], flags: RefetchFlags): Promise<number> {
  const { node: nodeId, throttle } = flags
  const names = parseNames(words)
  if (throttle !== undefined) parseByteRate(throttle)
  const planned = await withAdmin(context, options, (admin) => planAll(admin, names, nodeId))
  const allowed = planned.flatMap(({ refetch: one }) => one ?? [])
  const rowOf = ({ name, error }: Planned, outcome: Row['outcome']): Row => {
    return { topic: name.topic, partition: name.partition as number, nodeId, outcome: error === null ? outcome : 'failed', error }
  }
  if (flags.dryRun === true || allowed.length < planned.length) {
    const rows = planned.map((one) => rowOf(one, 'allowed'))
    writeRows(context, options, rows, planned)
    context.stderr.write('Nothing was dropped.\n')
    return allowed.length < planned.length ? exitCode.refused : exitCode.done
  }
  const what = allowed.map(({ topic, partition, sizeBytes }) => `${topic}-${partition} (${byteSize(sizeBytes)})`).join(', ')
  const question = `Drop what node ${nodeId} has of ${what}, and fetch it anew from the other replicas?`
  const asking = { question, doing: `dropping a copy of ${what}`, refused: 'Nothing was dropped.' }
  const refusal = flags.yes === true ? undefined : await confirm(context, asking)
  if (refusal !== undefined) return refusal
  const rows: Row[] = []
  for (const one of allowed) rows.push(await withAdmin(context, options, (admin) => run(admin, one, throttle)))
  const begun = allowed.filter((_, at) => rows[at]?.error === null)
  if (flags.wait === true) await waitUntil(context, options, (admin) => haveArrived(admin, begun))
  const outcome = flags.wait === true ? 'done' : 'fetching'
  writeRows(
    context,
    options,
    rows.map((row) => (row.error === null ? { ...row, outcome } : row)),
    planned,
  )
  return rows.some(({ error }) => error !== null) ? exitCode.refused : exitCode.done
}

async function run(admin: Admin, one: Refetch, throttle: string | undefined): Promise<Row> {
  const { topic, partition, nodeId } = one
  try {
    await refetch(admin, one, throttle)
    return { topic, partition, nodeId, outcome: 'fetching', error: null }
  } catch (error) {
    return { topic, partition, nodeId, outcome: 'failed', error }
  }
}

async function haveArrived(admin: Admin, all: readonly Refetch[]): Promise<boolean> {
  const states = await Promise.all(all.map((one) => stateOf(admin, one)))
  return states.every((state, at) => state === undefined || (!isMoving(state) && state.isr.includes((all[at] as Refetch).nodeId)))
}
