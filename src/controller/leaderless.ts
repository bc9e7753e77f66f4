import type { MetadataDelta, MetadataImage } from '../metadata/image.ts'
import type { PartitionState } from '../metadata/records.ts'
import type { PartitionRef } from './commands.ts'
import type { Evidence } from './context.ts'
import { electByReports } from './elections.ts'
import { refKey } from './partition-ref.ts'
import { REPEAT_TICKS } from './session.ts'
import { uncleanOutlook } from './unclean-election.ts'

/** One partition without a leader: waiting for reports (choosing null) --one is electable--> choosing --elected--> asked for. */
interface Item {
  readonly state: PartitionState
  /** Ticks since somebody became electable, cleanly or by what the topic allows; null while nobody is. */
  choosing: { readonly unclean: boolean; waitedTicks: number } | null
  /** Ticks until an election that was asked for is asked for again. */
  askedTicks: number
}

type IsExpected = (nodeId: number, ref: PartitionRef) => boolean

/** Partitions to elect now: where nothing is given up, and where something may be. */
export interface DueElections {
  readonly clean: readonly PartitionRef[]
  readonly unclean: readonly PartitionRef[]
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
    else if (this.#items.get(key)?.state !== state) this.#items.set(key, { state, choosing: null, askedTicks: 0 })
  }

  /** Returns the keys for which time itself may have changed the answer. */
  tick(): string[] {
    const due: string[] = []
    for (const [key, item] of this.#items) {
      if (item.askedTicks > 0) item.askedTicks--
      if (item.choosing === null) continue
      item.choosing.waitedTicks++
      due.push(key)
    }
    return due
  }

  /**
   * Those of `keys` to elect now. `isExpected`: a replica without a report that may still report. For such ones an election waits, at
   * most electWaitTicks and only once somebody is electable: it is about choosing better, never about choosing at all.
   */
  elect(keys: Iterable<string>, evidence: Evidence, isExpected: IsExpected): DueElections {
    const clean: PartitionRef[] = []
    const unclean: PartitionRef[] = []
    for (const key of keys) {
      const item = this.#items.get(key)
      if (item === undefined || item.askedTicks > 0 || !this.#isDue(item, evidence, isExpected)) continue
      item.askedTicks = REPEAT_TICKS
      const refs = item.choosing?.unclean === true ? unclean : clean
      refs.push({ topicId: item.state.topicId, partition: item.state.partition })
    }
    return { clean, unclean }
  }

  #isDue(item: Item, evidence: Evidence, isExpected: IsExpected): boolean {
    const { state } = item
    const { leader, missing } = electByReports(state, evidence)
    const outlook = leader === -1 ? uncleanOutlook(state, evidence) : undefined
    if (leader === -1 && outlook === undefined) {
      item.choosing = null
      return false
    }
    const isUnclean = outlook !== undefined
    if (item.choosing?.unclean !== isUnclean) item.choosing = { unclean: isUnclean, waitedTicks: 0 }
    const isWaitOver = item.choosing.waitedTicks >= this.#electWaitTicks
    const areExpected = (nodeIds: readonly number[]): boolean => nodeIds.some((nodeId) => isExpected(nodeId, state))
    if (outlook === undefined) return isWaitOver || !areExpected(missing)
    // A member that is up is waited for however long that takes, one that is away as long as a quick restart takes.
    if (areExpected(outlook.missing)) return false
    return isWaitOver || (outlook.missing.length === 0 && !areExpected(outlook.others))
  }
}
