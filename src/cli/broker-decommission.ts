import { BrokerError } from '../base/errors.ts'
import type { Admin } from '../client/admin.ts'
import type { PartitionMove } from '../client/reassignments.ts'
import { parseByteRate } from './byte-rate.ts'
import { confirm } from './confirm.ts'
import { counted } from './counted.ts'
import { type CliContext, headingStyle, writeFailure } from './context.ts'
import { type DecommissionPlan, planDecommission } from './decommission-plan.ts'
import { exitCode, failureOf, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { waitUntil, withAdmin, writeJson } from './session.ts'
import { listCell, renderTable } from './table.ts'

/** Partitions that one call moves: each of them is one entry of the metadata log. */
const BATCH = 1_000

/** As commander hands it over. */
export interface DecommissionFlags {
  readonly cancel?: boolean
  readonly dryRun?: boolean
  readonly wait?: boolean
  readonly throttle?: string
  readonly yes?: boolean
}

interface Row {
  readonly topic: string
  readonly partition: number
  /** Where it goes; null: back to where it was, or nowhere. */
  readonly replicas: readonly number[] | null
  readonly outcome: string
  readonly error: BrokerError | null
}

async function plan(admin: Admin, nodeId: number, isCancel: boolean): Promise<DecommissionPlan> {
  const { brokers } = await admin.describeCluster()
  if (!brokers.some((broker) => broker.nodeId === nodeId)) throw new BrokerError('BROKER_ID_NOT_REGISTERED', `broker ${nodeId} is not registered`)
  const topics = await admin.listTopics()
  if (!isCancel) return planDecommission(nodeId, brokers, topics)
  const leaving = topics.flatMap(({ name, partitions }) =>
    partitions.filter(({ removingReplicas }) => removingReplicas.includes(nodeId)).map(({ partition }) => ({ topic: name, partition, replicas: null })),
  )
  return { moves: leaving, stuck: [] }
}

async function move(admin: Admin, moves: readonly PartitionMove[], flags: DecommissionFlags): Promise<Row[]> {
  const limit = flags.throttle === undefined ? {} : { bytesPerSecond: parseByteRate(flags.throttle) }
  const rows: Row[] = []
  for (let from = 0; from < moves.length; from += BATCH) {
    const batch = moves.slice(from, from + BATCH)
    const moved = await admin.alterReassignments({ moves: batch, ...limit })
    rows.push(...batch.map((one, at) => rowOf(one, moved[at]?.error ?? null, flags.cancel === true ? 'back' : 'moving')))
  }
  return rows
}

function rowOf({ topic, partition, replicas }: PartitionMove, error: BrokerError | null, outcome: string): Row {
  return { topic, partition, replicas, outcome: error === null ? outcome : 'failed', error }
}

/** Partitions of which the broker still holds a replica. */
async function heldBy(admin: Admin, nodeId: number): Promise<number> {
  const { brokers } = await admin.describeCluster()
  return brokers.find((broker) => broker.nodeId === nodeId)?.replicas ?? 0
}

function writeRows(context: CliContext, options: ClusterOptions, nodeId: number, rows: readonly Row[], left: number): void {
  if (options.output === 'json') {
    writeJson(context, { nodeId, replicas: left, moves: rows.map(({ topic, partition, replicas, outcome }) => ({ topic, partition, replicas, outcome })) })
  } else if (rows.length > 0) {
    const columns = [
      { heading: 'Topic', value: (row: Row) => row.topic },
      { heading: 'Partition', value: (row: Row) => row.partition, right: true },
      { heading: 'Replicas', value: (row: Row) => (row.replicas === null ? '-' : listCell(row.replicas)) },
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

function checkFlags(flags: DecommissionFlags): void {
  if (flags.throttle !== undefined) parseByteRate(flags.throttle)
  if (flags.cancel === true && (flags.wait === true || flags.throttle !== undefined || flags.dryRun === true))
    throw new UsageError('--cancel takes no other option but --yes', 'leave them out')
}

/** Empties a broker: marks it, and moves each of its partitions to another one; or takes that back. */
export async function decommissionBroker(context: CliContext, options: ClusterOptions, nodeId: number, flags: DecommissionFlags): Promise<number> {
  checkFlags(flags)
  const isCancel = flags.cancel === true
  const { moves, stuck } = await withAdmin(context, options, (admin) => plan(admin, nodeId, isCancel))
  const planned = [...moves.map((one) => rowOf(one, null, 'planned')), ...stuck.map((one) => rowOf({ ...one, replicas: null }, null, 'no room'))]
  if (flags.dryRun === true || stuck.length > 0) {
    writeRows(context, options, nodeId, planned, planned.length)
    context.stderr.write(
      stuck.length > 0 ? `Nothing was moved: ${stuck.length} of ${planned.length} have nowhere to go. Start more brokers first.\n` : 'Nothing was moved.\n',
    )
    return stuck.length > 0 ? exitCode.refused : exitCode.done
  }
  const question = `Move ${counted(moves.length, 'partition')} off broker ${nodeId}?`
  const asking = { question, doing: `emptying broker ${nodeId}`, refused: 'Nothing was moved.' }
  const refusal = flags.yes === true || isCancel ? undefined : await confirm(context, asking)
  if (refusal !== undefined) return refusal
  const rows = await withAdmin(context, options, async (admin) => {
    if (!isCancel) await admin.alterMaintenance({ nodeId, maintenance: true })
    // What was created since the first look is moved too; from the mark on nothing new comes to it.
    const begun = await move(admin, (await plan(admin, nodeId, isCancel)).moves, flags)
    if (isCancel) await admin.alterMaintenance({ nodeId, maintenance: false })
    return begun
  })
  if (flags.wait === true && rows.every(({ error }) => error === null)) {
    await waitUntil(context, options, async (admin) => (await heldBy(admin, nodeId)) === 0)
  }
  const left = await withAdmin(context, options, (admin) => heldBy(admin, nodeId))
  writeRows(context, options, nodeId, rows, left)
  if (!isCancel && left === 0) context.stderr.write(`Broker ${nodeId} holds nothing any more, and may be stopped.\n`)
  return rows.some(({ error }) => error !== null) ? exitCode.refused : exitCode.done
}
