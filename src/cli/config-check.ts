import { ConfigError, type ConfigFault } from '../node/cluster-file.ts'
import { type ConfiguredNode, loadCluster } from '../node/config.ts'
import { configKeys } from '../node/config-keys.ts'
import { type CliContext, headingStyle, type OutputFormat, writeFailure } from './context.ts'
import { configFailure, exitCode } from './failure.ts'
import { type Column, listCell, renderTable } from './table.ts'

function rolesOf({ options: { roles } }: ConfiguredNode): string[] {
  return [...(roles.controller ? ['controller'] : []), ...(roles.broker ? ['broker'] : [])]
}

/** By the names of the file; null: it depends (docs/configuration.md). */
function configOf({ options: { config } }: ConfiguredNode): Record<string, number | string | null> {
  return Object.fromEntries(configKeys.map(({ names, field }) => [names[0], config[field]]))
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
    config: configOf(node),
  }
}

function nodeColumns(): readonly Column<ConfiguredNode>[] {
  return [
    { heading: 'Node', value: (node) => node.options.nodeId, right: true },
    { heading: 'Roles', value: (node) => listCell(rolesOf(node)) },
    { heading: 'Grpc', value: ({ options: { address } }) => `${address.host}:${address.grpcPort}` },
    { heading: 'Http', value: ({ options: { address } }) => (address.httpPort === null ? '-' : `${address.host}:${address.httpPort}`) },
    { heading: 'Rack', value: (node) => node.options.address.rack ?? '-' },
    { heading: 'Folder', value: (node) => node.dataDir },
  ]
}

interface ConfigRow {
  readonly name: string
  readonly value: string
  readonly nodeIds: number[]
}

/** Every config once for each value that it has on some node. */
function configRows(nodes: readonly ConfiguredNode[]): readonly ConfigRow[] {
  const rows = new Map<string, ConfigRow>()
  for (const { names } of configKeys) {
    const name = names[0] as string
    for (const node of nodes) {
      const value = String(configOf(node)[name] ?? '-')
      const row = rows.get(`${name} ${value}`) ?? { name, value, nodeIds: [] }
      row.nodeIds.push(node.options.nodeId)
      rows.set(`${name} ${value}`, row)
    }
  }
  return [...rows.values()]
}

const configColumns: readonly Column<ConfigRow>[] = [
  { heading: 'Config', value: (row) => row.name },
  { heading: 'Value', value: (row) => row.value, right: true },
  { heading: 'Nodes', value: (row) => listCell(row.nodeIds) },
]

function faultJson({ key, value, expected, line }: ConfigFault): unknown {
  return { key, value: value ?? null, expected, line }
}

/** Says what each node would run as. What is wrong with the file goes to stdout too, all of it: that is the answer here. */
export async function checkConfig(context: CliContext, path: string, output: OutputFormat): Promise<number> {
  try {
    const { clusterName, nodes } = await loadCluster(path)
    if (output === 'json') context.stdout.write(`${JSON.stringify({ valid: true, clusterName, nodes: nodes.map(nodeJson) })}\n`)
    else {
      const style = headingStyle(context)
      context.stdout.write(`${renderTable(nodeColumns(), nodes, style)}\n${renderTable(configColumns, configRows(nodes), style)}`)
    }
    for (const notice of new Set(nodes.flatMap((node) => node.notices))) context.stderr.write(`notice: ${notice}\n`)
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
