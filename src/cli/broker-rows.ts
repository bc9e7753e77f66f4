import type { Admin } from '../client/admin.ts'
import { type CliContext, headingStyle } from './context.ts'
import { renderTable } from './table.ts'

type BrokerDescription = Awaited<ReturnType<Admin['describeCluster']>>['brokers'][number]

export type BrokerRow = ReturnType<typeof brokerRow>

function addressOf(broker: BrokerDescription, port: number | null): string | null {
  return port === null ? null : `${broker.host}:${port}`
}

/** A broker as programs read it. */
export function brokerRow(broker: BrokerDescription) {
  const { nodeId, rack, state, maintenance, leaders, replicas } = broker
  return {
    nodeId,
    rack,
    state,
    maintenance,
    grpc: addressOf(broker, broker.grpcPort),
    kafka: addressOf(broker, broker.kafkaPort),
    http: addressOf(broker, broker.httpPort),
    leaders,
    replicas,
  }
}

/** Brokers as people read them. */
export function renderBrokers(context: CliContext, rows: readonly BrokerRow[]): string {
  return renderTable(
    [
      { heading: 'NodeId', value: (row) => row.nodeId, right: true },
      { heading: 'State', value: (row) => (row.maintenance ? `${row.state} (maintenance)` : row.state) },
      { heading: 'Rack', value: (row) => row.rack ?? '-' },
      { heading: 'Grpc', value: (row) => row.grpc ?? '-' },
      { heading: 'Kafka', value: (row) => row.kafka ?? '-' },
      { heading: 'Http', value: (row) => row.http ?? '-' },
      { heading: 'Leaders', value: (row) => row.leaders, right: true },
      { heading: 'Replicas', value: (row) => row.replicas, right: true },
    ],
    rows,
    headingStyle(context),
  )
}
