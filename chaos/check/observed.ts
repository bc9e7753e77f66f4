import type { LiveReplica, RaftView } from '../../src/broker/surface.ts'
import type { Log } from '../../src/log/surface.ts'
import type { MetadataImage } from '../../src/metadata/image.ts'

/** What the checkers see of one process after a step. `incarnation` is unique in the run: a restart is another process. */
export interface ObservedNode {
  readonly nodeId: number
  readonly incarnation: number
  readonly image: MetadataImage
  readonly metadataLog: Log
  raft(): RaftView
  readonly liveReplicas: Iterable<LiveReplica>
}

export function partitionKey(topicId: string, partition: number): string {
  return `${topicId}/${partition}`
}
