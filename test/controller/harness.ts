import type { ControllerCommand, ControllerReply, Decision, InternalCommand, PartitionRef } from '../../src/controller/commands.ts'
import { handle } from '../../src/controller/controller.ts'
import type { QuorumView } from '../../src/controller/quorum-view.ts'
import type { Registration, SessionsView } from '../../src/controller/sessions-view.ts'
import type { LeaderlessReport } from '../../src/controller/status.ts'
import { applyEntries, type MetadataEntry } from '../../src/metadata/apply.ts'
import { emptyImage, type BrokerImage, type MetadataImage, type TopicImage } from '../../src/metadata/image.ts'
import type { BrokerAddress, PartitionState } from '../../src/metadata/records.ts'
import { noQuorum } from './no-quorum.ts'

export type Command = ControllerCommand | InternalCommand

/** A readable 128-bit id: `id('t', 1)` and the like are distinct for distinct arguments. */
export function id(kind: string, number: number): string {
  return kind.charCodeAt(0).toString(16).padStart(8, '0') + number.toString(16).padStart(24, '0')
}

export function address(rack: string | null = null): BrokerAddress {
  return { host: '127.0.0.1', grpcPort: 9192, kafkaPort: null, httpPort: null, rack }
}

/** What the active controller was told, as tests say it. */
export class FakeSessions implements SessionsView {
  readonly applied = new Map<string, number>()
  readonly dead = new Set<string>()
  readonly reports = new Map<string, LeaderlessReport>()

  key(registration: Registration, ref?: PartitionRef): string {
    return `${registration.nodeId} ${registration.brokerEpoch} ${registration.incarnationId} ${ref === undefined ? '' : `${ref.topicId} ${ref.partition}`}`
  }

  appliedOffset(registration: Registration): number {
    return this.applied.get(this.key(registration)) ?? -1
  }

  isLogDead(registration: Registration, ref: PartitionRef): boolean {
    return this.dead.has(this.key(registration, ref))
  }

  report(registration: Registration, ref: PartitionRef): LeaderlessReport | undefined {
    return this.reports.get(this.key(registration, ref))
  }
}

export interface RegisterOptions {
  readonly directory?: string
  readonly directories?: readonly string[]
  readonly damaged?: readonly PartitionRef[]
  readonly standing?: readonly PartitionRef[] | null
  readonly rack?: string
  readonly incarnation?: string
}

/** A controller, its metadata and its evidence: every decision is applied at once. */
export class Cluster {
  image: MetadataImage = emptyImage
  readonly sessions = new FakeSessions()
  /** What decisions read; a test with a real machine puts its view here. */
  view: SessionsView = this.sessions
  /** What Raft says of voters. */
  quorum: QuorumView = noQuorum
  readonly entries: MetadataEntry[] = []
  minInSyncReplicas: number | null = null
  #incarnations = 0

  decide(command: Command): Decision {
    return handle(command, {
      image: this.image,
      offset: this.image.offset,
      nowMs: 0,
      defaults: { minInSyncReplicas: this.minInSyncReplicas },
      sessions: this.view,
      quorum: this.quorum,
    })
  }

  run(command: Command): ControllerReply {
    const decision = this.decide(command)
    if (decision.records.length > 0) {
      const entry = { offset: this.image.offset, records: decision.records }
      this.entries.push(entry)
      this.image = applyEntries(this.image, [entry]).image
    }
    return decision.reply
  }

  /** An entry that changes nothing, so that offsets and epochs are not all alike. */
  skip(): void {
    const entry: MetadataEntry = { offset: this.image.offset, records: [{ type: 'leaderChange', leaderId: 1 }] }
    this.entries.push(entry)
    this.image = applyEntries(this.image, [entry]).image
  }

