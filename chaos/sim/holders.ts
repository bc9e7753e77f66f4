import type { MetadataImage } from '../../src/metadata/image.ts'

/**
 * Replicas of a partition of these topics, all in sync, of which the first should fall behind and the others go: of the one with the fewest voters, so that
 * enough of them are left to elect, and voters first. Undefined: there is none.
 */
export function chooseHolders(image: MetadataImage, topicNames: readonly string[]): readonly number[] | undefined {
  const isVoter = (nodeId: number): boolean => image.voters.some((voter) => voter.nodeId === nodeId)
  const votersOf = (replicas: readonly number[]): number => replicas.filter(isVoter).length
  const whole = [...image.topics.values()]
    .filter(({ name }) => topicNames.includes(name))
    .flatMap(({ partitions }) => partitions)
    .filter(({ isr, replicas }) => isr.length === replicas.length && isr.length > 1)
  const [chosen] = whole.toSorted((left, right) => votersOf(left.replicas) - votersOf(right.replicas))
  return chosen?.replicas.toSorted((left, right) => Number(isVoter(right)) - Number(isVoter(left)))
}
