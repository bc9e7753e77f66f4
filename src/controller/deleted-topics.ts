import type { Uuid } from '../base/ids.ts'
import type { MetadataRecord } from '../metadata/records.ts'

/** The oldest are forgotten: what was on its way for so many deletions has long been given up. */
const MAX_TOPICS = 10_000

/** Of the topics that a decision deletes. */
export function deletedTopicIds(records: readonly MetadataRecord[]): Uuid[] {
  return records.flatMap((record) => (record.type === 'topicDeleted' ? [record.topicId] : []))
}

/**
 * Topics whose deletion this process has seen, be it appended as the active controller or applied as any node: who becomes the active controller has
 * applied what the one before committed. A topic id has one life (rules R2.1): a replica that was away for its end would take another one for the life
 * that it knows. So what was sent to make such a topic, and comes late or twice, makes it no more.
 */
export class DeletedTopics {
  readonly #ids = new Set<Uuid>()

  note(topicIds: readonly Uuid[]): void {
    for (const topicId of topicIds) {
      this.#ids.add(topicId)
      const [oldest] = this.#ids
      if (this.#ids.size > MAX_TOPICS && oldest !== undefined) this.#ids.delete(oldest)
    }
  }

  has(topicId: Uuid): boolean {
    return this.#ids.has(topicId)
  }
}
