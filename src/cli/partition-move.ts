import type { Admin } from '../client/admin.ts'
import type { MovedPartition, PartitionMove } from '../client/reassignments.ts'
import { parseByteRate } from './byte-rate.ts'
import { type CliContext, headingStyle, writeFailure } from './context.ts'
import { exitCode, failureOf, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { waitUntil, withAdmin, writeJson } from './session.ts'
import { listCell, renderTable } from './table.ts'
import { isMoving } from './topic-describe.ts'
import { type TopicDescription, topicsNamed } from './topic-names.ts'

const EXAMPLE = 'for example: oxbow partition move orders:0=4,5,6'

/** As commander hands it over. */
export interface MovePartitionsFlags {
  readonly cancel?: boolean
  readonly list?: boolean
  readonly throttle?: string
  readonly dryRun?: boolean
  readonly wait?: boolean
}

/** `orders:0=4,5,6`; to take it back, `orders:0`. */
function parseMove(text: string, isCancel: boolean): PartitionMove {
  const parts = /^([^:=]+):(\d{1,9})(?:=(\d{1,9}(?:,\d{1,9})*))?$/.exec(text)
  const [, topic, partition, replicas] = parts ?? []
  if (topic === undefined || partition === undefined) throw new UsageError(`"${text}" does not name a partition and its brokers`, EXAMPLE)
  if (isCancel && replicas !== undefined) throw new UsageError(`"${text}": --cancel takes partitions back to where they were`, 'leave out the brokers')
  if (!isCancel && replicas === undefined) throw new UsageError(`"${text}" does not say to which brokers`, EXAMPLE)
  return { topic, partition: Number(partition), replicas: replicas?.split(',').map(Number) ?? null }
}

interface Row {
  readonly topic: string
  readonly partition: number
  readonly replicas: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly removingReplicas: readonly number[]
}

function rowOf(topic: string, state: TopicDescription['partitions'][number]): Row {
  const { partition, replicas, addingReplicas, removingReplicas } = state
  return { topic, partition, replicas, addingReplicas, removingReplicas }
}

function writeRows<R extends Row & { readonly outcome?: string }>(context: CliContext, options: ClusterOptions, rows: readonly R[]): void {
  if (options.output === 'json') {
    writeJson(context, rows)
    return
  }
  if (rows.length === 0) return
  const columns = [
    { heading: 'Topic', value: (row: R) => row.topic },
    { heading: 'Partition', value: (row: R) => row.partition, right: true },
    { heading: 'Replicas', value: (row: R) => listCell(row.replicas) },
    { heading: 'Adding', value: (row: R) => listCell(row.addingReplicas) },
    { heading: 'Removing', value: (row: R) => listCell(row.removingReplicas) },
  ]
  const outcome = { heading: 'Outcome', value: (row: R) => row.outcome ?? '' }
  context.stdout.write(renderTable(rows[0]?.outcome === undefined ? columns : [...columns, outcome], rows, headingStyle(context)))
}

/** Every partition that is on its way. */
async function listMoves(context: CliContext, options: ClusterOptions): Promise<number> {
  const topics = await withAdmin(context, options, (admin) => admin.listTopics())
  const rows = topics.flatMap(({ name, partitions }) => partitions.filter(isMoving).map((state) => rowOf(name, state)))
  if (rows.length === 0) context.stderr.write('No partition is being moved.\n')
  writeRows(context, options, rows)
  return exitCode.done
}

async function look(admin: Admin, moves: readonly PartitionMove[]): Promise<ReadonlyMap<string, TopicDescription>> {
  const topics = await topicsNamed(admin, [...new Set(moves.map((move) => move.topic))])
  return new Map(topics.map((topic) => [topic.name, topic]))
}

async function move(admin: Admin, moves: readonly PartitionMove[], flags: MovePartitionsFlags): Promise<MovedPartition[]> {
  // A misspelt name is told from what was meant before anything is asked of the controller.
  await look(admin, moves)
  return await admin.alterReassignments({
    moves,
    ...(flags.throttle === undefined ? {} : { bytesPerSecond: parseByteRate(flags.throttle) }),
    ...(flags.dryRun === true ? { validateOnly: true } : {}),
  })
}

async function haveArrived(admin: Admin, moves: readonly PartitionMove[]): Promise<boolean> {
  const topics = await look(admin, moves)
  return moves.every(({ topic, partition }) => {
    const state = topics.get(topic)?.partitions[partition]
    return state === undefined || !isMoving(state)
  })
}

/** Moves partitions to other brokers, takes moves back, or shows which are under way. */
export async function movePartitions(context: CliContext, options: ClusterOptions, names: readonly string[], flags: MovePartitionsFlags): Promise<number> {
  if (flags.list === true) {
    if (names.length > 0 || flags.cancel === true) throw new UsageError('--list shows every move and takes nothing else', 'oxbow partition move --list')
    return await listMoves(context, options)
  }
  if (names.length === 0) throw new UsageError('nothing is named', `name a partition and its brokers, ${EXAMPLE}`)
  const moves = names.map((name) => parseMove(name, flags.cancel === true))
  const moved = await withAdmin(context, options, (admin) => move(admin, moves, flags))
  const begun = moves.filter((_, at) => moved[at]?.error === null)
  if (flags.wait === true && flags.dryRun !== true) await waitUntil(context, options, (admin) => haveArrived(admin, begun))
  const topics = await withAdmin(context, options, (admin) => look(admin, moves))
  const rows = moved.map(({ topic, partition, error }) => {
    const state = topics.get(topic)?.partitions[partition]
    const row = state === undefined ? { topic, partition, replicas: [], addingReplicas: [], removingReplicas: [] } : rowOf(topic, state)
    const begun = flags.dryRun === true ? 'allowed' : state !== undefined && isMoving(state) ? 'moving' : 'done'
    return { ...row, outcome: error === null ? begun : 'failed' }
  })
  writeRows(context, options, rows)
  if (flags.dryRun === true) context.stderr.write('Nothing was moved.\n')
  for (const { topic, partition, error } of moved) {
    if (error === null) continue
    const failure = failureOf(error)
    writeFailure(context, { ...failure, message: `${topic}-${partition}: ${failure.message}` }, options.output)
  }
  return moved.some(({ error }) => error !== null) ? exitCode.refused : exitCode.done
}
