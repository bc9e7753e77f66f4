import type { MetadataImage } from '../../src/metadata/image.ts'
import type { PartitionState } from '../../src/metadata/records.ts'

const list = (nodeIds: readonly number[]): string => (nodeIds.length === 0 ? 'none' : nodeIds.join(' '))

/** Members in the order of their ids: in which one they joined is no part of a story. */
export const isrOf = (state: PartitionState): number[] => state.isr.map(({ nodeId }) => nodeId).sort((left, right) => left - right)

/** Says what decisions changed, as the newest applied image shows it: fences, leaders, in-sync replicas. */
export class Narrator {
  readonly #tell: (line: string) => void
  #image: MetadataImage | undefined

  constructor(tell: (line: string) => void) {
    this.#tell = tell
  }

  look(image: MetadataImage | undefined): void {
    const before = this.#image
    if (image === before || image === undefined) return
    this.#image = image
    for (const { nodeId, fenced, draining } of image.brokers.values()) {
      const known = before?.brokers.get(nodeId)
      if (fenced !== (known?.fenced ?? true)) this.#tell(fenced ? `node ${nodeId} is fenced` : `node ${nodeId} is in service`)
      if (draining && known?.draining !== true) this.#tell(`node ${nodeId} is draining`)
    }
    for (const topic of image.topics.values()) {
      for (const state of topic.partitions) {
        const known = before?.topics.get(topic.topicId)?.partitions[state.partition]
        const line = describe(topic.name, state)
        if (known === undefined || describe(topic.name, known) !== line) this.#tell(line)
      }
    }
    for (const topic of before?.topics.values() ?? []) if (!image.topics.has(topic.topicId)) this.#tell(`topic ${topic.name} is deleted`)
  }
}

function describe(topic: string, state: PartitionState): string {
  const { leader, leaderEpoch, elr, unclean } = state
  const who = leader === -1 ? 'no leader' : `leader ${leader}`
  return `${topic}-${state.partition}: ${who}, epoch ${leaderEpoch}, ISR ${list(isrOf(state))}${elr.length > 0 ? `, ELR ${list(elr.toSorted())}` : ''}${unclean ? ', unclean' : ''}`
}

/** `node 1`, `nodes 1 2`. */
export const named = (nodeIds: readonly number[]): string => `${nodeIds.length === 1 ? 'node' : 'nodes'} ${nodeIds.join(' ')}`

export const are = (nodeIds: readonly number[]): string => (nodeIds.length === 1 ? 'is' : 'are')
