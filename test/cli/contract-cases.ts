import { join } from 'node:path'
import { type CliCluster, type CliSetting, oxbow } from './harness.ts'

/** What a value of an answer must be; objects have these fields and no others, lists at least one item and each of that shape. */
export type Shape = ((value: unknown) => boolean) | readonly [Shape] | { readonly [field: string]: Shape }

const text: Shape = (value) => typeof value === 'string'
const number: Shape = (value) => typeof value === 'number'
const flag: Shape = (value) => typeof value === 'boolean'
const numbers: Shape = (value) => Array.isArray(value) && value.every((one) => typeof one === 'number')
const texts: Shape = (value) => Array.isArray(value) && value.every((one) => typeof one === 'string')
const textOrNull: Shape = (value) => value === null || typeof value === 'string'
const anything: Shape = (value) => value !== undefined
const object: Shape = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether the value has the shape; the path to what has not, else. */
export function misfit(value: unknown, shape: Shape, path = 'answer'): string | undefined {
  if (typeof shape === 'function') return shape(value) ? undefined : path
  if (Array.isArray(shape)) {
    if (!Array.isArray(value) || value.length === 0) return `${path}: a list with something in it`
    return value.map((one, at) => misfit(one, shape[0] as Shape, `${path}[${at}]`)).find((one) => one !== undefined)
  }
  if (typeof value !== 'object' || value === null) return `${path}: an object`
  const fields = shape as Readonly<Record<string, Shape>>
  const extra = Object.keys(value).find((key) => !Object.hasOwn(fields, key))
  if (extra !== undefined) return `${path}.${extra}: not of the contract`
  for (const [key, of] of Object.entries(fields)) {
    if (!Object.hasOwn(value, key)) return `${path}.${key}: missing`
    const found = misfit((value as Record<string, unknown>)[key], of, `${path}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}

/** One run of a command, which is made as a table and as JSON, each on a cluster of its own. */
export interface ContractCase {
  /** Its words, as in `--help`. */
  readonly command: string
  readonly args: readonly string[]
  /** cli.md: of the document, or of each line with `isLines`. */
  readonly json: Shape
  readonly isLines?: true
  /** What stands on stdout as a table. */
  readonly table: RegExp
  readonly code?: number
  readonly setting?: Omit<CliSetting, 'cluster'>
  readonly prepare?: (cluster: CliCluster) => Promise<void> | void
}

const broker: Shape = {
  nodeId: number,
  rack: textOrNull,
  state: text,
  maintenance: flag,
  grpc: text,
  kafka: textOrNull,
  http: textOrNull,
  leaders: number,
  replicas: number,
}

const topic: Shape = {
  name: text,
  topicId: text,
  configs: object,
  partitions: [
    {
      partition: number,
      leader: number,
      leaderEpoch: number,
      replicas: numbers,
      isr: numbers,
      elr: numbers,
      addingReplicas: numbers,
      removingReplicas: numbers,
    },
  ],
}
const configEntries: Shape = [{ name: text, value: textOrNull, default: textOrNull, source: text, unit: textOrNull, doc: text, readOnly: flag }]
const votersChange = {
  nodeId: number,
  changed: flag,
  dryRun: flag,
  voters: [{ nodeId: number, directoryId: textOrNull }],
  warnings: texts,
} satisfies Shape

const quorumStatus: Shape = {
  clusterId: textOrNull,
  leaderId: number,
  leaderEpoch: number,
  highWatermark: number,
  maxFollowerLag: number,
  maxFollowerLagTimeMs: number,
  voters: numbers,
  observers: numbers,
  logStartOffset: number,
  snapshotEndOffset: number,
  snapshotTimestamp: number,
}

async function withRecords(cluster: CliCluster): Promise<void> {
  await oxbow(['produce', 'orders', '--key-separator', ':'], { cluster, stdin: ['k:v\n'] })
}

const CONFIG_FILE = join(import.meta.dirname, '../../cluster-configs/three-node.yaml')

/** Every command that answers data, with the fields of cli.md. `orders` is a topic of two partitions. */
export const contractCases: readonly ContractCase[] = [
  {
    command: 'config check',
    args: [CONFIG_FILE],
    json: (value) => (value as { valid?: unknown }).valid === true,
    table: /^Node +Roles +Grpc/,
  },
  {
    command: 'config describe',
    args: ['topic', 'orders', '--all'],
    json: { type: text, name: text, configs: configEntries },
    table: /^Config +Value +Default +Unit +Source +Doc\nmin\.insync\.replicas /,
  },
  {
    command: 'config alter',
    args: ['topic', 'orders', '--set', 'retention.ms=1000'],
    json: { type: text, name: text, configs: configEntries },
    table: /\nretention\.ms +1000 +604800000 +ms +topic +how long\n$/,
  },
  {
    command: 'topic create',
    args: ['new'],
    json: { name: text, topicId: text, partitions: number, replicationFactor: number },
    table: /^Created topic new: 6 partitions/,
  },
  { command: 'topic alter', args: ['orders', '--partitions', '3'], json: topic, table: /^Topic: +orders\n(?:.*\n)*?PartitionCount: +3\n/ },
  {
    command: 'topic list',
    args: [],
    json: [{ name: text, topicId: text, partitions: number, replicationFactor: number, underReplicated: number }],
    table: /^Topic +TopicId +PartitionCount +ReplicationFactor +UnderReplicated\norders /,
  },
  { command: 'topic describe', args: ['orders'], json: [topic], table: /^Topic: +orders\n(?:.*\n)*?Partition +Leader +LeaderEpoch +Replicas +Isr +Elr\n/ },
  { command: 'topic delete', args: ['orders', '--yes'], json: [text], table: /^Deleted topic orders\n$/ },
  {
    command: 'produce',
    args: ['orders'],
    json: { topic: text, partition: number, offset: number, key: anything, value: anything },
    isLines: true,
    table: /^$/,
    setting: { stdin: ['a\nb\n'] },
  },
  {
    command: 'consume',
    args: ['orders', '--from-beginning', '--exit-at-end'],
    json: { topic: text, partition: number, offset: number, leaderEpoch: number, timestamp: number, key: anything, value: anything, headers: object },
    isLines: true,
    table: /^v\n$/,
    prepare: withRecords,
  },
  { command: 'offsets', args: ['orders'], json: [{ topic: text, partition: number, offset: number }], table: /^Topic +Partition +Offset\norders +0 / },
  {
    command: 'delete-records',
    args: ['orders', '--before', 'latest', '--yes'],
    json: [{ topic: text, partition: number, lowWatermark: number }],
    table: /^Topic +Partition +LowWatermark\norders +0 /,
    prepare: withRecords,
  },
  {
    command: 'cluster describe',
    args: [],
    json: {
      clusterId: textOrNull,
      controllerId: number,
      brokers: [broker],
    },
    table: /^ClusterId: +c+\nControllerId: 1\nNodeId +State/,
  },
  { command: 'cluster health', args: [], json: { healthy: flag, reasons: texts }, table: /^The cluster is not healthy\.\n- Broker 2 /, code: 1 },
  { command: 'quorum status', args: [], json: quorumStatus, table: /^ClusterId: +c+\nLeaderId: +1\n/ },
  {
    command: 'quorum replication',
    args: [],
    json: [
      { nodeId: number, directoryId: textOrNull, logEndOffset: number, lag: number, lastFetchTimestamp: number, lastCaughtUpTimestamp: number, status: text },
    ],
    table: /^NodeId +DirectoryId +LogEndOffset +Lag +LastFetchTimestamp +LastCaughtUpTimestamp +Status\n/,
  },
  {
    command: 'quorum watch',
    args: ['--count', '2', '--interval', '10'],
    json: quorumStatus,
    isLines: true,
    table: /^\S+Z leader 1, epoch 4, voters 1,2, observers 3\n$/,
  },
  { command: 'quorum add-voter', args: ['2', '--dry-run'], json: votersChange, table: /^NodeId +DirectoryId\n +1 +1{32}\n/ },
  {
    command: 'quorum remove-voter',
    args: ['2', '--dry-run'],
    json: { ...votersChange, warnings: (value) => Array.isArray(value) && value.length === 0 },
    table: /^NodeId +DirectoryId\n +1 +1{32}\n/,
  },
  {
    command: 'partition elect',
    args: ['orders:0'],
    json: [{ topic: text, partition: number, outcome: text }],
    table: /^Topic +Partition +Outcome\norders +0 +elected\n$/,
    prepare: (cluster) => cluster.fake.moveLeader('orders', 0, 2),
  },
  {
    command: 'partition move',
    args: ['orders:0=2,3,4'],
    json: [{ topic: text, partition: number, replicas: numbers, addingReplicas: numbers, removingReplicas: numbers, outcome: text }],
    table: /^Topic +Partition +Replicas +Adding +Removing +Outcome\norders +0 +1,2,3,4 +4 +1 +moving\n$/,
  },
  {
    command: 'broker drain',
    args: ['2'],
    json: broker,
    table: /^NodeId +State .*\n +2 +offline \(maintenance\) /,
  },
  {
    command: 'broker decommission',
    args: ['2', '--yes'],
    json: { nodeId: number, replicas: number, moves: [{ topic: text, partition: number, replicas: numbers, outcome: text }] },
    table: /^Topic +Partition +Replicas +Outcome\norders +0 +1,4,3 +moving\n/,
    prepare: (cluster) => {
      cluster.brokers = [1, 2, 3, 4].map((nodeId) => ({ ...(cluster.brokers[0] as (typeof cluster.brokers)[number]), nodeId, replicas: nodeId === 4 ? 0 : 2 }))
    },
  },
  {
    command: 'broker unregister',
    args: ['2'],
    json: { nodeId: number, unregistered: flag, dryRun: flag },
    table: /^Unregistered broker 2\. /,
  },
  {
    command: 'doctor',
    args: [],
    json: {
      healthy: flag,
      checks: [{ name: text, status: (value) => ['ok', 'warning', 'error'].includes(value as string), message: text, advice: textOrNull }],
    },
    table: /^ok +node +Node \d+/,
    code: 1,
  },
  { command: 'version', args: [], json: { version: text, node: text, v8: text, platform: text, arch: text }, table: /^Oxbow: +0\.0\.0-test\n/ },
]

/** Commands whose both outputs have a test of their own, in the file beside this one. */
export const testedElsewhere: ReadonlyMap<string, string> = new Map([
  ['audit', 'audit.test.ts'],
  ['replica move-folder', 'replica-move-folder.test.ts'],
  ['dump-log', 'dump-log.test.ts'],
  ['chaos check', 'chaos-check.test.ts'],
  ['chaos run', '../live/chaos.test.ts'],
  ['sim report', 'sim-report.test.ts'],
  ['log-dirs', 'log-dirs.test.ts'],
  ['replica list', 'replica-list.test.ts'],
  ['replica refetch', 'replica-refetch.test.ts'],
  ['log-level', 'operation-commands.test.ts'],
  ['debug bundle', 'operation-commands.test.ts'],
])

/** Commands whose answer is no data, and why. */
export const dataless: ReadonlyMap<string, string> = new Map([
  ['dev', 'it stays in the foreground, and writes cluster.json'],
  ['server', 'its output is the log of the node, JSON lines always'],
  ['completion', 'its output is a script'],
  ['sim run', 'its options and output are those of the simulator'],
  ['sim replay', 'its output is a story'],
  ['sim shrink', 'its output is a file'],
])
