import { scenario } from './scenario.ts'
import { entriesOfTerm, status } from './messages.ts'
import type { Story } from './story.ts'
import { flipLastByte, forgetSynced, loseStart } from './suspects.ts'

/** A majority of the voters is left when all replicas are gone. */
const SEVEN = { nodes: 7 }

/** Nodes 1 and 2 alone hold what is committed. */
async function holdByTwo(story: Story, records: number): Promise<void> {
  await story.topic()
  story.kill(3)
  await story.untilIsr([1, 2])
  await story.send(records)
}

/** Both lose power, and the disk of node 1 forgets two batches. */
async function loseTwoBatches(story: Story): Promise<void> {
  story.powerLoss(1, 2)
  await story.until('nobody leads', () => story.state().leader === -1)
  forgetSynced(story, 1, 2)
}

/** Node 1, which lacks something, leads nothing alone; node 2 has all of it. */
async function waitForTheOther(story: Story): Promise<void> {
  await story.wait(5_000)
  story.claim('node 1 is suspect, and nobody leads', story.replica(1)?.suspect === true && story.state().leader === -1)
  await story.start(2)
  await leadOn(story)
}

async function leadOn(story: Story): Promise<void> {
  await story.untilLeader(2)
  await story.untilIsr([1, 2])
  await story.show()
}

scenario(
  'a-disk-that-forgot-leads-nothing-alone',
  'both replicas that hold what is committed lose power, and the disk of one forgets of it: it waits for the other, which is greater (R5.7)',
  async (story) => {
    await holdByTwo(story, 5)
    await loseTwoBatches(story)
    await story.start(1)
    await waitForTheOther(story)
  },
  SEVEN,
)

scenario(
  'a-disk-that-forgot-lost-its-checkpoints-too',
  'the disk of a replica forgets of what is committed, and with its checkpoints the mark is lost that would say since when it is suspect: it is no less so (R3.7)',
  async (story) => {
    await holdByTwo(story, 5)
    await story.wait(6_000)
    await loseTwoBatches(story)
    story.loseCheckpoints(1)
    await story.start(1)
    await waitForTheOther(story)
  },
  SEVEN,
)

scenario(
  'a-disk-that-forgot-is-restarted-again',
  'the disk of a replica forgets of what is committed, and its process dies once more before it has said so: it is as suspect as before (R3.4)',
  async (story) => {
    await holdByTwo(story, 5)
    await story.wait(6_000)
    await loseTwoBatches(story)
    const silent = story.net.hold('the controller hears nothing of node 1', status({ from: 1, to: 7 }))
    await story.start(1)
    await story.stop(1)
    story.net.drop(silent, 'whoever is node 1 is heard')
    await story.start(1)
    await waitForTheOther(story)
  },
  SEVEN,
)

scenario(
  'a-damaged-log-is-restarted-again',
  'a disk changes what is committed: a replica cuts what is bad, and its process dies before it has said so, its checkpoints with it: it is as damaged as before (R3.4)',
  async (story) => {
    await holdByTwo(story, 5)
    await story.wait(6_000)
    story.powerLoss(1, 2)
    await story.until('nobody leads', () => story.state().leader === -1)
    flipLastByte(story, 1)
    const silent = story.net.hold('the controller hears nothing of node 1', status({ from: 1, to: 7 }))
    await story.start(1)
    await story.until('node 1 has cut what is bad', () => story.replica(1)?.log.endOffset === 4)
    story.kill(1)
    story.loseCheckpoints(1)
    story.net.drop(silent, 'whoever is node 1 is heard')
    await story.start(1)
    await story.wait(5_000)
    story.claim('node 1 is damaged, and nobody leads', story.replica(1)?.damaged === true && story.state().leader === -1)
    story.claim('node 2 alone is eligible', story.state().elr.join() === '2' && story.state().isr.length === 0)
    await story.start(2)
    await leadOn(story)
  },
  SEVEN,
)

scenario(
  'what-was-said-before-does-not-count',
  'two replicas lose power and say how far they are; later one forgets what they have written since, while the other is out of reach: what that one said then is not compared (R5.7)',
  async (story) => {
    await holdByTwo(story, 3)
    story.powerLoss(1, 2)
    await story.start(1, 2)
    await story.untilIsr([1, 2])
    await story.send(7)
    story.powerLoss(1)
    await story.untilIsr([2])
    await story.untilLeader(2)
    const entries = entriesOfTerm(story.term)
    const news = story.net.hold('node 2 learns of no decision from now on', (from, to, message) => to === 2 && entries(from, to, message))
    const silent = story.net.hold('the controller hears nothing of node 2', status({ from: 2, to: 7 }))
    await story.until('nobody leads', () => story.state().leader === -1)
    forgetSynced(story, 1, 4)
    await story.start(1)
    story.net.drop(silent, 'node 2 is heard again')
    await story.until('node 2 is in service again', () => story.broker(2)?.fenced === false)
    await story.wait(5_000)
    story.claim('nobody leads', story.state().leader === -1)
    story.net.drop(news, 'node 2 learns that nobody leads')
    await leadOn(story)
  },
  SEVEN,
)

scenario(
  'checkpoints-promise-what-is-synced',
  'all replicas lose power with records in memory that no disk has, and checkpoints made meanwhile: what is missing is torn, not damaged, and they serve on (R3.3)',
  async (story) => {
    await story.topic()
    await story.send(3)
    story.says('the disks of nodes 1 2 3 take seconds for each call')
    for (const nodeId of [1, 2, 3]) story.cluster.node(nodeId).disk.slow(20_000)
    const batch = story.submit(3)
    await story.until('all have them in memory', () => [1, 2, 3].every((nodeId) => story.replica(nodeId)?.log.endOffset === 6))
    await story.wait(2_000)
    await story.show()
    story.powerLoss(1, 2, 3)
    for (const nodeId of [1, 2, 3]) story.cluster.node(nodeId).disk.clearFaults()
    await story.start(1, 2, 3)
    await story.untilNewLeader()
    story.claim(
      'no replica is damaged',
      [1, 2, 3].every((nodeId) => story.replica(nodeId)?.damaged === false),
    )
    await story.settle(batch)
  },
  { ...SEVEN, config: { checkpointIntervalMs: 300 } },
)

scenario(
  'a-lost-start-is-not-passed-on',
  'a replica lost the note of where its log begins, and its first segment with it: what is left is no log of that partition, and where it begins never becomes where all begin (R6.3)',
  async (story) => {
    await story.topic()
    await story.send(36)
    const asked = story.asks('the deletion of 2 records', (admin, timeoutMs) =>
      admin.deleteRecords([{ topic: 'orders', partition: 0, beforeOffset: 2 }], { timeoutMs }),
    )
    await story.goOn('the operator has an answer', () => asked.code !== undefined)
    story.kill(3)
    await story.untilIsr([1, 2])
    loseStart(story, 3)
    await story.start(3)
    await story.untilIsr([1, 2, 3])
    await story.show()
    story.kill(1, 2)
    await story.until('nodes 1 and 2 are not taken for alive', () => [1, 2].every((nodeId) => story.broker(nodeId)?.fenced === true))
    await story.untilLeader(3)
    await story.start(1, 2)
    await story.untilIsr([1, 2, 3])
    story.claim(
      'each log begins at 2',
      [1, 2, 3].every((nodeId) => story.replica(nodeId)?.logStartOffset === 2),
    )
  },
  { ...SEVEN, config: { segmentBytes: 1_000 } },
)
