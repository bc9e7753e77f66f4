import { pathOf } from '../../chaos/check/durable-folders.ts'
import type { Admin } from '../../src/client/admin.ts'
import { fetchAnswers, fetches } from './messages.ts'
import { scenario } from './scenario.ts'
import type { Story } from './story.ts'

const FIVE = { nodes: 5 }
const ORDERS = 'partitions/orders-0'

/** Goes on until the operator is told what came of it. */
async function asks(story: Story, what: string, call: (admin: Admin, timeoutMs: number) => Promise<unknown>): Promise<void> {
  const asked = story.asks(what, call)
  await story.goOn('who asked has an answer', () => asked.code !== undefined)
  story.says(asked.code === null ? 'it is done' : `the operator is told ${asked.code}`)
}

function moveTo(replicas: readonly number[]): (admin: Admin, timeoutMs: number) => Promise<unknown> {
  return (admin, timeoutMs) => admin.alterReassignments({ moves: [{ topic: 'orders', partition: 0, replicas }], timeoutMs })
}

scenario(
  'taken-off-and-back-with-an-old-report',
  'a replica is taken off, and comes back with an empty log; how far it was synced before is heard only then, and counts for nothing (R5.10)',
  async (story) => {
    await story.topic()
    await story.send(5)
    const late = story.net.hold('what node 3 says to its leader is late', fetches({ from: 3 }))
    const batch = story.submit(1)
    await story.until('node 3 has it on its disk', () => story.replica(3)?.log.syncedEndOffset === 6)
    await asks(story, 'orders-0 to move to nodes 1 2 4', moveTo([1, 2, 4]))
    await story.untilIsr([1, 2, 4])
    await story.settle(batch)
    await story.until('node 3 holds nothing of it', () => story.replica(3) === undefined)
    await asks(story, 'orders-0 to move back to nodes 1 2 3', moveTo([1, 2, 3]))
    await story.until('node 3 has an empty replica', () => story.replica(3)?.log.endOffset === 0)
    const silent = story.net.hold('node 3 gets no data', fetchAnswers({ to: 3 }))
    story.net.release(late, 'all that node 3 said arrives')
    await story.wait(1_000)
    story.net.drop(silent, 'node 3 gets data')
    await story.untilIsr([1, 2, 3])
    await story.show()
    await story.send(1)
  },
  FIVE,
)

scenario(
  'taken-off-and-back-once-its-log-died',
  'the log of a replica dies of a failed write, and the partition is moved away from there and back: the new log joins, though the process is the same (R5.2)',
  async (story) => {
    await story.topic()
    await story.send(5)
    story.says('the next write of node 3 to orders-0 fails')
    story.cluster.node(3).disk.failNext('write', 'partitions/orders-0')
    await story.send(1)
    await story.untilIsr([1, 2])
    await asks(story, 'orders-0 to move to nodes 1 2 4', moveTo([1, 2, 4]))
    await story.untilIsr([1, 2, 4])
    await story.until('node 3 holds nothing of it', () => story.replica(3) === undefined)
    await asks(story, 'orders-0 to move back to nodes 1 2 3', moveTo([1, 2, 3]))
    await story.untilIsr([1, 2, 3])
    await story.show()
  },
  FIVE,
)

scenario(
  'a-move-waits-for-those-that-stay',
  'a replica is to go while one of those that stay is down: it goes once that one holds what was acknowledged (R5.10)',
  async (story) => {
    await story.topic()
    await story.send(3)
    story.kill(2)
    await story.untilIsr([1, 3])
    await story.send(3)
    await asks(story, 'orders-0 to move to nodes 1 2', moveTo([1, 2]))
    await story.wait(3_000)
    story.claim('node 3 is there still', story.state().replicas.join() === '1,2,3')
    await story.send(1)
    await story.start(2)
    await story.until('node 3 is not', () => story.state().replicas.join() === '1,2')
    await story.show()
    await story.send(1)
  },
  FIVE,
)

scenario(
  'moved-to-another-disk-under-load',
  'the only replica moves to another disk of its node while records come in, and the process dies as soon as the copy is said to be the one: it has all that was acknowledged (R3.8)',
  async (story) => {
    await story.topic('orders', { replicas: [1] })
    const load = story.load(3)
    await story.pass(500)
    const { disks, durable } = story.cluster.node(1)
    const other = 1 - durable.folderOf(ORDERS)
    story.says('the other disk of node 1 is slow')
    disks[other]?.slow(20)
    const call = (admin: Admin) => admin.alterReplicaLogDirs({ nodeId: 1, partitions: [{ topic: 'orders', partition: 0 }], path: pathOf(other) })
    await asks(story, 'orders-0 of node 1 to move to its other disk', call)
    await story.until('the note of where it stands names that one', () => durable.folderOf(ORDERS) === other)
    story.kill(1)
    await story.start(1)
    await story.untilLeader(1)
    await story.endLoad(load)
  },
  { nodes: 5, folders: 2 },
)

