import type { MetricRow } from './metric-row.ts'
import { clusterMetrics, quorumMetrics } from './metrics-of-cluster.ts'
import { processMetrics } from './metrics-of-process.ts'
import { requestMetrics, storageMetrics } from './metrics-of-traffic.ts'

export interface MetricGroup {
  readonly title: string
  readonly metrics: readonly MetricRow[]
}

/** All metrics of a node, in the order of the page and of docs/metrics.md. Names are those of Kafka as the JMX exporter's example for KRaft writes them, where Kafka has one. */
export const metricGroups: readonly MetricGroup[] = [
  { title: 'Partitions and brokers', metrics: clusterMetrics },
  { title: 'Metadata quorum', metrics: quorumMetrics },
  { title: 'Requests and traffic', metrics: requestMetrics },
  { title: 'Logs and disks', metrics: storageMetrics },
  { title: 'Process', metrics: processMetrics },
]
