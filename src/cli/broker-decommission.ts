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

function withoutRoom(stuck: DecommissionPlan['stuck'][number]): Row {
  return rowOf({ ...stuck, replicas: null }, null, 'no room')
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
  const planned = [...moves.map((one) => rowOf(one, null, 'planned')), ...stuck.map(withoutRoom)]
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
  const rows = await withAdmin(context, options, (admin) => (isCancel ? takeBack(admin, nodeId, flags) : empty(admin, nodeId, flags)))
  const isWhole = rows.every(({ outcome }) => outcome !== 'failed' && outcome !== 'no room')
  if (flags.wait === true && isWhole) await waitUntil(context, options, async (admin) => (await heldBy(admin, nodeId)) === 0)
  const { left, isVoter } = await withAdmin(context, options, async (admin) => {
    return { left: await heldBy(admin, nodeId), isVoter: !isCancel && (await votes(admin, nodeId)) }
  })
  writeRows(context, options, nodeId, rows, left)
  context.stderr.write(`${isCancel ? takenBack(nodeId, rows) : next(nodeId, rows, { left, isVoter })}\n`)
  return isWhole ? exitCode.done : exitCode.refused
}

/** What was created since the first look is moved too; from the mark on nothing new comes to it. */
async function empty(admin: Admin, nodeId: number, flags: DecommissionFlags): Promise<Row[]> {
  await admin.alterMaintenance({ nodeId, maintenance: true })
  const { moves, stuck } = await plan(admin, nodeId, false)
  return [...(await move(admin, moves, flags)), ...stuck.map(withoutRoom)]
}

async function takeBack(admin: Admin, nodeId: number, flags: DecommissionFlags): Promise<Row[]> {
  const rows = await move(admin, (await plan(admin, nodeId, true)).moves, flags)
  await admin.alterMaintenance({ nodeId, maintenance: false })
  return rows
}

/** False too when nobody can say. */
async function votes(admin: Admin, nodeId: number): Promise<boolean> {
  try {
    return (await admin.describeQuorum()).status.voters.includes(nodeId)
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return false
  }
}

function takenBack(nodeId: number, rows: readonly Row[]): string {
  const back = rows.filter(({ outcome }) => outcome === 'back').length
  const stays = 'What had arrived at other brokers before stays there; oxbow partition move brings it back.'
  return `Broker ${nodeId} is in maintenance no more; ${counted(back, 'move')} taken back. ${stays}`
}

/** What an operator does next. */
function next(nodeId: number, rows: readonly Row[], { left, isVoter }: { readonly left: number; readonly isVoter: boolean }): string {
  const stuck = rows.filter(({ outcome }) => outcome === 'no room').map(({ topic, partition }) => `${topic}-${partition}`)
  if (stuck.length > 0) return `Nowhere to go for ${stuck.join(', ')}: start more brokers, then give the same command again.`
  const last = `${isVoter ? `oxbow quorum remove-voter ${nodeId}, then ` : ''}stop it, then oxbow broker unregister ${nodeId}.`
  return left === 0
    ? `Broker ${nodeId} holds nothing any more. Next: ${last}`
    : `Broker ${nodeId} still holds ${counted(left, 'replica')}. Once it holds none: ${last}`
}