  register(nodeId: number, options: RegisterOptions = {}): ControllerReply {
    const incarnationId = options.incarnation ?? id('i', ++this.#incarnations)
    const directoryIds = options.directories ?? [options.directory ?? id('d', nodeId)]
    const { damaged = [], standing = null } = options
    return this.run({ type: 'register', nodeId, incarnationId, directoryIds, address: address(options.rack ?? null), damaged, standing })
  }

  unfence(nodeId: number): ControllerReply {
    const broker = this.broker(nodeId)
    this.sessions.applied.set(this.sessions.key(broker), this.image.offset)
    return this.run({ type: 'unfence', nodeId, brokerEpoch: broker.brokerEpoch })
  }

  fence(nodeId: number): ControllerReply {
    return this.run({ type: 'fence', nodeId, brokerEpoch: this.broker(nodeId).brokerEpoch })
  }

  drain(nodeId: number): ControllerReply {
    return this.run({ type: 'drain', nodeId, brokerEpoch: this.broker(nodeId).brokerEpoch })
  }

  /** Brokers registered and unfenced. */
  start(...nodeIds: readonly number[]): void {
    for (const nodeId of nodeIds) {
      this.skip()
      this.register(nodeId)
      this.unfence(nodeId)
    }
  }

  create(name: string, assignment: readonly (readonly number[])[], configs: Record<string, string> = {}): PartitionRef {
    const topicId = id('t', this.image.offset)
    const reply = this.run({
      type: 'createTopic',
      name,
      topicId,
      partitions: -1,
      replicationFactor: -1,
      assignment,
      configs: new Map(Object.entries(configs)),
      validateOnly: false,
    })
    if (reply.type !== 'topicCreated') throw new Error(JSON.stringify(reply))
    return { topicId, partition: 0 }
  }

  broker(nodeId: number): BrokerImage {
    const broker = this.image.brokers.get(nodeId)
    if (broker === undefined) throw new Error(`no broker ${nodeId}`)
    return broker
  }

  topic(topicId: string): TopicImage {
    const topic = this.image.topics.get(topicId)
    if (topic === undefined) throw new Error(`no topic ${topicId}`)
    return topic
  }

  state(ref: PartitionRef): PartitionState {
    const state = this.topic(ref.topicId).partitions[ref.partition]
    if (state === undefined) throw new Error(`no partition ${ref.partition}`)
    return state
  }

  isr(ref: PartitionRef): number[] {
    return this.state(ref).isr.map((member) => member.nodeId)
  }

  /** The leader proposes these members under their present epochs. */
  alter(ref: PartitionRef, isr: readonly number[]): ControllerReply {
    const state = this.state(ref)
    const members = isr.map((nodeId) => ({ nodeId, brokerEpoch: this.image.brokers.get(nodeId)?.brokerEpoch ?? -1 }))
    const proposal = { topicId: ref.topicId, partition: ref.partition, leaderEpoch: state.leaderEpoch, partitionEpoch: state.partitionEpoch, isr: members }
    return this.run({ type: 'alterPartition', nodeId: state.leader, brokerEpoch: this.image.brokers.get(state.leader)?.brokerEpoch ?? -1, proposal })
  }

  /** A report by the process now registered, about the present partition epoch unless said otherwise. */
  reports(nodeId: number, ref: PartitionRef, report: Partial<LeaderlessReport> = {}): void {
    const { topicId, partition } = ref
    const full: LeaderlessReport = {
      topicId,
      partition,
      partitionEpoch: this.state(ref).partitionEpoch,
      lastEpoch: 0,
      syncedEndOffset: 10,
      suspect: false,
      damaged: false,
      ...report,
    }
    this.sessions.reports.set(this.sessions.key(this.broker(nodeId), ref), full)
  }

  elect(ref: PartitionRef): number {
    this.run({ type: 'elect', partitions: [ref] })
    return this.state(ref).leader
  }

  killLog(nodeId: number, ref: PartitionRef): ControllerReply {
    const broker = this.broker(nodeId)
    this.sessions.dead.add(this.sessions.key(broker, ref))
    return this.run({ type: 'deadLogs', nodeId, brokerEpoch: broker.brokerEpoch, partitions: [ref] })
  }
}

/** A cluster of brokers 1, 2, 3 with one partition on all of them, led by 1, min ISR 2. */
export function threeBrokers(configs: Record<string, string> = {}): { readonly cluster: Cluster; readonly ref: PartitionRef } {
  const cluster = new Cluster()
  cluster.start(1, 2, 3)
  return { cluster, ref: cluster.create('orders', [[1, 2, 3]], configs) }
}

/** The code of an error reply, the type of any other. */
export function outcome(reply: ControllerReply): string {
  return reply.type === 'error' ? reply.code : reply.type
}
