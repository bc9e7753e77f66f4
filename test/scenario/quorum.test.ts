import type { Admin } from '../../src/client/client.ts'
import { entriesOfTerm, snapshotPieces, status } from './messages.ts'
import { scenario } from './scenario.ts'
import type { Story } from './story.ts'

const FIVE = { nodes: 5 }

scenario(
  'entry-of-an-old-term',
  "Raft's figure 8: an entry of an old term is on a majority, and the leader counts it as committed only with an entry of its own (R4.2)",
  async (story) => {
    const deaf = story.net.hold('node 5 hears of no entry that is stored', (_from, to, message) =>
      [1, 2, 3, 4].some((from) => status({ from, to: 5 })(from, to, message)),
    )
    const asked = story.asks('topic letters', (admin, timeoutMs) => admin.createTopic({ name: 'letters', assignment: [[1, 2, 3]], timeoutMs }))
    const endOf = (nodeId: number): number => story.cluster.node(nodeId).metadataLog.syncedEndOffset
    const before = endOf(5)
    await story.until('all have the entry on their disks', () => [1, 2, 3, 4, 5].every((nodeId) => endOf(nodeId) === before + 1))
    story.claim('it is not committed', commitIndex(story, 5) <= before)
    const old = story.term
    const first = story.net.hold('what the next leader appends in its own term stays with it', entriesOfTerm(old + 1))
    await story.electController(5, () => {
      story.kill(5)
      story.net.drop(deaf, 'node 5 is started; it can hear')
      story.cluster.node(5).start()
    })
    story.says('node 5 leads again, in the next term')
    await story.pass(500)
    story.claim('all hold the entry of the old term, and node 5 does not count it as committed', commitIndex(story, 5) <= before)
    story.net.release(first, 'the entry of its own term goes out')
    await story.until('the operator has an answer', () => asked.code !== undefined)
    story.claim('the topic is there', asked.code === null)
  },
  FIVE,
)

scenario(
  'rejoining-voters-do-not-disturb',
  'a voter that was cut off comes back, with a shorter log and with a longer one: the term stays what it is (R4.2)',
  async (story) => {
    await story.topic()
    const { term } = story
    const away = story.net.isolate(1)
    await story.untilLeader(2)
    await story.topic('letters', { away: [1] })
    await story.wait(10_000)
    story.net.endTrouble(away, 'node 1 is back, with a shorter log')
    await story.wait(5_000)
    story.claim('the term is what it was', story.term === term && story.controller === 3)
    const gone = story.net.isolate(3)
    const lost = story.asks('topic lost', (admin, timeoutMs) => admin.createTopic({ name: 'lost', timeoutMs }), 3)
    await story.until('node 3 has appended it', () => endOf(story, 3) > endOf(story, 2))
    await story.electController(2)
    await story.goOn('who asked has an answer', () => lost.code !== undefined)
    story.claim(`the operator is told ${lost.code}`, lost.code !== null)
    story.says('node 2 leads the quorum, in the next term')
    await story.topic('found', { away: [3] })
    story.net.endTrouble(gone, 'node 3 is back, with an entry that nobody else has')
    await story.wait(5_000)
    story.claim('the term is the next one, and node 2 leads', story.term === term + 1 && story.controller === 2)
    story.claim('what node 3 had been asked for did not happen', story.topicNames().join() === 'found,letters,orders')
  },
)

scenario(
  'one-way-link-from-the-leader',
  'the leader of the quorum is not heard any more, and hears everybody: one follower, then all (R4.2)',
  async (story) => {
    await story.topic()
    await story.send(2)
    const { term } = story
    story.net.cutOneWay(3, 1)
    await story.wait(20_000)
    story.claim('node 3 leads, in the same term', story.controller === 3 && story.term === term)
    story.net.cutOneWay(3, 2)
    await story.until('another leads', () => [1, 2].includes(story.controller), 6_000)
    const { term: next } = story
    await story.wait(20_000)
    story.claim('it leads still, in the same term', [1, 2].includes(story.controller) && story.term === next)
    await story.send(2)
  },
)

scenario(
  'added-voter-is-reverted',
  'a voter is added, and the leader dies before anybody else has the entry: the voters are those of before, on the old leader too once it is back (R4.4)',
  async (story) => {
    await story.topic()
    const held = story.net.hold('what node 3 appends stays with it', entriesOfTerm(story.term))
    const addVoter = (admin: Admin, timeoutMs: number) => admin.addVoter({ nodeId: 4, timeoutMs })
    const { endOffset } = story.cluster.node(3).metadataLog
    const asked = story.asks('node 4 to be a voter', addVoter, 3)
    await story.until('node 3 has it on its disk', () => story.cluster.node(3).metadataLog.syncedEndOffset > endOffset)
    story.kill(3)
    story.net.drop(held, 'what it sent is lost')
    await story.electController(2)
    story.says('node 2 leads the quorum')
    await story.goOn('who asked has an answer', () => asked.code !== undefined)
    story.claim(`the operator is told ${asked.code}`, asked.code !== null)
    await story.start(3)
    await story.wait(3_000)
    story.claim('the voters are 1 2 3, and node 3 has what node 2 has', story.voters().join() === '1,2,3' && endOf(story, 3) === endOf(story, 2))
    const again = story.asks('it again', addVoter)
    await story.until('who asked has an answer', () => again.code !== undefined)
    story.claim('it is done: the voters are 1 2 3 4', again.code === null && story.voters().join() === '1,2,3,4')
    story.kill(3)
    await story.untilIsr([1, 2])
    story.says('nodes 1 2 4 decide without it')
  },
  { nodes: 4, voters: 3 },
)

