import { METADATA_LOG } from '../../src/log/surface.ts'
import { fetchAnswers } from './messages.ts'
import { scenario } from './scenario.ts'
import { losePower, segmentOf, wholeBatches } from './torn.ts'

const FIVE = { nodes: 5 }
const SEGMENT = segmentOf('orders')
/** With names of two digits records are all of one size; so many end 32 bytes before a sector does. */
const RECORDS = 13

scenario(
  'torn-round-is-cut-away',
  'a power loss takes the head of a round of writes and leaves its tail: it is torn, not damaged, and what is left of it is no part of the log, whatever is written in its place (R3.3)',
  async (story) => {
    await story.topic()
    await story.send(RECORDS - 1)
    const lost = story.producer('another producer', { deliveryTimeoutMs: 5_000 })
    await story.send(1, lost)
    const { disk } = story.cluster.node(3)
    const from = disk.sizeOf(SEGMENT) ?? 0
    const hold = story.net.hold('node 2 gets no data, nor does node 3 for now', fetchAnswers({ to: 2 }))
    const late = story.net.keepBack(fetchAnswers({ to: 3 }))
    story.net.confine(lost, 1)
    const first = story.submit(3, lost)
    await story.until('node 1 has them on its disk', () => story.replica(1)?.log.syncedEndOffset === RECORDS + 3)
    story.says('the disk of node 3 is slow')
    disk.slow(1_000)
    story.net.drop(late, 'node 3 hears again')
    await story.until('it has all of them in its cache', () => (disk.sizeOf(SEGMENT) ?? 0) > from)
    const sizeBytes = ((disk.sizeOf(SEGMENT) ?? 0) - from) / 3
    story.kill(1)
    losePower(story, 3, 'of the round that it had not synced the first sector is lost, the others are kept', { write: 'headless', truncate: 'lost' })
    const left = wholeBatches(disk.durableContent(SEGMENT) ?? Buffer.alloc(0), { from, sizeBytes })
    story.claim('the first of three batches is torn, the others are whole', left.join() === 'false,true,true')
    disk.clearFaults()
    await story.untilLeader(2)
    story.net.drop(hold, 'node 2 hears again')
    await story.start(3)
    await story.untilIsr([2, 3])
    await story.settle(first)
    await story.show()
    await story.send(1)
    await story.pass(100)
    story.kill(3)
    await story.start(3)
    await story.untilIsr([2, 3])
    await story.show()
  },
  FIVE,
)

scenario(
  'cut-that-a-power-loss-takes-back',
  'a follower cuts a tail that it had synced and writes another in its place; as it loses power, what it has not synced of that may be there or not, but the cut is (R3.2)',
  async (story) => {
    await story.topic()
    await story.send(8)
    const lost = story.producer('another producer', { deliveryTimeoutMs: 5_000 })
    await story.send(1, lost)
    const hold = story.net.hold('node 2 gets no data', fetchAnswers({ to: 2 }))
    story.net.confine(lost, 1)
    const first = story.submit(3, lost)
    await story.until('node 3 has them on its disk', () => story.replica(3)?.log.syncedEndOffset === 12)
    const { disk } = story.cluster.node(3)
    const tailBytes = disk.sizeOf(SEGMENT) ?? 0
    story.says('the disk of node 3 is slow')
    disk.slow(100)
    story.kill(1)
    await story.untilLeader(2)
    story.net.drop(hold, 'node 2 hears again')
    await story.until('node 3 has cut its tail', () => (disk.sizeOf(SEGMENT) ?? 0) < tailBytes)
    const cutBytes = disk.sizeOf(SEGMENT) ?? 0
    const next = story.submit(1)
    await story.until('another record is in its cache', () => (disk.sizeOf(SEGMENT) ?? 0) > cutBytes)
    losePower(story, 3, 'what it wrote since it last synced is kept, what it cut since then is back', { write: 'kept', truncate: 'lost' })
    disk.clearFaults()
    await story.start(3)
    await story.settle(next)
    await story.settle(first)
    await story.untilIsr([2, 3])
    await story.show()
  },
  FIVE,
)

scenario(
  'segments-go-once-the-start-is-noted',
  'records are deleted, and as soon as the first of their files is gone the node dies: what is left is where the log says that it begins (R3.2, R6.9)',
  async (story) => {
    await story.topic()
    await story.send(30)
    const { disk } = story.cluster.node(1)
    const asked = story.asks('the deletion of 20 records', (admin, timeoutMs) =>
      admin.deleteRecords([{ topic: 'orders', partition: 0, beforeOffset: 20 }], { timeoutMs }),
    )
    await story.until('the first segment is gone', () => disk.sizeOf(SEGMENT) === undefined)
    story.kill(1)
    await story.start(1)
    await story.until('the operator has an answer', () => asked.code !== undefined)
    await story.untilIsr([1, 2, 3])
    await story.show()
  },
  { nodes: 5, config: { segmentBytes: 1_000 } },
)

scenario(
  'cut-of-the-metadata-lowers-its-mark',
  'a controller that was cut off finds that its last entry is no part of the log; it dies as soon as that is cut, and its log ends where the vote file says (R3.6)',
  async (story) => {
    const cutOff = story.net.isolate(3)
    const asked = story.asks('topic letters', (admin, timeoutMs) => admin.createTopic({ name: 'letters', assignment: [[1, 2, 3]], timeoutMs }), 3)
    const { disk, durable, metadataLog } = story.cluster.node(3)
    const before = metadataLog.syncedEndOffset
    await story.until('node 3 has the entry on its disk', () => durable.endOffset(METADATA_LOG) > before)
    await story.pass(50)
    const path = disk
      .files()
      .map(([name]) => name)
      .findLast((name) => name.startsWith(`${METADATA_LOG}/`) && name.endsWith('.log')) as string
    const sizeBytes = disk.sizeOf(path) ?? 0
    await story.until('another node is the active controller', () => story.controller !== 3 && story.controller !== -1)
    story.net.endTrouble(cutOff, 'node 3 is back')
    await story.until('node 3 has cut the entry', () => (disk.sizeOf(path) ?? 0) < sizeBytes)
    story.kill(3)
    await story.start(3)
    await story.until('the operator has an answer', () => asked.code !== undefined)
    await story.until('node 3 is in service', () => story.broker(3)?.fenced === false)
  },
)
