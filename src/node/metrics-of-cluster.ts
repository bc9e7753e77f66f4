import type { Facts } from './metric-facts.ts'
import { type MetricRow, one, type PanelRow, type Sample } from './metric-row.ts'

function health(title: string, show: 'sum' | 'max', alarmFrom?: number): PanelRow {
  return { group: 'Health', title, show, ...(alarmFrom === undefined ? {} : { alarmFrom }) }
}

const EVERY_NODE_SAYS = 'As the metadata says: every node says the same, so take the maximum.'

export const clusterMetrics: readonly MetricRow[] = [
  one({
    name: 'kafka_controller_kafkacontroller_activecontrollercount',
    type: 'gauge',
    unit: 'count',
    doc: '1 on the active controller, 0 elsewhere. The sum over all nodes is 1; alarm when it is not for more than some seconds.',
    panel: health('Active controllers', 'sum'),
    value: ({ source }) => Number(source.isActiveController),
  }),
  one({
    name: 'kafka_controller_kafkacontroller_offlinepartitionscount',
    type: 'gauge',
    unit: 'count',
    doc: `Partitions without a leader: they take and give nothing. ${EVERY_NODE_SAYS} Alarm above 0.`,
    panel: health('Partitions without a leader', 'max', 1),
    value: ({ cluster }) => cluster.offline,
  }),
  one({
    name: 'kafka_controller_kafkacontroller_globaltopiccount',
    type: 'gauge',
    unit: 'count',
    doc: `Topics. ${EVERY_NODE_SAYS}`,
    panel: null,
    value: ({ cluster }) => cluster.topics,
  }),
  one({
    name: 'kafka_controller_kafkacontroller_globalpartitioncount',
    type: 'gauge',
    unit: 'count',
    doc: `Partitions. ${EVERY_NODE_SAYS}`,
    panel: null,
    value: ({ cluster }) => cluster.partitions,
  }),
  one({
    name: 'kafka_controller_kafkacontroller_activebrokercount',
    type: 'gauge',
    unit: 'count',
    doc: `Brokers that are registered and not fenced. ${EVERY_NODE_SAYS}`,
    panel: health('Brokers serving', 'max'),
    value: ({ cluster }) => cluster.activeBrokers,
  }),
  one({
    name: 'kafka_controller_kafkacontroller_fencedbrokercount',
    type: 'gauge',
    unit: 'count',
    doc: `Brokers that are fenced: stopped, dead or cut off. ${EVERY_NODE_SAYS}`,
    panel: health('Brokers fenced', 'max', 1),
    value: ({ cluster }) => cluster.fencedBrokers,
  }),
  one({
    name: 'oxbow_leader_elections_total',
    type: 'counter',
    unit: 'count',
    doc: `Times that a partition of the cluster got another leader, since this node came up. ${EVERY_NODE_SAYS}`,
    panel: null,
    value: ({ view }) => view.changes.leaderElections,
  }),
  one({
    name: 'kafka_controller_controllerstats_uncleanleaderelections_total',
    type: 'counter',
    unit: 'count',
    doc: `Those of them that an operator or a topic allowed to lose acknowledged records. ${EVERY_NODE_SAYS} Alarm on any growth.`,
    panel: null,
    value: ({ view }) => view.changes.uncleanLeaderElections,
  }),
  one({
    name: 'kafka_server_replicamanager_partitioncount',
    type: 'gauge',
    unit: 'count',
    doc: 'Replicas on this node.',
    panel: null,
    value: ({ replicas }) => replicas.length,
  }),
  one({
    name: 'kafka_server_replicamanager_leadercount',
    type: 'gauge',
    unit: 'count',
    doc: 'Partitions that this node leads.',
    panel: { group: 'Logs and disks', title: 'Partitions led', show: 'node' },
    value: ({ led }) => led.length,
  }),
  one({
    name: 'kafka_server_replicamanager_underreplicatedpartitions',
    type: 'gauge',
    unit: 'count',
    doc: 'Partitions that this node leads with a replica out of the ISR. Above 0 while a node is down or catches up; alarm when it stays.',
    panel: health('Under-replicated partitions', 'sum', 1),
    value: ({ led }) => led.filter((replica) => replica.isr.length < replica.replicaCount).length,
  }),
  one({
    name: 'kafka_server_replicamanager_underminisrpartitioncount',
    type: 'gauge',
    unit: 'count',
    doc: 'Partitions that this node leads with fewer in-sync replicas than `min.insync.replicas`: acks=all is refused there. Alarm above 0.',
    panel: health('Partitions under min ISR', 'sum', 1),
    value: ({ led }) => led.filter((replica) => replica.isr.length < replica.minInSync).length,
  }),
  one({
    name: 'kafka_server_replicamanager_atminisrpartitioncount',
    type: 'gauge',
    unit: 'count',
    doc: 'Partitions that this node leads with just `min.insync.replicas` in sync: one loss more, and acks=all is refused.',
    panel: null,
    value: ({ led }) => led.filter((replica) => replica.isr.length === replica.minInSync).length,
  }),
  one({
    name: 'kafka_server_replicamanager_offlinereplicacount',
    type: 'gauge',
    unit: 'count',
    doc: 'Replicas on this node whose log failed, is damaged beyond use or was set aside. The log of the node says why.',
    panel: health('Replicas offline', 'sum', 1),
    value: ({ replicas }) => replicas.filter((replica) => replica.role === 'offline').length,
  }),
  one({
    name: 'kafka_server_replicamanager_isrshrinks_total',
    type: 'counter',
    unit: 'count',
    doc: 'Times that replicas left the ISR of a partition that this node leads.',
    panel: { group: 'Health', title: 'ISR changes a second', show: 'rate' },
    value: ({ view }) => view.changes.isrShrinks,
  }),
  one({
    name: 'kafka_server_replicamanager_isrexpands_total',
    type: 'counter',
    unit: 'count',
    doc: 'Times that replicas joined the ISR of a partition that this node leads.',
    panel: { group: 'Health', title: 'ISR changes a second', show: 'rate' },
    value: ({ view }) => view.changes.isrExpands,
  }),
  one({
    name: 'oxbow_serving',
    type: 'gauge',
    unit: 'yes or no',
    doc: '1 while this broker is registered and unfenced.',
    panel: null,
    value: ({ source }) => Number(source.isServing),
  }),
  one({
    name: 'oxbow_damaged_replicas',
    type: 'gauge',
    unit: 'count',
    doc: 'Replicas on this node whose log is damaged: they are repaired from the others, and count in no ISR until then.',
    panel: health('Replicas damaged', 'sum', 1),
    value: ({ replicas }) => replicas.filter((replica) => replica.damaged).length,
  }),
]

