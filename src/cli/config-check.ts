import { ConfigError } from '../node/cluster-file.ts'
import { type ConfiguredNode, loadCluster } from '../node/config.ts'
import { type CliContext, headingStyle, type OutputFormat } from './context.ts'
import { exitCode } from './failure.ts'
import { type Column, listCell, renderTable } from './table.ts'

function rolesOf({ options: { roles } }: ConfiguredNode): string[] {
  return [...(roles.controller ? ['controller'] : []), ...(roles.broker ? ['broker'] : [])]
}

function nodeJson(node: ConfiguredNode): unknown {
  const { nodeId, address, config } = node.options
  return {
    nodeId,
    roles: rolesOf(node),
    rack: address.rack,
    grpc: `${address.host}:${address.grpcPort}`,
    kafka: address.kafkaPort === null ? null : `${address.host}:${address.kafkaPort}`,
    http: address.httpPort === null ? null : `${address.host}:${address.httpPort}`,
    dataDir: node.dataDir,
    config,
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

/** Says what each node would run as. What is wrong with the file goes to stdout too, all of it: that is the answer here. */
export async function checkConfig(context: CliContext, path: string, output: OutputFormat): Promise<number> {
  try {
    const { clusterName, nodes } = await loadCluster(path)
    if (output === 'json') context.stdout.write(`${JSON.stringify({ valid: true, clusterName, nodes: nodes.map(nodeJson) })}\n`)
    else context.stdout.write(renderTable(nodeColumns(), nodes, headingStyle(context)))
    for (const notice of new Set(nodes.flatMap((node) => node.notices))) context.stderr.write(`notice: ${notice}\n`)
    return exitCode.done
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { faults } = error
    if (output === 'json') context.stdout.write(`${JSON.stringify({ valid: false, faults })}\n`)
    else
      context.stdout.write(
        error.message
          .split('\n')
          .map((line) => `${line}\n`)
          .join(''),
      )
    context.stderr.write(`error: INVALID_CONFIG: ${path} has ${faults.length === 1 ? 'one fault' : `${faults.length} faults`} (mend what is named above)\n`)
    return exitCode.usage
  }
}
