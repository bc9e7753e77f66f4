import { BrokerError } from '../base/errors.ts'
import type { Admin } from '../client/admin.ts'
import { parseByteRate } from './byte-rate.ts'
import { type CliContext, headingStyle, writeFailure } from './context.ts'
import { exitCode, failureOf, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { parsePartitionName } from './partition-name.ts'
import { waitUntil, withAdmin, writeJson } from './session.ts'
import { renderTable } from './table.ts'
import { topicsNamed } from './topic-names.ts'

const EXAMPLE = 'oxbow replica move-folder orders:0 --node 2 --to /mnt/disk2/oxbow'

/** As commander hands it over. */
export interface MoveFolderFlags {
  readonly node?: number
  readonly to?: string
  readonly cancel?: boolean
  readonly throttle?: string
  readonly dryRun?: boolean
  readonly wait?: boolean
}

interface Named {
  readonly topic: string
  readonly partition: number
}

/** Where a replica is, and where its copy is, if it has one. */
interface Whereabouts {
  readonly folder: string | null
  readonly copyIn: string | null
  readonly moveError: string | null
}

interface Row extends Named {
  readonly nodeId: number
  readonly folder: string | null
  readonly to: string | null
  readonly outcome: string
  readonly error: BrokerError | null
}

interface Wanted {
  readonly nodeId: number
  readonly path: string | null
  readonly partitions: readonly Named[]
}

function parseFlags(names: readonly string[], flags: MoveFolderFlags): Wanted {
  const { node, to, cancel = false } = flags
  if (names.length === 0) throw new UsageError('no partition is named', `for example: ${EXAMPLE}`)
  if (node === undefined) throw new UsageError('--node says of which node', `for example: ${EXAMPLE}`)
  if (cancel ? to !== undefined : to === undefined) throw new UsageError('either --to FOLDER or --cancel', `for example: ${EXAMPLE}`)
  if (cancel && (flags.wait === true || flags.throttle !== undefined)) throw new UsageError('--cancel takes neither --wait nor --throttle', 'leave them out')
  const partitions = names.map((name) => {
    const { topic, partition } = parsePartitionName(name, EXAMPLE)
    if (partition === undefined) throw new UsageError(`"${name}" names a topic: its partitions are moved one by one`, `name TOPIC:PARTITION, as in ${EXAMPLE}`)
    return { topic, partition }
  })
  return { nodeId: node, path: to ?? null, partitions }
}

async function look(admin: Admin, { nodeId, partitions }: Wanted): Promise<Whereabouts[]> {
  const { folders } = await admin.describeLogDirs({ nodeId })
  const held = folders.flatMap(({ path, partitions: in_ }) => in_.map((one) => ({ ...one, path })))
  return partitions.map((named) => {
    const found = held.filter(({ topic, partition }) => topic === named.topic && partition === named.partition)
    const replica = found.find(({ isFuture }) => !isFuture)
    return { folder: replica?.path ?? null, copyIn: found.find(({ isFuture }) => isFuture)?.path ?? null, moveError: replica?.moveError ?? null }
  })
}

async function isOver(admin: Admin, wanted: Wanted): Promise<boolean> {
  return (await look(admin, wanted)).every(({ folder, copyIn, moveError }) => folder === wanted.path || (copyIn === null && moveError !== null))
}

function rowOf(named: Named, wanted: Wanted, { folder, copyIn, moveError }: Whereabouts, refusal: BrokerError | null, flags: MoveFolderFlags): Row {
  const { nodeId, path } = wanted
  const error = refusal ?? (flags.dryRun === true || path === null || moveError === null ? null : new BrokerError('KAFKA_STORAGE_ERROR', moveError))
  const row = { ...named, nodeId, folder, to: path, error }
  if (error !== null) return { ...row, outcome: 'failed' }
  if (flags.dryRun === true) return { ...row, outcome: 'allowed' }
  if (path === null) return { ...row, outcome: 'cancelled' }
  return { ...row, outcome: folder === path && copyIn === null ? 'done' : 'moving' }
}

function writeRows(context: CliContext, options: ClusterOptions, rows: readonly Row[]): void {
  if (options.output === 'json')
    writeJson(
      context,
      rows.map(({ topic, partition, nodeId, folder, to, outcome }) => ({ topic, partition, nodeId, folder, to, outcome })),
    )
  else {
    const columns = [
      { heading: 'Topic', value: (row: Row) => row.topic },
      { heading: 'Partition', value: (row: Row) => row.partition, right: true },
      { heading: 'NodeId', value: (row: Row) => row.nodeId, right: true },
      { heading: 'Folder', value: (row: Row) => row.folder ?? '-' },
      { heading: 'To', value: (row: Row) => row.to ?? '-' },
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

/** Moves replicas of one node to another of its data folders, or takes such moves back. */
export async function moveReplicaFolders(context: CliContext, options: ClusterOptions, names: readonly string[], flags: MoveFolderFlags): Promise<number> {
  const wanted = parseFlags(names, flags)
  const throttle = flags.throttle === undefined ? {} : { bytesPerSecond: parseByteRate(flags.throttle) }
  const moved = await withAdmin(context, options, async (admin) => {
    // A misspelt name is told from what was meant.
    await topicsNamed(admin, [...new Set(wanted.partitions.map(({ topic }) => topic))])
    return await admin.alterReplicaLogDirs({ ...wanted, ...throttle, validateOnly: flags.dryRun === true })
  })
  const begun = { ...wanted, partitions: wanted.partitions.filter((_, at) => moved[at]?.error === null) }
  if (flags.wait === true && flags.dryRun !== true) await waitUntil(context, options, (admin) => isOver(admin, begun))
  const found = await withAdmin(context, options, (admin) => look(admin, wanted))
  const rows = wanted.partitions.map((named, at) => rowOf(named, wanted, found[at] as Whereabouts, moved[at]?.error ?? null, flags))
  writeRows(context, options, rows)
  if (flags.dryRun === true) context.stderr.write('Nothing was moved.\n')
  return rows.some(({ error }) => error !== null) ? exitCode.refused : exitCode.done
}
