import type { DiskSpace } from '../base/disk.ts'
import type { Facts, ReplicaFacts } from './metric-facts.ts'
import { type MetricRow, type MetricUnit, one, type Sample } from './metric-row.ts'
import type { TopicCounts } from './request-meter.ts'

function* perTopic({ meters, source }: Facts, value: (counts: TopicCounts) => number): Generator<Sample> {
  for (const [topicId, counts] of meters.requests.topics) {
    const topic = source.image.topics.get(topicId)
    if (topic !== undefined) yield { labels: { topic: topic.name }, value: value(counts) }
  }
}

function* requestErrors({ meters }: Facts): Generator<Sample> {
  for (const [request, { errors }] of meters.requests.kinds) for (const [error, count] of errors) yield { labels: { request, error }, value: count }
}

function perFolder({ meters }: Facts, value: (space: DiskSpace) => number): Sample[] {
  return [...meters.disk.spaces].map(([folder, space]) => ({ labels: { folder }, value: value(space) }))
}

const BY_TOPIC = 'Only topics with traffic here since this node came up are there.'

export const requestMetrics: readonly MetricRow[] = [
  {
    name: 'kafka_server_brokertopicmetrics_messagesin_total',
    type: 'counter',
    unit: 'count',
    labels: ['topic'],
    doc: `Records acknowledged to producers (with acks 0: taken), as their batches say. ${BY_TOPIC}`,
    panel: { group: 'Traffic', title: 'Records in, a second', show: 'rate', by: 'topic' },
    collect: (facts) => perTopic(facts, (counts) => counts.records),
  },
  {
    name: 'kafka_server_brokertopicmetrics_bytesin_total',
    type: 'counter',
    unit: 'bytes',
    labels: ['topic'],
    doc: `Bytes of these batches, without replication. ${BY_TOPIC}`,
    panel: { group: 'Traffic', title: 'Bytes in, a second', show: 'rate', by: 'topic' },
    collect: (facts) => perTopic(facts, (counts) => counts.bytesIn),
  },
  {
    name: 'kafka_server_brokertopicmetrics_bytesout_total',
    type: 'counter',
    unit: 'bytes',
    labels: ['topic'],
    doc: `Bytes of batches sent to consumers, without replication. ${BY_TOPIC}`,
    panel: { group: 'Traffic', title: 'Bytes out, a second', show: 'rate', by: 'topic' },
    collect: (facts) => perTopic(facts, (counts) => counts.bytesOut),
  },
  {
    name: 'kafka_network_requestmetrics_requests_total',
    type: 'counter',
    unit: 'count',
    labels: ['request'],
    doc: 'Requests of clients that were answered, by kind (Produce, Fetch, Metadata, …).',
    panel: { group: 'Requests', title: 'Requests a second', show: 'rate', by: 'request' },
    collect: ({ meters }) => [...meters.requests.kinds].map(([request, { totalMs }]) => ({ labels: { request }, value: totalMs.count })),
  },
  {
    name: 'kafka_network_requestmetrics_errors_total',
    type: 'counter',
    unit: 'count',
    labels: ['request', 'error'],
    doc: 'Answers that hold an error, by kind and code. NOT_LEADER_OR_FOLLOWER is the ordinary way for a client to learn of a new leader.',
    panel: { group: 'Requests', title: 'Errors a second', show: 'rate', by: 'error' },
    collect: requestErrors,
  },
  {
    name: 'kafka_network_requestmetrics_totaltimems',
    type: 'histogram',
    unit: 'ms',
    labels: ['request'],
    doc: 'Time from a request to its answer. Of Produce with acks=all that is replication and sync; of Fetch it is mostly the wait for records.',
    panel: { group: 'Requests', title: 'Time to the answer', show: 'quantile', by: 'request' },
    collect: ({ meters }) => [...meters.requests.kinds].map(([request, { totalMs }]) => ({ labels: { request }, value: totalMs })),
  },
  one({
    name: 'oxbow_grpc_messages_total',
    type: 'counter',
    unit: 'count',
    doc: 'Messages written to gRPC streams, to clients and to other nodes.',
    panel: null,
    value: ({ meters }) => meters.traffic.messages,
  }),
  one({
    name: 'oxbow_grpc_message_bytes_total',
    type: 'counter',
    unit: 'bytes',
    doc: 'Bytes of these messages.',
    panel: { group: 'Traffic', title: 'Bytes to clients and other nodes, a second', show: 'rate' },
    value: ({ meters }) => meters.traffic.bytes,
  }),
]

/** A gauge of each replica here, as far as they are labelled. */
function perReplica(row: {
  readonly name: string
  readonly unit: MetricUnit
  readonly doc: string
  readonly value: (replica: ReplicaFacts) => number
}): MetricRow {
  const { value, ...rest } = row
  return {
    ...rest,
    type: 'gauge',
    labels: ['topic', 'partition'],
    panel: null,
    collect: ({ labelled }) => labelled.map((replica) => ({ labels: { topic: replica.topic, partition: replica.partition }, value: value(replica) })),
  }
}

