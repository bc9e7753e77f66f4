import type { Admin } from '../client/admin.ts'
import { byteSize } from './byte-size.ts'
import { type CliContext, headingStyle } from './context.ts'
import { exitCode, failureOf, UsageError } from './failure.ts'
import type { BrokerFolders } from './folder-reasons.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { type Column, renderTable } from './table.ts'

type Folder = BrokerFolders['folders'][number]
type Row = Folder & { readonly nodeId: number }

interface Answer {
  readonly nodeId: number
  readonly folders: readonly Folder[]
  /** Why the node did not say. */
  readonly error: string | null
}

export interface LogDirsFlags {
  readonly node?: number
  /** A line a partition. */
  readonly partitions?: boolean
}

function heldBytes({ partitions }: Folder): number {
  return partitions.reduce((sum, { sizeBytes }) => sum + Math.max(0, sizeBytes), 0)
}

async function ask(admin: Admin, nodeId: number): Promise<Answer> {
  try {
    const { folders } = await admin.describeLogDirs({ nodeId })
    return { nodeId, folders, error: null }
  } catch (error) {
    const { code, message } = failureOf(error)
    return { nodeId, folders: [], error: `${code}: ${message}` }
  }
}

async function askAll(admin: Admin, wanted: number | undefined): Promise<Answer[]> {
  const { brokers } = await admin.describeCluster()
  const asked = brokers.filter(({ nodeId }) => wanted === undefined || nodeId === wanted)
  if (asked.length === 0) throw new UsageError(`the cluster has no broker ${wanted}`, `one of ${brokers.map(({ nodeId }) => nodeId).join(', ')}`)
  return await Promise.all(asked.map(({ nodeId, state }) => (state === 'offline' ? { nodeId, folders: [], error: 'it is offline' } : ask(admin, nodeId))))
}

const folderColumns: readonly Column<Row>[] = [
  { heading: 'NodeId', value: (row) => row.nodeId, right: true },
  { heading: 'Folder', value: (row) => row.path },
  { heading: 'State', value: (row) => (row.error === null ? 'ok' : 'failed') },
  { heading: 'Total', value: (row) => byteSize(row.totalBytes), right: true },
  { heading: 'Usable', value: (row) => byteSize(row.usableBytes), right: true },
  { heading: 'Partitions', value: (row) => row.partitions.filter(({ isFuture }) => !isFuture).length, right: true },
  { heading: 'Held', value: (row) => byteSize(heldBytes(row)), right: true },
]

type PartitionRow = Row['partitions'][number] & { readonly nodeId: number; readonly path: string }

function stateOf({ isOffline, isFuture }: PartitionRow): string {
  if (isFuture) return 'moving here'
  return isOffline ? 'offline' : 'ok'
}

const partitionColumns: readonly Column<PartitionRow>[] = [
  { heading: 'NodeId', value: (row) => row.nodeId, right: true },
  { heading: 'Folder', value: (row) => row.path },
  { heading: 'Topic', value: (row) => row.topic },
  { heading: 'Partition', value: (row) => row.partition, right: true },
  { heading: 'State', value: stateOf },
  { heading: 'Size', value: (row) => byteSize(row.sizeBytes), right: true },
  { heading: 'LogStartOffset', value: (row) => (row.logStartOffset < 0 ? '-' : row.logStartOffset), right: true },
  { heading: 'LogEndOffset', value: (row) => (row.logEndOffset < 0 ? '-' : row.logEndOffset), right: true },
]

/** Where the brokers keep their partitions, and how much room there is. Exits 1 when a folder failed, or a broker did not say. */
export async function showLogDirs(context: CliContext, options: ClusterOptions, flags: LogDirsFlags): Promise<number> {
  const answers = await withAdmin(context, options, (admin) => askAll(admin, flags.node))
  const rows = answers.flatMap(({ nodeId, folders }) => folders.map((folder) => ({ ...folder, nodeId })))
  if (options.output === 'json')
    writeJson(
      context,
      answers.map(({ nodeId, folders, error }) => (error === null ? { nodeId, folders } : { nodeId, folders, error })),
    )
  else if (flags.partitions === true) {
    const each = rows.flatMap(({ nodeId, path, partitions }) => partitions.map((partition) => ({ ...partition, nodeId, path })))
    context.stdout.write(renderTable(partitionColumns, each, headingStyle(context)))
  } else context.stdout.write(renderTable(folderColumns, rows, headingStyle(context)))
  for (const { nodeId, error } of answers) if (error !== null) context.stderr.write(`warning: node ${nodeId}: ${error}\n`)
  for (const { nodeId, path, error } of rows) if (error !== null) context.stderr.write(`warning: node ${nodeId}: ${path} failed: ${error}\n`)
  const isWhole = answers.every(({ error, folders }) => error === null && folders.every((folder) => folder.error === null))
  return isWhole ? exitCode.done : exitCode.refused
}
