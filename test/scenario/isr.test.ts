import type { Hold } from '../../chaos/sim/held-messages.ts'
import { commands, commandReplies, decisions, fetchAnswers, fetches, replyCode, status } from './messages.ts'
import { isrOf } from './narrator.ts'
import { scenario } from './scenario.ts'
import type { Story } from './story.ts'

const FIVE = { nodes: 5 }

/** Node 3 left the ISR and has caught up again; that node 1 wants it back is held on its way to the controller. */
async function proposeNode3(story: Story): Promise<Hold> {
  await story.topic()
  await story.send(5)
  const fetching = story.net.hold('node 3 does not fetch any more', fetches({ from: 3 }))
  await story.send(1)
  await story.untilIsr([1, 2])
  const proposals = story.net.hold('what node 1 asks of the controller takes its time', commands({ from: 1 }))
  story.net.drop(fetching, 'node 3 fetches again')
  await story.until('node 1 proposes to take it back', () => proposals.hits > 0)
  return proposals
}

scenario(
  'join-after-election-waits-for-the-epoch-start',
  'a replica that has reached the high watermark of a new leader, and not the start of its epoch, stays out of the ISR (R6.5)',
  async (story) => {
    await story.topic()
    await story.send(5)
    story.kill(3)
    await story.untilIsr([1, 2])
    story.net.hold('node 2 learns of no high watermark above 5', fetchAnswers({ to: 2, highWatermarkAbove: 5 }))
    await story.send(4)
    await story.show()
    story.kill(1)
    await story.untilLeader(2)
    const hold = story.net.hold('node 2 has nothing for node 3 yet', fetchAnswers({ to: 3 }))
    await story.start(3)
    await story.wait(3_000)
    await story.show()
    story.claim('node 3 is at the high watermark, and the ISR is node 2 alone', isrOf(story.state()).join() === '2')
    story.net.release(hold, 'node 3 gets its answers')
    await story.untilIsr([2, 3])
    await story.show()
  },
  FIVE,
)

scenario(
  'lost-answer-of-a-shrink',
  'the answer to a shrink is lost: the leaving replica counts until the leader has applied the decision; the leader is deposed meanwhile (R6.5)',
  async (story) => {
    await story.topic()
    await story.send(5)
    story.net.hold('node 3 does not fetch any more', fetches({ from: 3 }))
    const proposals = story.net.overhear(commands({ from: 1 }))
    const batch = story.submit(3)
    await story.until('node 1 proposes to go on without it', () => proposals.length > 0)
    const answers = story.net.hold('node 1 gets no answer from the controller', commandReplies({ to: 1 }))
    const news = story.net.hold('nor does it learn of decisions', decisions({ to: 1 }))
    await story.until('the controller has committed the shrink', () => isrOf(story.state()).join() === '1,2')
    await story.pass(1_000)
    await story.show()
    story.report(batch)
    story.claim('node 1 leads, and its high watermark has not passed node 3', story.replica(1)?.role === 'leader' && story.replica(1)?.highWatermark === 5)
    await story.until('node 1 is deposed', () => story.state().leader === 2)
    story.net.release(answers, 'the stale answer comes')
    story.net.release(news, 'and so do the decisions')
    await story.settle(batch)
    await story.show()
  },
  FIVE,
)

scenario(
  'answer-before-the-decision',
  'an expansion is answered before the leader has applied it: the replica counts from the proposal on, and no answer takes it out (R6.5)',
  async (story) => {
    await story.topic()
    await story.send(5)
    const fetching = story.net.hold('node 3 does not fetch any more', fetches({ from: 3 }))
    await story.send(1)
    await story.untilIsr([1, 2])
    const proposals = story.net.overhear(commands({ from: 1 }))
    story.net.drop(fetching, 'node 3 fetches again')
    await story.until('node 1 proposes to take it back', () => proposals.length > 0)
    const answer = story.net.hold('the answer takes its time', commandReplies({ to: 1 }))
    story.net.hold('so does the decision', decisions({ to: 1 }))
    story.net.hold('node 3 does not fetch any more', fetches({ from: 3 }))
    await story.until('the controller has committed it', () => isrOf(story.state()).join() === '1,2,3')
    const batch = story.submit(3)
    await story.until('nodes 1 and 2 have them', () => [1, 2].every((nodeId) => story.replica(nodeId)?.log.syncedEndOffset === 9))
    story.net.hold('node 2 is slow to fetch on', fetches({ from: 2 }))
    story.net.release(answer, 'the answer comes')
    const next = story.submit(1)
    await story.until('node 1 has that on its disk', () => story.replica(1)?.log.syncedEndOffset === 10)
    await story.show()
    story.report(batch)
    story.claim('the high watermark waits for node 3', story.replica(1)?.highWatermark === 6)
    story.net.mend('the decision comes, and nodes 2 and 3 fetch')
    await story.settle(batch)
    await story.settle(next)
  },
  FIVE,
)