scenario(
  'maintenance-gives-leaderships-away',
  'a broker in maintenance stays in sync and leads nothing that another can lead, whoever dies or comes back, and whichever process of it runs (R5.11)',
  async (story) => {
    const maintain = (nodeId: number, maintenance: boolean): Promise<void> =>
      asks(story, `broker ${nodeId} ${maintenance ? 'to go into' : 'to come out of'} maintenance`, (admin, timeoutMs) =>
        admin.alterMaintenance({ nodeId, maintenance, timeoutMs }),
      )
    await story.topic()
    await maintain(1, true)
    await story.untilLeader(2)
    await story.send(3)
    story.kill(2)
    await story.untilLeader(3)
    await story.start(2)
    await story.untilIsr([1, 2, 3])
    await maintain(3, true)
    await story.untilLeader(2)
    story.kill(2)
    await story.untilIsr([1, 3])
    story.claim('where there is no other, a broker in maintenance leads', story.state().leader === 1)
    await story.start(2)
    await story.untilIsr([1, 2, 3])
    story.claim('the first that joins leads', story.state().leader === 2)
    await maintain(2, true)
    await maintain(3, false)
    await story.untilLeader(3)
    story.kill(1)
    await story.untilIsr([2, 3])
    await story.start(1)
    await story.untilIsr([1, 2, 3])
    await story.electPreferred()
    await story.send(3)
    story.claim('node 3 leads: the marks outlive the processes', story.state().leader === 3 && story.broker(1)?.maintenance === true)
  },
  FIVE,
)

scenario(
  'leaderships-go-back-by-themselves',
  'a leader dies, and is back: once it is in sync it leads what it led, and nobody asked for that (R5.12)',
  async (story) => {
    await story.topic()
    await story.send(3)
    story.kill(1)
    await story.untilLeader(2)
    await story.wait(5_000)
    story.claim('who is away does not lead', story.state().leader === 2)
    await story.start(1)
    await story.untilIsr([1, 2, 3])
    await story.untilLeader(1)
    await story.send(3)
  },
  { nodes: 5, config: { leaderBalanceMs: 2_000 } },
)

scenario(
  'unregistered-once-nothing-is-left',
  'a broker is not unregistered while it holds a replica, nor while it runs; then it is, and comes back as a new one (R5.13)',
  async (story) => {
    await story.topic('orders', { replicas: [5, 1, 2] })
    await story.send(3)
    const unregister = (): Promise<void> => asks(story, 'broker 5 to be unregistered', (admin, timeoutMs) => admin.unregisterBroker({ nodeId: 5, timeoutMs }))
    story.kill(5)
    await story.untilLeader(1)
    await unregister()
    await story.start(5)
    await story.until('broker 5 serves', () => story.broker(5)?.fenced === false)
    await asks(story, 'orders-0 to move to nodes 1 2 3', moveTo([1, 2, 3]))
    await story.untilIsr([1, 2, 3])
    await unregister()
    const before = story.broker(5)?.brokerEpoch ?? -1
    story.kill(5)
    await story.until('broker 5 is fenced', () => story.broker(5)?.fenced === true)
    await unregister()
    story.claim('it is no broker any more', story.broker(5) === undefined)
    await story.start(5)
    await story.until('broker 5 serves', () => story.broker(5)?.fenced === false)
    story.claim('under a new broker epoch', (story.broker(5)?.brokerEpoch ?? -1) > before)
    await story.send(3)
  },
  { nodes: 5, voters: 3 },
)

scenario(
  'deleted-once-all-in-sync-have-it',
  'records are deleted, and a replica in sync says nothing: the operator is answered once its disk has the new start too (R6.9)',
  async (story) => {
    await story.topic()
    await story.send(9)
    const late = story.net.hold('what node 3 says to its leader is late', fetches({ from: 3 }))
    const asked = story.asks('the deletion of 5 records', (admin, timeoutMs) =>
      admin.deleteRecords([{ topic: 'orders', partition: 0, beforeOffset: 5 }], { timeoutMs }),
    )
    await story.until('node 2 begins there', () => story.replica(2)?.log.startOffset === 5)
    await story.wait(1_000)
    story.claim('the operator has no answer', asked.code === undefined)
    story.net.release(late, 'it arrives')
    await story.until('the operator has an answer', () => asked.code !== undefined)
    story.claim('it is done', asked.code === null && story.replica(3)?.log.startOffset === 5)
    await story.send(1)
  },
  FIVE,
)
