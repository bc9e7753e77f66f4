import type { Admin } from '../client/admin.ts'
import { type CliContext, headingStyle } from './context.ts'
import { exitCode } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { renderFields, renderTable } from './table.ts'

type BrokerDescription = Awaited<ReturnType<Admin['describeCluster']>>['brokers'][number]

function addressOf(broker: BrokerDescription, port: number | null): string | null {
  return port === null ? null : `${broker.host}:${port}`
}

function brokerRow(broker: BrokerDescription) {
  const { nodeId, rack, state, leaders, replicas } = broker
  return {
    nodeId,
    rack,
    state,
    grpc: addressOf(broker, broker.grpcPort),
    kafka: addressOf(broker, broker.kafkaPort),
    http: addressOf(broker, broker.httpPort),
    leaders,
    replicas,
  }
}

export async function describeCluster(context: CliContext, options: ClusterOptions): Promise<number> {
  const cluster = await withAdmin(context, options, (admin) => admin.describeCluster())
  const { clusterId, controllerId } = cluster
  const brokers = cluster.brokers.map(brokerRow)
  if (controllerId === -1) context.stderr.write('warning: no controller is active, so the states of the nodes may be out of date (see: oxbow quorum status)\n')
  if (options.output === 'json') {
    writeJson(context, { clusterId, controllerId, brokers })
    return exitCode.done
  }
  const table = renderTable(
    [
      { heading: 'NodeId', value: (row) => row.nodeId, right: true },
      { heading: 'State', value: (row) => row.state },
      { heading: 'Rack', value: (row) => row.rack ?? '-' },
      { heading: 'Grpc', value: (row) => row.grpc ?? '-' },
      { heading: 'Kafka', value: (row) => row.kafka ?? '-' },
      { heading: 'Http', value: (row) => row.http ?? '-' },
      { heading: 'Leaders', value: (row) => row.leaders, right: true },
      { heading: 'Replicas', value: (row) => row.replicas, right: true },
    ],
    brokers,
    headingStyle(context),
  )
  const head = renderFields([
    ['ClusterId', clusterId ?? '-'],
    ['ControllerId', controllerId],
  ])
  context.stdout.write(head + table)
  return exitCode.done
}
