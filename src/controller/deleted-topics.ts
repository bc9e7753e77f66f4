import type { Uuid } from '../base/ids.ts'
import type { MetadataRecord } from '../metadata/records.ts'

/** The oldest are forgotten: what was on its way for so many deletions has long been given up. */
const MAX_TOPICS = 10_000

/**
 * Topics that were deleted in this term of the active controller. A topic id has one life (rules R2.1): a replica that was away for its end would take
 * another one for the life that it knows. So what was sent to make such a topic, and comes late or twice, makes it no more.
 */
export class DeletedTopics {
  readonly #ids = new Set<Uuid>()

  /** Of a decision that was appended. */
  note(records: readonly MetadataRecord[]): void {
    for (const record of records) {
      if (record.type !== 'topicDeleted') continue
      this.#ids.add(record.topicId)
      const [oldest] = this.#ids
      if (this.#ids.size > MAX_TOPICS && oldest !== undefined) this.#ids.delete(oldest)
    }
  }

  has(topicId: Uuid): boolean {
    return this.#ids.has(topicId)
  }
}
