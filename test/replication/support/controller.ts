import type { Code } from '../../../src/base/errors.ts'
import type { IsrMember, PartitionState } from '../../../src/metadata/records.ts'
import type { ReplicaBroker } from '../../../src/replication/effects.ts'

export interface MetadataEntry {
  readonly offset: number
  readonly state: PartitionState
  readonly brokers: ReadonlyMap<number, ReplicaBroker>
}

/** What the controller is told of a replica of a partition without a leader (rules R5.2). */
export interface ReplicaReport {
  readonly nodeId: number
  readonly lastEpoch: number
  readonly syncedEndOffset: number
  readonly suspect: boolean
}

/** A naive controller of one partition: rules R5.3, R5.6, R5.7, R5.8 in miniature. Each change is one entry. */
export class TestController {
  readonly entries: MetadataEntry[] = []
  readonly minInSyncReplicas: number
  readonly #brokers = new Map<number, ReplicaBroker>()
  #state: PartitionState

  constructor(replicas: readonly number[], minInSyncReplicas: number) {
    this.minInSyncReplicas = minInSyncReplicas
    for (const [at, nodeId] of replicas.entries()) this.#brokers.set(nodeId, { brokerEpoch: at, fenced: false, draining: false })
    this.#state = {
      topicId: '0'.repeat(32),
      partition: 0,
      replicas,
      isr: replicas.map((nodeId, at) => ({ nodeId, brokerEpoch: at })),
      elr: [],
      leader: replicas[0] as number,
      leaderEpoch: 0,
      leaderGrantedOffset: replicas.length,
      partitionEpoch: 0,
      unclean: false,
      reassignment: null,
    }
    for (let offset = 0; offset < replicas.length; offset++) this.#push()
    this.#push()
  }

  get state(): PartitionState {
    return this.#state
  }

  broker(nodeId: number): ReplicaBroker {
    return this.#brokers.get(nodeId) as ReplicaBroker
  }

  /** A new incarnation on the same directory: it leaves the ISR and what it led, fenced; returns its broker epoch. */
  register(nodeId: number): number {
    const brokerEpoch = this.entries.length
    this.#brokers.set(nodeId, { brokerEpoch, fenced: true, draining: false })
    this.#leave(nodeId)
    return brokerEpoch
  }

  fence(nodeId: number): void {
    this.#brokers.set(nodeId, { ...this.broker(nodeId), fenced: true })
    this.#leave(nodeId)
  }

  unfence(nodeId: number): void {
    this.#brokers.set(nodeId, { ...this.broker(nodeId), fenced: false })
    this.#push()
  }

  drain(nodeId: number): void {
    this.#brokers.set(nodeId, { ...this.broker(nodeId), draining: true })
    this.#leave(nodeId)
  }

  /** Gives the leadership to an in-sync replica. */
  move(nodeId: number): void {
    this.#change({ leader: nodeId })
  }

  /** An operator's unclean election. */
  electUnclean(nodeId: number): void {
    this.#change({ leader: nodeId, isr: [{ nodeId, brokerEpoch: this.broker(nodeId).brokerEpoch }], elr: [], unclean: true })
  }

  alterPartition(
    from: { readonly nodeId: number; readonly brokerEpoch: number },
    proposal: { readonly leaderEpoch: number; readonly partitionEpoch: number; readonly isr: readonly IsrMember[] },
  ): Code | null {
    const state = this.#state
    if (from.brokerEpoch !== this.broker(from.nodeId).brokerEpoch) return 'STALE_BROKER_EPOCH'
    if (proposal.leaderEpoch < state.leaderEpoch) return 'FENCED_LEADER_EPOCH'
    if (proposal.leaderEpoch > state.leaderEpoch) return 'NOT_CONTROLLER'
    if (from.nodeId !== state.leader) return 'NOT_LEADER_OR_FOLLOWER'
    if (proposal.partitionEpoch < state.partitionEpoch) return 'INVALID_UPDATE_VERSION'
    if (proposal.partitionEpoch > state.partitionEpoch) return 'NOT_CONTROLLER'
    const ids = proposal.isr.map((member) => member.nodeId)
    if (!ids.includes(state.leader) || !ids.every((nodeId) => state.replicas.includes(nodeId))) return 'INVALID_REQUEST'
    for (const { nodeId, brokerEpoch } of proposal.isr) {
      if (state.isr.some((member) => member.nodeId === nodeId && member.brokerEpoch === brokerEpoch)) continue
      const broker = this.broker(nodeId)
      if (broker.fenced || broker.draining || broker.brokerEpoch !== brokerEpoch) return 'INELIGIBLE_REPLICA'
    }
    this.#change({ isr: proposal.isr })
    return null
  }

  /** `reports`: of the live, unfenced replicas that have applied the present state. */
  elect(reports: readonly ReplicaReport[]): boolean {
    const state = this.#state
    if (state.leader !== -1) return false
    const members = new Set([...state.isr.map((member) => member.nodeId), ...state.elr])
    const live = reports.filter((report) => members.has(report.nodeId) && !this.broker(report.nodeId).fenced && !this.broker(report.nodeId).draining)
    const trusted = live.filter((report) => !report.suspect)
    const enough = live.length >= Math.min(Math.floor((state.replicas.length - 1) / 2) + 1, members.size)
    const greatest = [...live].sort((a, b) => b.lastEpoch - a.lastEpoch || b.syncedEndOffset - a.syncedEndOffset)[0]
    const winner = trusted[0] ?? (enough ? greatest : undefined)
    if (winner === undefined) return false
    const { nodeId } = winner
    this.#change({ leader: nodeId, isr: [{ nodeId, brokerEpoch: this.broker(nodeId).brokerEpoch }] })
    return true
  }

  #leave(nodeId: number): void {
    const isr = this.#state.isr.filter((member) => member.nodeId !== nodeId)
    if (isr.length === this.#state.isr.length && this.#state.leader !== nodeId) {
      this.#push()
      return
    }
    if (this.#state.leader !== nodeId) {
      this.#change({ isr })
      return
    }
    const next = this.#state.replicas.find((id) => isr.some((member) => member.nodeId === id) && !this.broker(id).fenced)
    this.#change({ isr, leader: next ?? -1 })
  }

  #change(change: Partial<PartitionState>): void {
    const before = this.#state
    const isr = change.isr ?? before.isr
    const inIsr = (nodeId: number) => isr.some((member) => member.nodeId === nodeId)
    const elr =
      isr.length >= this.minInSyncReplicas ? [] : [...new Set([...before.elr, ...before.isr.map((member) => member.nodeId)])].filter((nodeId) => !inIsr(nodeId))
    const granted = change.leader === undefined ? {} : { leaderEpoch: before.leaderEpoch + 1, leaderGrantedOffset: this.entries.length }
    const unclean = before.unclean && isr.length < before.replicas.length
    this.#state = { ...before, elr, unclean, ...granted, ...change, partitionEpoch: before.partitionEpoch + 1 }
    this.#push()
  }

  #push(): void {
    this.entries.push({ offset: this.entries.length, state: this.#state, brokers: new Map(this.#brokers) })
  }
}
