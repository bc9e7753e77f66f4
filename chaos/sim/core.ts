import type { Random } from '../../src/base/random.ts'
import { effectiveMinInSyncReplicas } from '../../src/controller/configs.ts'
import { replicationFactorOf } from '../../src/metadata/records.ts'
import type { MetadataImage } from '../../src/metadata/image.ts'

/** What becomes of a node outside the core: it is down, nobody hears it, it hears nobody, or both. */
export type Fate = 'down' | 'mute' | 'deaf' | 'cutOff'

/** What is known of the cluster when the faults are over. */
export interface CoreView {
  readonly nodeIds: readonly number[]
  readonly image: MetadataImage
  /** Whether the node leads that partition now, as it and the metadata see it. */
  readonly leads: (nodeId: number, topicId: string, partition: number) => boolean
  /** Whether that image holds all that was decided: else any replica may yet turn out to hold what others do not. */
  readonly isSettled: boolean
  /** Whether a voter can be counted on: its disk forgot nothing. */
  readonly votes: (nodeId: number) => boolean
}

const fates: readonly Fate[] = ['down', 'mute', 'deaf', 'cutOff']

/**
 * Nodes that may stay away for ever, and how, such that the others have to make progress without them: a majority of the voters is there, and of each
 * partition min.insync.replicas replicas that stay, among them either its leader or all that may hold what is committed (rules R5.7). Often none may.
 */
export function drawAbsent(random: Random, view: CoreView): ReadonlyMap<number, Fate> {
  const absent = new Map<number, Fate>()
  const candidates = shuffled(random, view.nodeIds)
  for (const nodeId of candidates.slice(0, random.integer(candidates.length + 1))) {
    const fate = fates[random.integer(fates.length)] as Fate
    const core = new Set(view.nodeIds.filter((other) => other !== nodeId && !absent.has(other)))
    if (makesProgress(core, view)) absent.set(nodeId, fate)
  }
  return absent
}

/** Whether a core of these nodes has to make progress. */
export function makesProgress(core: ReadonlySet<number>, { image, leads, votes, isSettled }: CoreView): boolean {
  const voters = image.voters.filter(({ nodeId }) => core.has(nodeId) && votes(nodeId)).length
  if (2 * voters <= image.voters.length) return false
  for (const { topicId, partitions, configs } of image.topics.values()) {
    for (const state of partitions) {
      const { partition, replicas, isr, elr, leader, reassignment } = state
      // A move may end at any moment: those that it drops leave then, and the factor is that of the others.
      const staying = reassignment?.to ?? replicas
      const minInSyncReplicas = effectiveMinInSyncReplicas(configs, Math.max(replicationFactorOf(state), staying.length))
      if (staying.filter((nodeId) => core.has(nodeId)).length < minInSyncReplicas) return false
      const holders = isSettled ? [...isr.map(({ nodeId }) => nodeId), ...elr] : replicas
      const hasLeader = core.has(leader) && leads(leader, topicId, partition)
      // Where nobody is left that may lead, an operator has to decide.
      if (!hasLeader && (holders.length === 0 || !holders.every((nodeId) => core.has(nodeId)))) return false
    }
  }
  return true
}

function shuffled(random: Random, nodeIds: readonly number[]): readonly number[] {
  const left = [...nodeIds]
  return nodeIds.map(() => left.splice(random.integer(left.length), 1)[0] as number)
}
