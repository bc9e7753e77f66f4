import { ConfigError, type ConfigFault, locateFault, valueText } from '../node/config-faults.ts'
import { type ConfiguredCluster, type ConfiguredNode, loadCluster } from '../node/config.ts'
import { configKeys, type ValueSource } from '../node/config-keys.ts'
import { type EnvironmentVariables, nodeVariablesIn, readEnvironment } from '../node/environment.ts'
import { type CliContext, headingStyle, type OutputFormat, writeFailure } from './context.ts'
import { configFailure, exitCode, UsageError } from './failure.ts'
import { type Column, listCell, renderTable } from './table.ts'

export interface CheckRequest {
  /** Undefined: OXBOW_CONFIG says it. */
  readonly path: string | undefined
  /** The node that variables of one node are about; undefined: OXBOW_NODE_ID says it. */
  readonly nodeId: number | undefined
}

function rolesOf({ options: { roles } }: ConfiguredNode): string[] {
  return [...(roles.controller ? ['controller'] : []), ...(roles.broker ? ['broker'] : [])]
}

/** By the names of the file; null: it depends (docs/configuration.md). */
function configOf({ options: { config } }: ConfiguredNode): Record<string, number | string | null> {
  return Object.fromEntries(configKeys.map(({ names, field }) => [names[0], config[field]]))
}

function configSourcesOf({ sources }: ConfiguredNode): Record<string, ValueSource> {
  return Object.fromEntries(configKeys.map((key) => [key.names[0], sources.config.get(key) ?? 'default']))
}

function nodeJson(node: ConfiguredNode): unknown {
  const { nodeId, address } = node.options
  return {
    nodeId,
    roles: rolesOf(node),
    rack: address.rack,
    grpc: `${address.host}:${address.grpcPort}`,
    kafka: address.kafkaPort === null ? null : `${address.host}:${address.kafkaPort}`,
    http: address.httpPort === null ? null : `${address.host}:${address.httpPort}`,
    dataDir: node.dataDir,
    dataDirs: node.dataDirs,
    config: configOf(node),
    sources: { ...node.sources.node, config: configSourcesOf(node) },
  }
}

function nodeColumns(): readonly Column<ConfiguredNode>[] {
  return [
    { heading: 'Node', value: (node) => node.options.nodeId, right: true },
    { heading: 'Roles', value: (node) => listCell(rolesOf(node)) },
    { heading: 'Grpc', value: ({ options: { address } }) => `${address.host}:${address.grpcPort}` },
    { heading: 'Http', value: ({ options: { address } }) => (address.httpPort === null ? '-' : `${address.host}:${address.httpPort}`) },
    { heading: 'Rack', value: (node) => node.options.address.rack ?? '-' },
    { heading: 'Folders', value: (node) => listCell(node.dataDirs) },
    { heading: 'From environment', value: (node) => listCell(fromEnvironment(node)) },
  ]
}

function fromEnvironment({ sources }: ConfiguredNode): string[] {
  return Object.entries(sources.node)
    .filter(([, source]) => source === 'environment')
    .map(([field]) => field)
}

interface ConfigRow {
  readonly name: string
  readonly value: string
  readonly source: ValueSource
  readonly nodeIds: number[]
}

/** Every config once for each value and source that it has on some node. */
function configRows(nodes: readonly ConfiguredNode[]): readonly ConfigRow[] {
  const rows = new Map<string, ConfigRow>()
  for (const { names } of configKeys) {
    const name = names[0] as string
    for (const node of nodes) {
      const value = String(configOf(node)[name] ?? '-')
      const source = configSourcesOf(node)[name] ?? 'default'
      const row = rows.get(`${name} ${value} ${source}`) ?? { name, value, source, nodeIds: [] }
      row.nodeIds.push(node.options.nodeId)
      rows.set(`${name} ${value} ${source}`, row)
    }
  }
  return [...rows.values()]
}

const configColumns: readonly Column<ConfigRow>[] = [
  { heading: 'Config', value: (row) => row.name },
  { heading: 'Value', value: (row) => row.value, right: true },
  { heading: 'Source', value: (row) => row.source },
  { heading: 'Nodes', value: (row) => listCell(row.nodeIds) },
]

function faultJson({ key, value, expected, line }: ConfigFault): unknown {
  return { key, value: isPlain(value) ? (value ?? null) : valueText(value), expected, line }
}

/** YAML can hold mappings within themselves, which JSON cannot. */
function isPlain(value: unknown): boolean {
  try {
    JSON.stringify(value)
    return true
  } catch {
    return false
  }
}

/** Variables of one node, while it is not said which: they count for `server`, and for nothing here. */
function unplaced(env: EnvironmentVariables, cluster: ConfiguredCluster, nodeId: number | undefined): string[] {
  const isPlaced = nodeId !== undefined || (env.OXBOW_NODE_ID ?? '') !== '' || cluster.nodes.length === 1
  return isPlaced ? [] : nodeVariablesIn(env)
}

function writeCluster(context: CliContext, cluster: ConfiguredCluster, output: OutputFormat): void {
  const { clusterName, nodes, warnings } = cluster
  if (output === 'json') {
    context.stdout.write(`${JSON.stringify({ valid: true, clusterName, nodes: nodes.map(nodeJson), warnings: warnings.map(faultJson) })}\n`)
    return
  }
  const style = headingStyle(context)
  const columns = nodeColumns().filter(({ heading }) => heading !== 'From environment' || nodes.some((node) => fromEnvironment(node).length > 0))
  context.stdout.write(`${renderTable(columns, nodes, style)}\n${renderTable(configColumns, configRows(nodes), style)}`)
}

/** Says what each node would run as. What is wrong with the file goes to stdout too, all of it: that is the answer here. */
export async function checkConfig(context: CliContext, request: CheckRequest, output: OutputFormat): Promise<number> {
  const path = request.path ?? (context.env.OXBOW_CONFIG || undefined)
  if (path === undefined) throw new UsageError('no cluster file is named', 'name one, or set OXBOW_CONFIG: oxbow config check cluster-configs/three-node.yaml')
  try {
    const environment = readEnvironment(context.env)
    const cluster = await loadCluster(path, { environment, nodeId: request.nodeId })
    const nodeId = request.nodeId ?? environment.node.nodeId
    if (nodeId !== undefined && !cluster.nodes.some((node) => node.options.nodeId === nodeId))
      throw new UsageError(`there is no node ${nodeId} in ${path}`, `it has ${cluster.nodes.map((node) => node.options.nodeId).join(', ')}`)
    writeCluster(context, cluster, output)
    for (const warning of cluster.warnings) context.stderr.write(`warning: ${locateFault(path, warning)}\n`)
    for (const name of unplaced(context.env, cluster, request.nodeId))
      context.stderr.write(`notice: ${name} is for one node: name it with --node or OXBOW_NODE_ID to see it here\n`)
    return exitCode.done
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { faults } = error
    if (output === 'json') context.stdout.write(`${JSON.stringify({ valid: false, faults: faults.map(faultJson) })}\n`)
    else context.stdout.write(`${error.message}\n`)
    const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`
    writeFailure(context, configFailure(`${path} has ${count}`, 'mend what is named above'), output)
    return exitCode.usage
  }
}
