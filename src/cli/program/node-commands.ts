import type { Command } from 'commander'
import { integer } from '../options.ts'
import { example, type Wiring } from './wiring.ts'

export function addNodeCommands(program: Command, { context, finish }: Wiring): void {
  const dev = program
    .command('dev')
    .description('start a cluster on this machine and stay in the foreground')
    .option('--nodes <n>', 'how many nodes (default: as the folder has it, else 3)', integer(1, 9))
    .option('--data <dir>', 'folder of the cluster', './data')
    .option('--fresh', 'wipe what an earlier oxbow dev left in that folder')
    .option('--port-base <n>', 'node i listens on gRPC N+100+i, Kafka N+i, HTTP N+200+i (default: as before, else 9091)', integer(1, 65_300))
    .option('--config <file>', 'run the nodes of this cluster file instead')
    .option('--debug', 'show where an error came from')
    .action(async (options: { nodes?: number; data: string; fresh?: true; portBase?: number; config?: string }) => {
      const { runDev } = await import('../dev.ts')
      const { nodes, portBase, config, data, fresh } = options
      finish(await runDev(context, { nodes, portBase, config, data, fresh: fresh === true }))
    })
  example(dev, 'npx oxbow dev', 'npx oxbow dev --nodes 1 --data /tmp/oxbow --fresh')
  const server = program
    .command('server')
    .description('run one node in the foreground, with JSON logs on stdout')
    .option('--config <file>', 'the cluster file (default: OXBOW_CONFIG)')
    .option('--node <id>', 'which of its nodes this one is (default: OXBOW_NODE_ID)', integer(0))
    .option('--data <dir>', "the node's data folder, instead of what the file and OXBOW_DATA say")
    .option('--debug', 'show where an error came from')
    .action(async (options: { config?: string; node?: number; data?: string }) => {
      const { runServer } = await import('../../node/process.ts')
      finish(await runServer({ configPath: options.config, nodeId: options.node, dataDir: options.data, env: context.env }))
    })
  example(server, 'npx oxbow server --config cluster-configs/three-node.yaml --node 1')
}