scenario(
  'refused-proposal-comes-twice',
  'a proposal is refused, and a copy of it comes later, when it would be granted: the replica counts until the partition epoch has moved on (R6.5)',
  async (story) => {
    const proposals = await proposeNode3(story)
    const silent = story.net.hold('the controller hears nothing of node 3', status({ from: 3, to: 5 }))
    await story.until('node 3 is fenced', () => story.broker(3)?.fenced === true)
    const replies = story.net.overhear(commandReplies({ to: 1 }))
    story.net.sendCopies(proposals, 'the proposal arrives, and a copy of it is still under way')
    await story.until('it is answered', () => replies.length > 0)
    story.claim('the controller refused it with INELIGIBLE_REPLICA', replies.map(replyCode)[0] === 'INELIGIBLE_REPLICA')
    story.net.hold('node 3 does not fetch any more', fetches({ from: 3 }))
    const batch = story.submit(3)
    await story.show()
    story.report(batch)
    story.net.drop(silent, 'node 3 is heard')
    await story.until('node 3 is in service again', () => story.broker(3)?.fenced === false)
    story.net.release(proposals, 'the copy arrives')
    await story.untilIsr([1, 2, 3])
    await story.show()
    story.net.mend('node 3 fetches')
    await story.settle(batch)
  },
  FIVE,
)

scenario(
  'reboot-race',
  'KIP-903: a follower has caught up, and loses power while the proposal that names it is under way: the proposal is refused (R5.6)',
  async (story) => {
    const proposals = await proposeNode3(story)
    const before = story.broker(3)?.brokerEpoch
    story.powerLoss(3)
    await story.start(3)
    await story.until('node 3 is in service under another broker epoch', () => story.broker(3)?.brokerEpoch !== before && story.broker(3)?.fenced === false)
    const replies = story.net.overhear(commandReplies({ to: 1 }))
    story.net.release(proposals, 'the proposal arrives')
    await story.untilIsr([1, 2, 3])
    story.claim('the controller answered it with INELIGIBLE_REPLICA', replies.map(replyCode)[0] === 'INELIGIBLE_REPLICA')
    await story.show()
  },
  FIVE,
)

scenario('fenced-broker-keeps-fetching', 'KIP-841: a broker that is fenced and fetches on, all caught up, is not taken back (R6.5)', async (story) => {
  await story.topic()
  await story.send(2)
  const hold = story.net.hold('the controller hears nothing of node 2', status({ from: 2, to: 3 }))
  await story.untilIsr([1, 3])
  await story.send(3)
  await story.wait(10_000)
  await story.show()
  story.claim('node 2 holds everything, and the ISR is 1 3', story.replica(2)?.log.syncedEndOffset === 5 && isrOf(story.state()).join() === '1,3')
  story.net.drop(hold, 'it is heard again')
  await story.untilIsr([1, 2, 3])
})

scenario(
  'last-replica-standing',
  'KIP-966: the ISR shrinks to one, which loses power: a member of the ELR leads, and nothing acknowledged is lost (R5.7, R5.8)',
  async (story) => {
    await story.topic()
    await story.send(5)
    story.kill(3)
    await story.untilIsr([1, 2])
    await story.send(2)
    await story.stop(2)
    story.powerLoss(1)
    await story.untilLeader(-1)
    await story.start(2)
    await story.untilLeader(2)
    await story.show()
    await story.read('a consumer')
  },
  // A quorum without any of the three.
  { nodes: 7 },
)

scenario(
  'acks-1-below-min-isr',
  'what acks=1 brings while too few replicas are in sync is not shown, until they are (R6.4, R6.7)',
  async (story) => {
    await story.topic()
    await story.send(5)
    story.kill(2, 3)
    await story.untilIsr([1])
    const hasty = story.producer('a producer with acks=1', { acks: 1 })
    await story.send(3, hasty)
    const patient = story.producer('a producer with acks=all', { deliveryTimeoutMs: 2_000 })
    await story.send(1, patient)
    await story.show()
    await story.read('a consumer')
    await story.start(3)
    await story.untilIsr([1, 3])
    await story.read('another consumer')
  },
  FIVE,
)
