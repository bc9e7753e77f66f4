import type { Uuid } from '../base/ids.ts'
import type { BrokerImage, MetadataImage } from '../metadata/image.ts'
import type { InternalCommand, PartitionRef } from './commands.ts'
import { refKey } from './partition-ref.ts'
import type { Registration } from './sessions-view.ts'
import type { BrokerStatus, LeaderlessReport } from './status.ts'

/** Ticks until a command that showed no effect is asked for again: its decision may have been refused. */
export const REPEAT_TICKS = 20

/**
 * What one registration of one broker said in this term. Delayed and doubled statuses are harmless: what only grows is merged, of two
 * reports on a partition the one about the higher partition epoch counts, and what was once said to be suspect or damaged stays so.
 */
export class Session {
  readonly nodeId: number
  readonly brokerEpoch: number
  readonly incarnationId: Uuid
  /** A metadata offset by which it was in no ISR any more, null while it serves (rules R5.9). */
  withdrawnOffset: number | null = null
  #silentTicks = 0
  #gone = false
  #appliedOffset = -1
  #wantsShutdown = false
  readonly #deadLogs = new Map<string, PartitionRef>()
  /** By which metadata offset a replica whose log was dead had been taken off. What the broker says once it has applied that is about another log. */
  readonly #takenOff = new Map<string, number>()
  readonly #reports = new Map<string, LeaderlessReport>()
  /** Commands asked for and not seen in the image yet, with the ticks until they are asked for again. */
  readonly #asked = new Map<string, number>()

  constructor(registration: Registration) {
    this.nodeId = registration.nodeId
    this.brokerEpoch = registration.brokerEpoch
    this.incarnationId = registration.incarnationId
  }

  get appliedOffset(): number {
    return this.#appliedOffset
  }

  matches(other: { readonly brokerEpoch: number; readonly incarnationId: Uuid }): boolean {
    return other.brokerEpoch === this.brokerEpoch && other.incarnationId === this.incarnationId
  }

  isAlive(fenceTicks: number): boolean {
    return !this.#gone && this.#silentTicks < fenceTicks
  }

  isLogDead(ref: PartitionRef): boolean {
    return this.#deadLogs.size > 0 && this.#deadLogs.has(refKey(ref))
  }

  report(ref: PartitionRef): LeaderlessReport | undefined {
    return this.#reports.get(refKey(ref))
  }

  tick(): void {
    this.#silentTicks++
    for (const [kind, ticks] of this.#asked) {
      if (ticks <= 1) this.#asked.delete(kind)
      else this.#asked.set(kind, ticks - 1)
    }
  }

  setGone(): void {
    this.#gone = true
  }

  /** `status` is of this registration. */
  heard(status: BrokerStatus, image: MetadataImage): void {
    this.#silentTicks = 0
    this.#gone = false
    this.#appliedOffset = Math.max(this.#appliedOffset, status.appliedOffset)
    this.#wantsShutdown ||= status.wantsShutdown
    for (const ref of status.deadLogs) if (status.appliedOffset >= (this.#takenOff.get(refKey(ref)) ?? 0)) this.#deadLogs.set(refKey(ref), ref)
    for (const report of status.leaderless) this.#keepReport(report, image)
  }

  /**
   * The dead log of a replica that was taken off is gone with it: should the partition come back, its log is made anew. The old one cannot join meanwhile,
   * for the leader epoch has risen, and a dead log asks for nothing in the new one (rules R6.4).
   */
  forgetDeadLogs(image: MetadataImage): void {
    for (const [key, { topicId, partition }] of this.#deadLogs) {
      if (image.topics.get(topicId)?.partitions[partition]?.replicas.includes(this.nodeId) !== false) continue
      this.#deadLogs.delete(key)
      this.#takenOff.set(key, image.offset)
    }
  }

  /** Reports are kept only for replicas that it has, so that they are bounded by the metadata. */
  #keepReport(report: LeaderlessReport, image: MetadataImage): void {
    const state = image.topics.get(report.topicId)?.partitions[report.partition]
    if (state === undefined || !state.replicas.includes(this.nodeId) || report.partitionEpoch < state.partitionEpoch) return
    const key = refKey(report)
    const before = this.#reports.get(key)
    if (before === undefined || before.partitionEpoch < report.partitionEpoch) {
      this.#reports.set(key, report)
    } else if (before.partitionEpoch === report.partitionEpoch) {
      this.#reports.set(key, { ...report, suspect: before.suspect || report.suspect, damaged: before.damaged || report.damaged })
    }
  }

  /** The partition changed or is gone: what was said about its earlier epochs is void. */
  forgetReport(ref: PartitionRef, presentEpoch: number | undefined): void {
    const key = refKey(ref)
    const report = this.#reports.get(key)
    if (report !== undefined && (presentEpoch === undefined || report.partitionEpoch < presentEpoch)) this.#reports.delete(key)
  }

  /** What the image should become by what is known of this broker, unless it was asked for just now. */
  commands(broker: BrokerImage, image: MetadataImage, fenceTicks: number): InternalCommand[] {
    const { nodeId, brokerEpoch } = this
    const alive = this.isAlive(fenceTicks)
    const commands: InternalCommand[] = []
    if (this.#isDue('fence', !broker.fenced && !alive)) commands.push({ type: 'fence', nodeId, brokerEpoch })
    const mayServe = alive && this.#appliedOffset > brokerEpoch && !this.#wantsShutdown
    if (this.#isDue('unfence', broker.fenced && mayServe)) commands.push({ type: 'unfence', nodeId, brokerEpoch })
    if (this.#isDue('drain', !broker.fenced && !broker.draining && alive && this.#wantsShutdown)) commands.push({ type: 'drain', nodeId, brokerEpoch })
    if (this.#deadLogs.size === 0) return commands
    const partitions = [...this.#deadLogs].filter(([key, ref]) => this.#isDue(`dead ${key}`, this.#isInSync(ref, image))).map(([, ref]) => ref)
    if (partitions.length > 0) commands.push({ type: 'deadLogs', nodeId, brokerEpoch, partitions })
    return commands
  }

  #isInSync(ref: PartitionRef, image: MetadataImage): boolean {
    const isr = image.topics.get(ref.topicId)?.partitions[ref.partition]?.isr
    return isr?.some((member) => member.nodeId === this.nodeId && member.brokerEpoch === this.brokerEpoch) ?? false
  }

  #isDue(kind: string, wanted: boolean): boolean {
    if (!wanted) {
      this.#asked.delete(kind)
      return false
    }
    if (this.#asked.has(kind)) return false
    this.#asked.set(kind, REPEAT_TICKS)
    return true
  }
}