scenario(
  'wiped-voter',
  'a voter comes back with an empty disk: it is another directory, serves as a broker, and has no vote until it is added (R2.2)',
  async (story) => {
    await story.topic()
    await story.send(5)
    const before = story.broker(1)?.directoryIds.join()
    story.kill(1)
    story.wipe(1)
    await story.start(1)
    await story.until('node 1 has registered as another directory', () => story.broker(1)?.directoryIds.join() !== before)
    await story.untilIsr([1, 2, 3])
    await story.show()
    story.kill(2, 3)
    await story.start(3)
    await story.wait(20_000)
    story.claim('nodes 1 and 3 are no quorum', story.controller === -1)
    await story.start(2)
    await story.until('nodes 2 and 3 are one', () => [2, 3].includes(story.controller))
    await story.untilNewLeader()
    await story.read('a consumer')
    const asked = story.asks('node 1 to be a voter', (admin, timeoutMs) => admin.addVoter({ nodeId: 1, timeoutMs }))
    await story.until('it is done', () => asked.code === null)
    story.kill(2)
    await story.until('node 2 is fenced', () => story.broker(2)?.fenced === true)
    story.claim('nodes 1 and 3 are a quorum now', [1, 3].includes(story.controller))
  },
)

scenario(
  'snapshot-taken-in-through-power-losses',
  'a node that needs a snapshot of the metadata loses power while it takes it in, each time a little later: it starts from every state between (R4.5)',
  async (story) => {
    await story.topic()
    await story.send(3)
    story.kill(1)
    await story.untilLeader(2)
    const pieces = story.net.overhear(snapshotPieces({ to: 1 }))
    story.says('24 times: the log of the metadata is cut behind a snapshot, node 1 is started, gets it, and loses power, each time half a millisecond later')
    for (let round = 0; round < 24; round++) {
      await story.outgrowMetadata()
      const before = pieces.length
      story.cluster.node(1).start()
      await story.goOn('node 1 is sent a snapshot', () => pieces.length > before)
      await story.pass(round / 2)
      story.cluster.node(1).crash('powerLoss')
    }
    await story.start(1)
    await story.pass(3_000)
    await story.untilIsr([1, 2, 3])
    await story.show()
  },
  { config: { metadataSnapshotBytes: 300 } },
)

scenario(
  'snapshot-within-a-tail-of-an-old-term',
  'an old leader has a tail that nobody else has, and needs a snapshot that ends within it: what lies below is of another term, so that the snapshot takes its place (R4.5)',
  async (story) => {
    await story.topic()
    const held = story.net.hold('what node 3 appends stays with it', entriesOfTerm(story.term))
    const { metadataLog } = story.cluster.node(3)
    const { endOffset } = metadataLog
    const names = Array.from({ length: 30 }, (_, at) => `lost-${at}`)
    const create = (admin: Admin, timeoutMs: number) => Promise.allSettled(names.map((name) => admin.createTopic({ name, partitions: 1, timeoutMs })))
    const asked = story.asks('30 topics', create, 3)
    await story.until('node 3 has them on its disk', () => metadataLog.syncedEndOffset >= endOffset + names.length)
    story.kill(3)
    story.net.drop(held, 'what it sent is lost')
    await story.electController(2)
    await story.until('who asked has an answer', () => asked.code !== undefined)
    story.says('node 2 leads the quorum, and cuts its log behind a snapshot')
    await story.outgrowMetadata()
    const { snapshot } = story.cluster.node(2).raft()
    story.claim('the snapshot ends within the tail of node 3', (snapshot?.endOffset ?? 0) > endOffset && (snapshot?.endOffset ?? 0) < endOffset + names.length)
    const pieces = story.net.overhear(snapshotPieces({ to: 3 }))
    await story.start(3)
    await story.until('node 3 has what node 2 has', () => endOf(story, 3) === endOf(story, 2) && story.cluster.node(3).image.offset === endOf(story, 2))
    story.claim('it was sent a snapshot', pieces.length > 0)
    story.claim('there is none of the 30 topics', story.topicNames().join() === 'orders')
  },
  { config: { metadataSnapshotBytes: 300 } },
)

function commitIndex(story: Story, nodeId: number): number {
  return story.cluster.node(nodeId).raft().commitIndex
}

function endOf(story: Story, nodeId: number): number {
  return story.cluster.node(nodeId).metadataLog.endOffset
}
