import { BrokerError } from '../base/errors.ts'
import type { Admin } from '../client/admin.ts'
import { parseAssignment } from './assignment.ts'
import { type CliContext, headingStyle } from './context.ts'
import { counted } from './counted.ts'
import { exitCode, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { listCell, renderTable } from './table.ts'

/** As commander hands it over. */
export interface CreateTopicFlags {
  readonly partitions?: number
  readonly replicationFactor?: number
  readonly assignment?: string
  readonly config?: ReadonlyMap<string, string>
  readonly ifNotExists?: boolean
  readonly dryRun?: boolean
}

type Created = Awaited<ReturnType<Admin['createTopic']>>

interface Placed {
  readonly created: Created
  /** Rack of each broker; asked for a dry run alone. */
  readonly racks: ReadonlyMap<number, string | null>
}

/** One node, and no other that is only late: the quorum knows all that there are. */
async function isAlone(admin: Admin): Promise<boolean> {
  const [{ brokers }, { status }] = await Promise.all([admin.describeCluster(), admin.describeQuorum()])
  return brokers.length === 1 && status.voters.length === 1 && status.voters[0] === brokers[0]?.nodeId && status.observers.length === 0
}

/** Without a word on copies a topic has three; on a cluster of one node it has one. */
async function create(admin: Admin, name: string, flags: CreateTopicFlags): Promise<Placed> {
  try {
    return await createAs(admin, name, flags)
  } catch (error) {
    const isUsual = flags.replicationFactor === undefined && flags.assignment === undefined
    if (!isUsual || !(error instanceof BrokerError) || error.code !== 'INVALID_REPLICATION_FACTOR' || !(await isAlone(admin))) throw error
    return await createAs(admin, name, { ...flags, replicationFactor: 1 })
  }
}

async function createAs(admin: Admin, name: string, flags: CreateTopicFlags): Promise<Placed> {
  const assignment = flags.assignment === undefined ? undefined : parseAssignment(flags.assignment)
  const created = await admin.createTopic({
    name,
    ...(flags.partitions === undefined ? {} : { partitions: flags.partitions }),
    ...(flags.replicationFactor === undefined ? {} : { replicationFactor: flags.replicationFactor }),
    ...(assignment === undefined ? {} : { assignment }),
    configs: flags.config ?? new Map(),
    ifNotExists: flags.ifNotExists === true,
    validateOnly: flags.dryRun === true,
  })
  const brokers = flags.dryRun === true ? (await admin.describeCluster()).brokers : []
  return { created, racks: new Map(brokers.map((broker) => [broker.nodeId, broker.rack])) }
}

/** Where each partition would stand, and in which racks when there are any. */
function placementTable(context: CliContext, { created, racks }: Placed): string {
  const rows = created.assignment.map((replicas, partition) => ({ partition, replicas }))
  const hasRacks = [...racks.values()].some((rack) => rack !== null)
  return renderTable(
    [
      { heading: 'Partition', value: (row) => row.partition, right: true },
      { heading: 'Leader', value: (row) => row.replicas[0] ?? '-', right: true },
      { heading: 'Replicas', value: (row) => listCell(row.replicas) },
      ...(hasRacks ? [{ heading: 'Racks', value: (row: (typeof rows)[number]) => listCell(row.replicas.map((id) => racks.get(id) ?? '-')) }] : []),
    ],
    rows,
    headingStyle(context),
  )
}

export async function createTopic(context: CliContext, options: ClusterOptions, name: string, flags: CreateTopicFlags): Promise<number> {
  if (flags.assignment !== undefined && (flags.partitions !== undefined || flags.replicationFactor !== undefined))
    throw new UsageError('--assignment already says how many partitions and replicas there are', 'leave out --partitions and --replication-factor')
  const placed = await withAdmin(context, options, (admin) => create(admin, name, flags))
  const { partitions, replicationFactor, topicId, assignment } = placed.created
  const what = `topic ${name}: ${counted(partitions, 'partition')}, replication factor ${replicationFactor}`
  if (flags.dryRun === true) {
    // The id of a dry run is nobody's: the next try draws another.
    if (options.output === 'json') writeJson(context, { name, topicId: null, partitions, replicationFactor, assignment })
    else context.stdout.write(`Would create ${what}\n${placementTable(context, placed)}`)
  } else if (options.output === 'json') writeJson(context, { name, topicId, partitions, replicationFactor })
  else context.stdout.write(`Created ${what}, id ${topicId}\n`)
  return exitCode.done
}
