import type { Command } from 'commander'
import { clusterOptions, withCluster } from '../options.ts'
import { example, type Raw, type Wiring } from './wiring.ts'

export function addClusterCommands(program: Command, { context, finish }: Wiring): void {
  const cluster = example(program.command('cluster').description('brokers'), 'npx oxbow cluster describe')
  const describe = withCluster(cluster.command('describe'))
    .description('show the brokers, their state and what they lead')
    .action(async (raw: Raw) => {
      const { describeCluster } = await import('../cluster.ts')
      finish(await describeCluster(context, clusterOptions(context, raw)))
    })
  example(describe, 'npx oxbow cluster describe')
  const quorum = example(program.command('quorum').description('the metadata quorum'), 'npx oxbow quorum status')
  const status = withCluster(quorum.command('status'))
    .description('show the active controller, its epoch and how far the others are')
    .action(async (raw: Raw) => {
      const { showQuorumStatus } = await import('../quorum.ts')
      finish(await showQuorumStatus(context, clusterOptions(context, raw)))
    })
  example(status, 'npx oxbow quorum status')
  const replication = withCluster(quorum.command('replication'))
    .description('show the metadata log of every voter and observer')
    .action(async (raw: Raw) => {
      const { showQuorumReplication } = await import('../quorum.ts')
      finish(await showQuorumReplication(context, clusterOptions(context, raw)))
    })
  example(replication, 'npx oxbow quorum replication')
}
