import { assert } from '../base/assert.ts'
import type { Uuid } from '../base/ids.ts'
import type { TopicImage } from './image.ts'
import type { PartitionState } from './records.ts'

/** A topic while a batch is applied: what it changes is copied when it first changes, the rest is shared with the image before. */
export class TopicDraft {
  readonly topicId: Uuid
  readonly name: string
  #partitions: readonly PartitionState[]
  #configs: ReadonlyMap<string, string>
  #ownPartitions: PartitionState[] | undefined
  #ownConfigs: Map<string, string> | undefined

  constructor(topic: TopicImage) {
    this.topicId = topic.topicId
    this.name = topic.name
    this.#partitions = topic.partitions
    this.#configs = topic.configs
  }

  get partitions(): readonly PartitionState[] {
    return this.#partitions
  }

  setPartition(state: PartitionState): void {
    assert(state.partition <= this.#partitions.length, 'partitions of a topic are made in order, without gaps')
    this.#ownPartitions ??= [...this.#partitions]
    this.#ownPartitions[state.partition] = state
    this.#partitions = this.#ownPartitions
  }

  setConfig(key: string, value: string | null): void {
    this.#ownConfigs ??= new Map(this.#configs)
    if (value === null) this.#ownConfigs.delete(key)
    else this.#ownConfigs.set(key, value)
    this.#configs = this.#ownConfigs
  }

  /** The draft is not changed after this. */
  toImage(): TopicImage {
    return { topicId: this.topicId, name: this.name, partitions: this.#partitions, configs: this.#configs }
  }
}
