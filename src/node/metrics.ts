import type * as Prometheus from 'prom-client'
import type { RaftView, ReplicaView } from '../broker/surface.ts'
import { findPartition, type MetadataImage } from '../metadata/image.ts'
import type { LogCounters } from '../log/surface.ts'
import type { Traffic } from '../wire/traffic.ts'

/** What a metrics page is made of; an OxbowNode is one. */
export interface MetricsSource {
  raft(): RaftView
  replicas(): readonly ReplicaView[]
  readonly image: MetadataImage
  readonly counters: LogCounters
  readonly isActiveController: boolean
  readonly isServing: boolean
}

interface Gauge {
  readonly name: string
  readonly help: string
  readonly value: (source: MetricsSource, replicas: readonly ReplicaView[]) => number
}

function isUnderReplicated(replica: ReplicaView, image: MetadataImage): boolean {
  const replicas = findPartition(image, replica.topicId, replica.partition)?.replicas.length ?? 0
  return replica.role === 'leader' && replica.isr.length < replicas
}

const gauges: readonly Gauge[] = [
  { name: 'oxbow_serving', help: '1 while the broker is registered and unfenced', value: (source) => Number(source.isServing) },
  { name: 'oxbow_active_controller', help: '1 on the active controller', value: (source) => Number(source.isActiveController) },
  { name: 'oxbow_raft_term', help: 'term of the metadata quorum', value: (source) => source.raft().term },
  { name: 'oxbow_raft_leader_id', help: 'node id of the leader of the metadata quorum, -1 for none', value: (source) => source.raft().leaderId ?? -1 },
  { name: 'oxbow_raft_commit_index', help: 'metadata entries committed (exclusive end)', value: (source) => source.raft().commitIndex },
  { name: 'oxbow_raft_end_offset', help: 'end of the metadata log (exclusive)', value: (source) => source.raft().endOffset },
  { name: 'oxbow_partitions', help: 'replicas on this node', value: (_, replicas) => replicas.length },
  { name: 'oxbow_partitions_led', help: 'partitions that this node leads', value: (_, replicas) => replicas.filter((one) => one.role === 'leader').length },
  {
    name: 'oxbow_partitions_under_replicated',
    help: 'led partitions with a replica out of the ISR',
    value: ({ image }, replicas) => replicas.filter((one) => isUnderReplicated(one, image)).length,
  },
  {
    name: 'oxbow_partitions_offline',
    help: 'replicas whose log is dead or set aside',
    value: (_, replicas) => replicas.filter((one) => one.role === 'offline').length,
  },
  { name: 'oxbow_partitions_damaged', help: 'replicas whose log is damaged', value: (_, replicas) => replicas.filter((one) => one.damaged).length },
  { name: 'oxbow_log_bytes', help: 'bytes of all partition logs', value: (_, replicas) => replicas.reduce((sum, one) => sum + one.log.sizeBytes, 0) },
]

const counters: readonly { readonly name: string; readonly help: string; readonly value: (log: LogCounters, traffic: Traffic) => number }[] = [
  { name: 'oxbow_log_appended_bytes_total', help: 'bytes appended to logs', value: (log) => log.appendedBytes },
  { name: 'oxbow_log_copied_bytes_total', help: 'bytes copied on the way into logs', value: (log) => log.copiedBytes },
  { name: 'oxbow_log_write_calls_total', help: 'write calls of logs', value: (log) => log.writeCalls },
  { name: 'oxbow_log_sync_calls_total', help: 'sync calls of logs', value: (log) => log.syncCalls },
  { name: 'oxbow_log_rounds_total', help: 'rounds of group commit', value: (log) => log.rounds },
  { name: 'oxbow_grpc_messages_total', help: 'messages written to gRPC streams', value: (_, traffic) => traffic.messages },
  { name: 'oxbow_grpc_message_bytes_total', help: 'bytes of messages written to gRPC streams', value: (_, traffic) => traffic.bytes },
]

/**
 * The page behind /metrics. Values are read when it is asked for: nothing is counted twice, and a node that nobody watches pays nothing.
 * prom-client is loaded with the first request.
 */
export class MetricsPage {
  readonly #source: MetricsSource
  readonly #traffic: Traffic
  #registry: Promise<Prometheus.Registry> | undefined

  constructor(source: MetricsSource, traffic: Traffic) {
    this.#source = source
    this.#traffic = traffic
  }

  async render(): Promise<string> {
    this.#registry ??= import('prom-client').then((prometheus) => this.#build(prometheus))
    return await (await this.#registry).metrics()
  }

  #build(prometheus: typeof Prometheus): Prometheus.Registry {
    const source = this.#source
    const registry = new prometheus.Registry()
    const registers = [registry]
    prometheus.collectDefaultMetrics({ register: registry })
    for (const { name, help, value } of gauges)
      new prometheus.Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value(source, source.replicas()))
        },
      })
    const traffic = this.#traffic
    for (const { name, help, value } of counters)
      new prometheus.Counter({
        name,
        help,
        registers,
        collect() {
          this.reset()
          this.inc(value(source.counters, traffic))
        },
      })
    const labelNames = ['topic', 'partition'] as const
    const perPartition = [
      { name: 'oxbow_partition_high_watermark', help: 'high watermark of a replica', value: (replica: ReplicaView) => replica.highWatermark },
      { name: 'oxbow_partition_log_end_offset', help: 'end of the log of a replica (exclusive)', value: (replica: ReplicaView) => replica.log.endOffset },
      { name: 'oxbow_partition_isr', help: 'in-sync replicas of a partition, as this replica knows', value: (replica: ReplicaView) => replica.isr.length },
    ]
    for (const { name, help, value } of perPartition)
      new prometheus.Gauge({
        name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset()
          for (const replica of source.replicas()) this.set({ topic: replica.topic, partition: replica.partition }, value(replica))
        },
      })
    return registry
  }
}
