import { BrokerError } from '../base/errors.ts'
import type { Admin } from '../client/admin.ts'
import { exitCodeOf, resultOf, writeJsonReport, writeReport } from './audit/audit-report.ts'
import { type AuditedPartition, type BatchDigests, type OffsetRange, PartitionAudit } from './audit/partition-audit.ts'
import { byteSize } from './byte-size.ts'
import { parseByteRate } from './byte-rate.ts'
import type { CliContext } from './context.ts'
import { exitCode } from './failure.ts'
import { LiveLine } from './live-line.ts'
import type { ClusterOptions } from './options.ts'
import { type PartitionName, parsePartitionName } from './partition-name.ts'
import { openClient } from './session.ts'
import { type TopicDescription, topicsAsked, topicsNamed } from './topic-names.ts'

export interface AuditFlags {
  readonly throttle: string
}

/** One answer: some milliseconds of a node. */
const PAGE_BYTES = 1024 * 1024

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Keeps what is read on each node below a rate, from its beginning on. */
class Pace {
  readonly #bytesPerSecond: number
  readonly #startMs = performance.now()
  bytes = 0

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond
  }

  async take(bytes: number): Promise<void> {
    this.bytes += bytes
    const aheadMs = (this.bytes / this.#bytesPerSecond) * 1_000 - (performance.now() - this.#startMs)
    if (aheadMs > 0) await sleep(aheadMs)
  }
}

/** Asks the nodes of a cluster; one that was not reached is not asked again, so that it costs its time once. */
class Nodes {
  readonly #admin: Admin
  readonly #unreached = new Map<number, BrokerError>()
  readonly #addresses = new Map<number, { readonly host: string; readonly port: number }>()

  constructor(admin: Admin) {
    this.#admin = admin
  }

  async find(): Promise<void> {
    for (const { nodeId, host, grpcPort, state } of (await this.#admin.describeCluster()).brokers) {
      this.#addresses.set(nodeId, { host, port: grpcPort })
      if (state === 'offline') this.#unreached.set(nodeId, new BrokerError('NETWORK_EXCEPTION', 'the node is offline'))
    }
  }

  async ask(nodeId: number, topic: { readonly topicId: string; readonly partition: number }, range: OffsetRange): Promise<BatchDigests> {
    const unreached = this.#unreached.get(nodeId)
    if (unreached !== undefined) throw unreached
    const address = this.#addresses.get(nodeId)
    if (address === undefined) throw new BrokerError('BROKER_ID_NOT_REGISTERED', 'the node is not known')
    try {
      return await this.#admin.digestBatches(address, { ...topic, ...range, maxBytes: PAGE_BYTES })
    } catch (error) {
      if (error instanceof BrokerError && error.unanswered) this.#unreached.set(nodeId, error)
      throw error
    }
  }
}

/** The topics named, each with the partitions named; all without a name. */
async function topicsToAudit(admin: Admin, names: readonly PartitionName[]): Promise<TopicDescription[]> {
  if (names.length === 0) return await topicsAsked(admin, [], false)
  const topics = await topicsNamed(admin, [...new Set(names.map(({ topic }) => topic))])
  return topics.map((topic) => {
    const wanted = names.filter((one) => one.topic === topic.name)
    if (wanted.some(({ partition }) => partition === undefined)) return topic
    for (const { partition } of wanted)
      if (!topic.partitions.some((one) => one.partition === partition))
        throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `topic "${topic.name}" has no partition ${partition}`)
    return { ...topic, partitions: topic.partitions.filter((one) => wanted.some(({ partition }) => partition === one.partition)) }
  })
}

/** One partition after the other. */
class ClusterAudit {
  readonly results: AuditedPartition[] = []
  readonly pace: Pace
  isInterrupted = false
  readonly #admin: Admin
  readonly #nodes: Nodes
  #count = 0
  #current = ''

  constructor(admin: Admin, pace: Pace) {
    this.#admin = admin
    this.#nodes = new Nodes(admin)
    this.pace = pace
  }

  get progress(): string {
    return `${this.results.length} of ${this.#count} partitions, ${byteSize(this.pace.bytes)} read on each replica; now ${this.#current}`
  }

  async run(names: readonly PartitionName[]): Promise<void> {
    const [topics] = await Promise.all([topicsToAudit(this.#admin, names), this.#nodes.find()])
    this.#count = topics.reduce((sum, { partitions }) => sum + partitions.length, 0)
    for (const topic of topics) {
      // Where the replicas are now: the topics before it may have taken hours.
      const [now = topic] = await this.#admin.describeTopics([topic.name]).catch(() => [])
      for (const { partition } of topic.partitions) {
        const state = now.partitions.find((one) => one.partition === partition)
        if (!this.isInterrupted && state !== undefined) await this.#audit(topic, state)
      }
    }
  }

  async #audit({ name, topicId }: TopicDescription, { partition, leader, replicas, isr }: TopicDescription['partitions'][number]): Promise<void> {
    this.#current = `${name}-${partition}`
    const options = {
      ask: (nodeId: number, range: OffsetRange) => this.#nodes.ask(nodeId, { topicId, partition }, range),
      sleep,
      pace: (bytes: number) => this.pace.take(bytes),
      isInterrupted: () => this.isInterrupted,
    }
    const result = await new PartitionAudit({ topic: name, partition, leader, replicas, isr }, options).run()
    if (result.audited !== undefined) this.results.push(result)
  }
}

/** Compares the replicas of partitions. Exit code: 0 all agree, 1 some differ or are damaged, 4 what was compared agrees. */
export async function audit(context: CliContext, options: ClusterOptions, words: readonly string[], flags: AuditFlags): Promise<number> {
  const names = words.map((word) => parsePartitionName(word, 'oxbow audit orders orders:0'))
  const pace = new Pace(parseByteRate(flags.throttle))
  const client = await openClient(context, options)
  const running = new ClusterAudit(client.admin(), pace)
  const line = new LiveLine(context.stderr, true)
  const release = context.onInterrupt(() => {
    running.isInterrupted = true
  })
  try {
    line.start(() => running.progress)
    await running.run(names)
  } finally {
    line.stop()
    release()
    await client.close()
  }
  if (options.output === 'json') writeJsonReport(context, running.results)
  else writeReport(context, running.results)
  return running.isInterrupted ? exitCode.interrupted : exitCodeOf(resultOf(running.results))
}
