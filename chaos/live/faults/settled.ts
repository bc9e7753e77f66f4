import { BrokerError } from '../../../src/base/errors.ts'
import type { Admin } from '../../../src/client/admin.ts'
import type { TopicInfo } from '../../../src/wire/api.ts'
import { waitFor } from '../cluster-process.ts'

const SETTLE_LIMIT_MS = 60_000

type PartitionState = TopicInfo['partitions'][number]

/** Fulfilled when all partitions have a leader and all their replicas in sync. */
export async function untilAllInSync(admin: Admin): Promise<void> {
  await untilAll(admin, 'every replica is in sync', ({ leader, replicas, isr }) => leader !== -1 && isr.length === replicas.length)
}

/** Fulfilled when no partition is on its way to other brokers. */
export async function untilNothingMoves(admin: Admin): Promise<void> {
  await untilAll(admin, 'no partition moves', ({ addingReplicas, removingReplicas }) => addingReplicas.length + removingReplicas.length === 0)
}

async function untilAll(admin: Admin, what: string, test: (partition: PartitionState) => boolean): Promise<void> {
  await waitFor(what, SETTLE_LIMIT_MS, async () => {
    try {
      const topics = await admin.describeTopics()
      return topics.every(({ partitions }) => partitions.every(test)) ? true : undefined
    } catch (error) {
      if (error instanceof BrokerError) return undefined
      throw error
    }
  })
}
