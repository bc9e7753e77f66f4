import { scenario } from './scenario.ts'
import { flipLastByte } from './suspects.ts'

const SLOW_DISK = { diskLatencyMs: { min: 5, max: 40 } }

scenario(
  'all-nodes-lose-power',
  'all nodes lose power at once, under load: one that is back alone leads nothing, and nothing acknowledged is lost (R1.1, R5.7)',
  async (story) => {
    await story.topic()
    const load = story.load(20)
    await story.pass(2_000)
    story.powerLoss(1, 2, 3)
    await story.pass(1_000)
    await story.start(1)
    await story.wait(10_000)
    story.claim('one node alone leads nothing', story.controller === -1)
    await story.start(2, 3)
    await story.untilNewLeader()
    await story.untilIsr([1, 2, 3])
    await story.endLoad(load)
  },
  SLOW_DISK,
)

scenario(
  'two-of-three-are-back',
  'all nodes lose power, and two come back: the first of them had left the ISR before the others were known to be gone, so that the partition waits for the third (R5.3, R5.7)',
  async (story) => {
    await story.topic()
    await story.send(5)
    story.powerLoss(1, 2, 3)
    await story.start(1, 2)
    await story.wait(20_000)
    story.claim('nodes 1 and 2 decide, and nobody leads', story.controller !== -1 && story.state().leader === -1)
    await story.start(3)
    await story.untilNewLeader()
    await story.show()
  },
)

scenario(
  'last-batch-of-the-first-elected-flipped',
  'all nodes are killed, and the last batch of the preferred leader is flipped meanwhile: it says that it is damaged, another is elected, and it is repaired (R3.3, R5.7)',
  async (story) => {
    await story.topic()
    await story.send(8)
    await story.pass(6_000)
    story.kill(1, 2, 3)
    flipLastByte(story, 1)
    await story.start(1, 2, 3)
    await story.untilNewLeader()
    story.claim('it is not node 1', story.state().leader !== 1)
    await story.show()
    await story.send(2)
    await story.untilIsr([1, 2, 3])
    await story.show()
  },
)

scenario(
  'leader-back-within-100-ms',
  'a leader loses power with a tail that is not synced, and is back within 100 ms: as a new process it leads nothing by its old epoch (R5.3, R5.4)',
  async (story) => {
    await story.topic()
    await story.send(5)
    const batch = story.submit(5)
    await story.until('its log has a tail that is not synced', () => (story.replica(1)?.log.endOffset ?? 0) > (story.replica(1)?.log.syncedEndOffset ?? 0))
    story.powerLoss(1)
    await story.pass(20)
    await story.start(1)
    await story.until('it is in service again', () => story.broker(1)?.fenced === false && story.state().leaderEpoch > 0)
    await story.settle(batch)
    await story.untilIsr([1, 2, 3])
    await story.show()
  },
  SLOW_DISK,
)

scenario(
  'all-disks-full',
  'all disks are full: produce is refused before anything breaks, the metadata log has its reserve, and with room again all goes on (R3.5)',
  async (story) => {
    await story.topic()
    await story.send(5)
    await story.wait(15_000)
    story.fillDisks(64 * 1024)
    await story.pass(3_000)
    const short = story.producer('a producer that waits for 3 s', { deliveryTimeoutMs: 3_000 })
    await story.send(3, short)
    await story.read('a consumer')
    await story.topic('letters')
    await story.wait(10_000)
    await story.show()
    story.freeDisks()
    await story.send(5)
    await story.show()
  },
)

scenario(
  'no-byte-is-left',
  'from one moment to the next no disk has a byte left, while records are on their way: nobody dies of it, decisions go on with the reserve, and what waited is written once there is room (R3.5)',
  async (story) => {
    await story.topic()
    await story.send(5)
    await story.wait(15_000)
    story.fillDisks(0)
    const batch = story.submit(3)
    await story.wait(5_000)
    story.claim(
      'no node and no log has died',
      [1, 2, 3].every((nodeId) => story.broker(nodeId)?.fenced === false && story.replica(nodeId)?.leaderEpoch === 0),
    )
    const short = story.producer('a producer that waits for 3 s', { deliveryTimeoutMs: 3_000 })
    await story.send(3, short)
    await story.topic('letters')
    await story.deleteTopic('letters')
    await story.show()
    story.freeDisks()
    await story.settle(batch)
    await story.send(2)
    await story.show()
  },
)

scenario(
  'made-while-two-of-three-are-away',
  'a topic is made while one of its three nodes is up, and the disk of that one is replaced before the others are back: they never held anything, nor did anybody else need to (R5.8)',
  async (story) => {
    story.kill(2, 3)
    await story.until('nobody takes them for alive', () => [2, 3].every((nodeId) => story.broker(nodeId)?.fenced === true))
    await story.topic('orders', { away: [2, 3] })
    story.kill(1)
    await story.until('node 1 is not taken for alive', () => story.broker(1)?.fenced === true)
    story.wipe(1)
    await story.start(1)
    await story.until('it is known to have another disk', () => story.state().elr.join() === '2,3')
    await story.start(2, 3)
    await story.untilNewLeader()
    await story.untilIsr([1, 2, 3])
    await story.send(3)
    await story.show()
  },
  { nodes: 7 },
)

scenario('all-nodes-paused', 'all nodes stand still for a minute: nobody is fenced for it, and nobody else leads (R5.5)', async (story) => {
  await story.topic()
  await story.send(5)
  const { term } = story
  const batch = story.submit(3)
  story.pause(1, 2, 3)
  await story.wait(60_000)
  story.resume(1, 2, 3)
  await story.settle(batch)
  await story.wait(5_000)
  story.claim('the term is what it was, and so is the leader epoch', story.term === term && story.state().leaderEpoch === 0)
})

scenario(
  'controller-killed-with-its-evidence',
  'a leader is killed, and the active controller before it can act on what it saw: its successor finds evidence of its own (R5.5)',
  async (story) => {
    await story.topic()
    await story.send(5)
    const batch = story.submit(3)
    story.kill(1)
    await story.pass(20)
    story.kill(5)
    await story.untilLeader(2)
    story.claim('another controller decided it', story.controller !== 5 && story.controller !== -1)
    await story.settle(batch)
    await story.show()
  },
  { nodes: 5 },
)
