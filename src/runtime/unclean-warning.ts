import type { Logger } from '../base/log-line.ts'
import type { MetadataDelta, MetadataImage } from '../metadata/image.ts'
import { isUncleanElection } from '../metadata/partition-rules.ts'

/** Records may be gone for good: whoever looks for them must find when that was decided, and who held them (rules R5.7). */
export function warnOfUncleanElections(logger: Logger, before: MetadataImage, after: MetadataImage, delta: MetadataDelta): void {
  for (const [topicId, partitions] of delta.topics) {
    const topic = after.topics.get(topicId)
    if (topic === undefined) continue
    for (const partition of partitions) {
      const old = before.topics.get(topicId)?.partitions[partition]
      const now = topic.partitions[partition]
      if (old === undefined || now === undefined || !isUncleanElection(old, now)) continue
      const { leader, leaderEpoch } = now
      const eligible = [...old.isr.map(({ nodeId }) => nodeId), ...old.elr].filter((nodeId) => nodeId !== leader)
      const fields = { topic: topic.name, partition, leader, leaderEpoch, eligible }
      const holders = eligible.length === 0 ? 'only others held' : `only ${eligible.join(', ')} held`
      logger.warn(fields, `controller: unclean election: ${leader} leads ${topic.name}-${partition}; what ${holders} is given up`)
    }
  }
}
