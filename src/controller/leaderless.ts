import type { MetadataDelta, MetadataImage } from '../metadata/image.ts'
import type { PartitionState } from '../metadata/records.ts'
import type { PartitionRef } from './commands.ts'
import type { Evidence } from './context.ts'
import { electByReports } from './elections.ts'
import { refKey } from './partition-ref.ts'
import { REPEAT_TICKS } from './session.ts'

/** One partition without a leader: waiting for reports (waitedTicks null) --one is electable--> choosing --elected--> asked for. */
interface Item {
  readonly state: PartitionState
  /** Ticks since somebody became electable, null while nobody is. */
  waitedTicks: number | null
  /** Ticks until an election that was asked for is asked for again. */
  askedTicks: number
}

/** The partitions that have no leader in the applied image, and when to elect one (rules R5.7). */
export class LeaderlessPartitions {
  readonly #electWaitTicks: number
  readonly #items = new Map<string, Item>()

  constructor(electWaitTicks: number) {
    this.#electWaitTicks = electWaitTicks
  }

  get keys(): Iterable<string> {
    return this.#items.keys()
  }

  /** `delta` undefined: anything may have changed. */
  update(image: MetadataImage, delta: MetadataDelta | undefined): void {
    if (delta === undefined) {
      this.#items.clear()
      for (const topic of image.topics.values()) for (const state of topic.partitions) this.#set(state)
      return
    }
    for (const topic of delta.deleted) for (const state of topic.partitions) this.#items.delete(refKey(state))
    for (const [topicId, partitions] of delta.topics) {
      for (const partition of partitions) {
        const state = image.topics.get(topicId)?.partitions[partition]
        if (state !== undefined) this.#set(state)
      }
    }
  }

  #set(state: PartitionState): void {
    const key = refKey(state)
    if (state.leader !== -1) this.#items.delete(key)
    else if (this.#items.get(key)?.state !== state) this.#items.set(key, { state, waitedTicks: null, askedTicks: 0 })
  }

  /** Returns the keys for which time itself may have changed the answer. */
  tick(): string[] {
    const due: string[] = []
    for (const [key, item] of this.#items) {
      if (item.askedTicks > 0) item.askedTicks--
      if (item.waitedTicks === null) continue
      item.waitedTicks++
      due.push(key)
    }
    return due
  }

  /**
   * Those of `keys` to elect now. `isExpected`: a member without a report that may still report. For such ones an election waits, at
   * most electWaitTicks and only once somebody is electable: it is about choosing better, never about choosing at all.
   */
  elect(keys: Iterable<string>, evidence: Evidence, isExpected: (nodeId: number, ref: PartitionRef) => boolean): PartitionRef[] {
    const refs: PartitionRef[] = []
    for (const key of keys) {
      const item = this.#items.get(key)
      if (item === undefined || item.askedTicks > 0) continue
      const { leader, missing } = electByReports(item.state, evidence)
      if (leader === -1) {
        item.waitedTicks = null
        continue
      }
      item.waitedTicks ??= 0
      if (item.waitedTicks < this.#electWaitTicks && missing.some((nodeId) => isExpected(nodeId, item.state))) continue
      item.askedTicks = REPEAT_TICKS
      refs.push({ topicId: item.state.topicId, partition: item.state.partition })
    }
    return refs
  }
}
