import { BrokerError } from '../../../src/base/errors.ts'
import type { Admin } from '../../../src/client/admin.ts'
import type { TopicInfo } from '../../../src/wire/api.ts'
import { waitFor } from '../cluster-process.ts'
import { orStuck } from './stuck.ts'

const SETTLE_LIMIT_MS = 60_000

type PartitionState = TopicInfo['partitions'][number]

/** Fulfilled when all partitions, of these topics, have a leader and all their replicas in sync. */
export async function untilAllInSync(admin: Admin, isOurs: (topic: string) => boolean = () => true): Promise<void> {
  await untilAll(admin, 'every replica is in sync', ({ leader, replicas, isr }) => leader !== -1 && isr.length === replicas.length, isOurs)
}

/** Fulfilled when no partition of these topics is on its way to other brokers. */
export async function untilNothingMoves(admin: Admin, isOurs: (topic: string) => boolean): Promise<void> {
  await untilAll(admin, 'no partition moves', ({ addingReplicas, removingReplicas }) => addingReplicas.length + removingReplicas.length === 0, isOurs)
}

async function untilAll(
  admin: Admin,
  what: string,
  test: (partition: PartitionState) => boolean,
  isOurs: (topic: string) => boolean = () => true,
): Promise<void> {
  let why = 'nobody says so'
  const look = async (): Promise<true | undefined> => {
    try {
      const partitions = (await admin.describeTopics()).flatMap(({ name, partitions: all }) => (isOurs(name) ? all.map((one) => ({ name, one })) : []))
      const other = partitions.find(({ one }) => !test(one))
      if (other === undefined) return true
      const { partition, leader, replicas, isr } = other.one
      why = `${other.name}-${partition} has leader ${leader} and ISR ${isr.join(',')} of ${replicas.join(',')}`
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      why = error.message
    }
    return undefined
  }
  await orStuck(waitFor(what, SETTLE_LIMIT_MS, look), () => `: ${why}`)
}
