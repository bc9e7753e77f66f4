import { BrokerError } from '../../../src/base/errors.ts'
import { sleep } from '../cluster-process.ts'
import { type Fault, type ClientWorld, pickSome, type RunningFault } from './fault.ts'
import { untilNothingMoves } from './settled.ts'

const MOVE_EVERY_MS = 500

/** Sends one partition of some topic to brokers that are drawn. Answers whether the cluster took it. */
async function moveOne({ cluster, random, admin, isOurs }: ClientWorld): Promise<boolean> {
  try {
    const topics = (await admin.describeTopics()).filter(({ name }) => isOurs(name))
    const { name: topic, partitions } = topics[random.integer(Math.max(1, topics.length))] ?? { name: '', partitions: [] }
    const chosen = partitions[random.integer(Math.max(1, partitions.length))]
    if (chosen === undefined) return false
    const wanted = chosen.replicas.length - chosen.addingReplicas.length
    const moves = [{ topic, partition: chosen.partition, replicas: pickSome(random, cluster.nodeIds, wanted) }]
    return (await admin.alterReassignments({ moves })).every(({ error }) => error === null)
  } catch (error) {
    // Under other faults nobody may answer, or decide.
    if (error instanceof BrokerError) return false
    throw error
  }
}

async function reassign(world: ClientWorld): Promise<RunningFault> {
  let taken = 0
  let isHealing = false
  const moving = (async () => {
    while (!isHealing) {
      if (await moveOne(world)) taken++
      await sleep(MOVE_EVERY_MS)
    }
  })()
  moving.catch(() => undefined)
  return {
    detail: 'one partition after the other',
    observe: async () => ({ isSeen: taken > 0, what: `${taken} moves were begun` }),
    heal: async () => {
      isHealing = true
      await moving
    },
    settle: () => untilNothingMoves(world.admin, (topic) => world.isOurs(topic)),
  }
}

export const moves: readonly Fault<ClientWorld>[] = [
  { name: 'reassign', about: 'partitions move to other brokers all the time', kind: 'admin', minNodes: 4, begin: reassign },
]
