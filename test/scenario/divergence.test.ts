import { scenario } from './scenario.ts'
import { divergence, fetchAnswers, fetches, isFenced } from './messages.ts'

const FIVE = { nodes: 5 }

scenario(
  'restarted-follower-keeps-its-tail',
  'KIP-101, first case: a follower restarts, and its leader dies before it fetches again; it had cut nothing, so nothing is lost (R6.2)',
  async (story) => {
    await story.topic()
    story.kill(3)
    await story.untilIsr([1, 2])
    const hold = story.net.hold('the high watermark does not reach node 2 any more', fetchAnswers({ to: 2, highWatermarkAbove: 0 }))
    await story.send(5)
    await story.stop(2)
    story.net.hold('node 2 will not fetch', fetches({ from: 2 }))
    await story.start(2)
    await story.show()
    story.kill(1)
    await story.untilLeader(2)
    await story.show()
    story.net.drop(hold, 'the high watermark is news again')
  },
  FIVE,
)

scenario(
  'two-tails-after-power-losses',
  'KIP-101, second case: both replicas lose power and come back with different records at the same offsets; in the end they hold the same (R6.2)',
  async (story) => {
    await story.topic()
    await story.send(3)
    story.kill(3)
    await story.untilIsr([1, 2])
    const hold = story.net.hold('what node 1 appends does not reach node 2', fetchAnswers({ to: 2 }))
    const first = story.submit(3)
    await story.until('node 1 has them on its disk', () => story.replica(1)?.log.syncedEndOffset === 6)
    story.powerLoss(1)
    story.net.drop(hold, 'node 2 hears again')
    await story.untilLeader(2)
    const hasty = story.producer('a producer with acks=1', { acks: 1 })
    await story.send(2, hasty)
    story.powerLoss(2)
    await story.start(1, 2)
    await story.untilNewLeader()
    await story.settle(first)
    await story.untilIsr([1, 2])
    await story.show()
  },
  FIVE,
)

scenario(
  'three-elections-without-a-record',
  'KIP-279: three elections at a run, the last leader never appended; replicas with tails of other epochs agree with it (R6.2)',
  async (story) => {
    await story.topic()
    await story.send(3)
    const hold = story.net.hold('followers get no data', fetchAnswers({}))
    const first = story.submit(3)
    await story.until('node 1 has a tail of epoch 0', () => story.replica(1)?.log.syncedEndOffset === 6)
    story.kill(1)
    await story.untilLeader(2)
    const hasty = story.producer('a producer with acks=1', { acks: 1 })
    await story.send(2, hasty)
    story.kill(2)
    await story.untilLeader(3)
    story.net.drop(hold, 'data flows again')
    await story.start(1, 2)
    await story.untilIsr([1, 2, 3])
    await story.settle(first)
    await story.show()
  },
  FIVE,
)

scenario(
  'old-epoch-fetch',
  'KIP-320: a follower of an older epoch fetches from the new leader, and counts for nothing (R6.1)',
  async (story) => {
    await story.topic()
    await story.send(3)
    const hold = story.net.hold('node 3 learns of no decision any more', (_from, to, message) => to === 3 && 'type' in message && message.type === 'raft')
    await story.send(1)
    story.kill(1)
    await story.untilLeader(2)
    await story.start(1)
    await story.untilIsr([1, 2])
    await story.electPreferred()
    await story.untilLeader(1)
    const answers = story.net.overhear(fetchAnswers({ to: 3 }))
    await story.send(3)
    await story.show()
    story.claim('all that node 3 is answered is FENCED_LEADER_EPOCH', answers.length > 0 && answers.every(isFenced))
    story.net.release(hold, 'node 3 learns of it all')
    await story.untilIsr([1, 2, 3])
  },
  { nodes: 5, controller: 5 },
)

scenario(
  'told-twice-where-to-cut',
  'a follower is told where its log parts from the leader’s, cuts, and has caught up when it is told the same a second time: it was not asked for, and cuts nothing (R6.2)',
  async (story) => {
    await story.topic()
    await story.send(3)
    const hold = story.net.hold('node 2 gets no data', fetchAnswers({ to: 2 }))
    const first = story.submit(3)
    await story.until('node 3 has them', () => story.replica(3)?.log.syncedEndOffset === 6)
    story.kill(1)
    const told = story.net.hold('what node 3 is told of its tail comes twice', divergence({ to: 3 }))
    await story.untilLeader(2)
    story.net.drop(hold, 'node 2 hears again')
    await story.until('node 3 is told where to cut', () => told.hits > 0)
    story.net.sendCopies(told, 'that arrives')
    await story.settle(first)
    await story.send(2)
    await story.show()
    story.net.release(told, 'the same arrives again')
    await story.show()
    await story.send(2)
  },
  FIVE,
)

scenario(
  'cut-while-the-disk-is-at-it',
  'a follower cuts what its slow disk is still writing, and takes in other records there: when the disk has done the first, nothing of the second counts (R3.2)',
  async (story) => {
    await story.topic()
    await story.send(3)
    const { disk, durable } = story.cluster.node(3)
    const hold = story.net.hold('node 2 gets no data', fetchAnswers({ to: 2 }))
    story.says('the disk of node 3 is slow')
    disk.slow(1_000)
    const first = story.submit(3)
    await story.until('node 3 has them in memory', () => story.replica(3)?.log.endOffset === 6)
    story.kill(1)
    await story.untilLeader(2)
    story.net.drop(hold, 'node 2 hears again')
    await story.until(
      'node 3 has the first of the next epoch in their place',
      () => story.replica(3)?.leaderEpoch === 1 && story.replica(3)?.log.endOffset === 6,
    )
    await story.until('the disk of node 3 has what was cut', () => durable.endOffset('partitions/orders-0') === 6)
    await story.pass(20)
    story.powerLoss(3)
    disk.clearFaults()
    await story.start(3)
    await story.settle(first)
    await story.show()
  },
  FIVE,
)