export const storageMetrics: readonly MetricRow[] = [
  one({
    name: 'oxbow_log_size_bytes',
    type: 'gauge',
    unit: 'bytes',
    doc: 'Bytes of all partition logs on this node, those without a label included.',
    panel: { group: 'Logs and disks', title: 'Bytes of logs', show: 'node' },
    value: ({ replicas }) => replicas.reduce((sum, replica) => sum + replica.log.sizeBytes, 0),
  }),
  one({
    name: 'oxbow_unlabelled_partitions',
    type: 'gauge',
    unit: 'count',
    doc: 'Replicas here that have no series of their own: beyond 2,000 a node, by topic and partition, they count in the sums alone.',
    panel: null,
    value: ({ replicas, labelled }) => replicas.length - labelled.length,
  }),
  perReplica({ name: 'kafka_log_log_size', unit: 'bytes', doc: 'Bytes of a log, on disk and not yet there.', value: ({ log }) => log.sizeBytes }),
  perReplica({ name: 'kafka_log_log_logstartoffset', unit: 'offset', doc: 'First offset that is kept.', value: ({ logStartOffset }) => logStartOffset }),
  perReplica({ name: 'kafka_log_log_logendoffset', unit: 'offset', doc: 'End (exclusive) of a log, synced or not.', value: ({ log }) => log.endOffset }),
  perReplica({
    name: 'oxbow_partition_high_watermark',
    unit: 'offset',
    doc: 'End (exclusive) of what consumers may read, as this replica knows.',
    value: ({ highWatermark }) => highWatermark,
  }),
  {
    name: 'kafka_cluster_partition_insyncreplicascount',
    type: 'gauge',
    unit: 'count',
    labels: ['topic', 'partition'],
    doc: 'In-sync replicas of a partition. Its leader says it.',
    panel: null,
    collect: ({ labelled }) =>
      labelled.filter((one) => one.role === 'leader').map(({ topic, partition, isr }) => ({ labels: { topic, partition }, value: isr.length })),
  },
  {
    name: 'kafka_log_logflushstats_logflushrateandtimems',
    type: 'histogram',
    unit: 'ms',
    labels: [],
    doc: 'Time that a sync takes, of partitions and of the metadata log: every acknowledgement waits for some. Above 50 ms the disk is the trouble.',
    panel: { group: 'Logs and disks', title: 'Time of a sync', show: 'quantile' },
    collect: ({ meters }) => [{ labels: {}, value: meters.disk.syncMs }],
  },
  one({
    name: 'oxbow_log_appended_bytes_total',
    type: 'counter',
    unit: 'bytes',
    doc: 'Bytes appended to logs, for producers, as a follower and of metadata.',
    panel: { group: 'Logs and disks', title: 'Bytes appended, a second', show: 'rate' },
    value: ({ source }) => source.counters.appendedBytes,
  }),
  one({
    name: 'oxbow_log_copied_bytes_total',
    type: 'counter',
    unit: 'bytes',
    doc: 'Bytes copied on the way into logs.',
    panel: null,
    value: ({ source }) => source.counters.copiedBytes,
  }),
  one({
    name: 'oxbow_log_write_calls_total',
    type: 'counter',
    unit: 'count',
    doc: 'Write calls of logs.',
    panel: null,
    value: ({ source }) => source.counters.writeCalls,
  }),
  one({
    name: 'oxbow_log_sync_calls_total',
    type: 'counter',
    unit: 'count',
    doc: 'Sync calls of logs.',
    panel: { group: 'Logs and disks', title: 'Syncs a second', show: 'rate' },
    value: ({ source }) => source.counters.syncCalls,
  }),
  one({
    name: 'oxbow_log_rounds_total',
    type: 'counter',
    unit: 'count',
    doc: 'Rounds of group commit.',
    panel: null,
    value: ({ source }) => source.counters.rounds,
  }),
  {
    name: 'oxbow_disk_free_bytes',
    type: 'gauge',
    unit: 'bytes',
    labels: ['folder'],
    doc: 'Bytes free on the disk of a data folder, when the node looked last (every 2 s).',
    panel: { group: 'Logs and disks', title: 'Bytes free', show: 'node' },
    collect: (facts) => perFolder(facts, (space) => space.freeBytes),
  },
  {
    name: 'oxbow_disk_total_bytes',
    type: 'gauge',
    unit: 'bytes',
    labels: ['folder'],
    doc: 'Size of that disk.',
    panel: null,
    collect: (facts) => perFolder(facts, (space) => space.totalBytes),
  },
  one({
    name: 'oxbow_disk_low',
    type: 'gauge',
    unit: 'yes or no',
    doc: '1 while less than 5 % or 1 GiB is free: produce is refused, and followers fetch nothing. Alarm.',
    panel: { group: 'Health', title: 'Disks low', show: 'sum', alarmFrom: 1 },
    value: ({ view }) => Number(view.isDiskLow),
  }),
]
