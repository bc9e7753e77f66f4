import type { Key } from '../operations/operation.ts'
import { type Place, type Places, PARTITIONS_PER_TOPIC } from './places.ts'

/** Keys of topics that are made anew begin here: no other key comes so far. */
const FIRST_KEY = 1_000_000

export function isReborn(key: Key): boolean {
  return key >= FIRST_KEY
}

/** One topic that is deleted and made again by the same name: each of its lives has keys of its own, though they are the same partitions. */
export class RebornPlaces implements Places {
  readonly topic: string
  #life = 0

  constructor(topicPrefix: string) {
    this.topic = `${topicPrefix}reborn`
  }

  /** Of its present life. */
  get keys(): readonly Key[] {
    return Array.from({ length: PARTITIONS_PER_TOPIC }, (_, partition) => this.keyOf({ topic: this.topic, partition }))
  }

  beginLife(): void {
    this.#life++
  }

  placeOf(key: Key): Place {
    return { topic: this.topic, partition: key % PARTITIONS_PER_TOPIC }
  }

  keyOf({ partition }: Place): Key {
    return FIRST_KEY + this.#life * PARTITIONS_PER_TOPIC + partition
  }
}