function followerLag({ view, raft }: Facts): Sample[] {
  return view.followers
    .filter((peer) => peer.nodeId !== raft.leaderId)
    .map((peer) => ({ labels: { follower: peer.nodeId }, value: Math.max(0, raft.endOffset - peer.persistedEndOffset) }))
}

export const quorumMetrics: readonly MetricRow[] = [
  one({
    name: 'kafka_server_raft_metrics_current_leader',
    type: 'gauge',
    unit: 'id',
    doc: 'Node id of the leader of the metadata quorum, the active controller; −1: none is known. Alarm when it stays −1.',
    panel: { group: 'Quorum', title: 'Leader, as each node knows it', show: 'node' },
    value: ({ raft }) => raft.leaderId ?? -1,
  }),
  one({
    name: 'kafka_server_raft_metrics_current_epoch',
    type: 'gauge',
    unit: 'id',
    doc: 'Term of the metadata quorum.',
    panel: { group: 'Quorum', title: 'Term', show: 'node' },
    value: ({ raft }) => raft.term,
  }),
  {
    name: 'kafka_server_raft_metrics_current_state_info',
    type: 'gauge',
    unit: 'yes or no',
    labels: ['state'],
    doc: 'Always 1; the label `state` says the role: leader, follower, preCandidate, candidate or observer.',
    panel: null,
    collect: ({ raft }) => [{ labels: { state: raft.role }, value: 1 }],
  },
  one({
    name: 'kafka_server_raft_metrics_high_watermark',
    type: 'gauge',
    unit: 'offset',
    doc: 'End (exclusive) of what is committed of the metadata log, as this node knows.',
    panel: { group: 'Quorum', title: 'Metadata entries a second', show: 'rate' },
    value: ({ raft }) => raft.commitIndex,
  }),
  one({
    name: 'kafka_server_raft_metrics_log_end_offset',
    type: 'gauge',
    unit: 'offset',
    doc: 'End (exclusive) of the metadata log on this node.',
    panel: null,
    value: ({ raft }) => raft.endOffset,
  }),
  one({
    name: 'kafka_server_broker_metadata_metrics_last_applied_record_offset',
    type: 'gauge',
    unit: 'offset',
    doc: 'Last metadata entry that this node has applied; −1: none.',
    panel: null,
    value: ({ source }) => source.image.offset - 1,
  }),
  one({
    name: 'oxbow_raft_elections_total',
    type: 'counter',
    unit: 'count',
    doc: 'Terms of the metadata quorum whose leader became known to this node, since it came up. Growth without a restart means lost connections or stalls.',
    panel: { group: 'Quorum', title: 'Elections a second', show: 'rate' },
    value: ({ view }) => view.changes.raftElections,
  }),
  {
    name: 'oxbow_raft_follower_lag',
    type: 'gauge',
    unit: 'count',
    labels: ['follower'],
    doc: 'Metadata entries that a voter or observer (label `follower`: its node id) has not synced yet. Only the leader says it.',
    panel: { group: 'Quorum', title: 'Entries that followers lack', show: 'sum', by: 'follower' },
    collect: followerLag,
  },
]
