import { ask } from './clients.ts'
import { fetchAnswers, fetches } from './messages.ts'
import { isrOf } from './narrator.ts'
import { scenario } from './scenario.ts'

const FIVE = { nodes: 5 }

scenario(
  'zombie-leader',
  'a leader cut off from the cluster, and not from its clients: acks=all never succeeds there, and its readers see no more than they did (R6.4)',
  async (story) => {
    await story.topic()
    await story.send(5)
    const near = story.producer('a producer near node 1')
    await story.send(1, near)
    story.net.isolate(1)
    story.net.confine(near, 1)
    const batch = story.submit(3, near)
    const reader = story.consumer('a consumer near node 1')
    story.net.confine(reader, 1)
    await story.untilLeader(2)
    await story.send(4)
    await story.wait(10_000)
    story.report(batch)
    story.seen(reader)
    await story.show()
    story.claim(
      'node 1 leads its own epoch still, and its high watermark is where it was',
      story.replica(1)?.role === 'leader' && story.replica(1)?.highWatermark === 6,
    )
    reader.stop()
    story.net.mend('the network is whole again')
    await story.settle(batch)
  },
)

scenario(
  'isolated-leader-with-a-minimum-of-one',
  'min.insync.replicas 1: a leader that is alone in its ISR and cut off goes on to acknowledge, and nobody else is elected (R6.4)',
  async (story) => {
    await story.topic('orders', { minIsr: 1 })
    await story.send(5)
    story.net.hold(
      'the followers do not fetch any more',
      (from, to, message) => fetches({ from: 2 })(from, to, message) || fetches({ from: 3 })(from, to, message),
    )
    const near = story.producer('a producer near node 1')
    await story.send(1, near)
    story.claim('node 1 is alone in the ISR', isrOf(story.state()).join() === '1')
    story.net.isolate(1)
    story.net.confine(near, 1)
    await story.send(3, near)
    await story.untilLeader(-1)
    await story.send(3, near)
    await story.wait(10_000)
    story.claim('nobody leads but node 1, in its own eyes', story.state().leader === -1 && story.replica(1)?.role === 'leader')
    story.net.mend('the network is whole again, and the followers fetch')
    await story.untilNewLeader()
    await story.untilIsr([1, 2, 3])
    await story.show()
  },
  FIVE,
)

scenario(
  'consumer-meets-a-lower-high-watermark',
  'a consumer that has read to the old high watermark asks a new leader that knows a lower one: it waits, and is not sent elsewhere (R6.7)',
  async (story) => {
    await story.topic()
    await story.send(5)
    story.kill(3)
    await story.untilIsr([1, 2])
    const consumer = story.consumer('a consumer')
    const hold = story.net.hold('node 2 learns of no high watermark above 5', fetchAnswers({ to: 2, highWatermarkAbove: 5 }))
    await story.send(4)
    await story.pass(1_000)
    story.seen(consumer)
    story.kill(1)
    await story.untilLeader(2)
    await story.wait(5_000)
    await story.show()
    story.seen(consumer)
    story.claim(
      'it is at 9, the high watermark of node 2 is 5, and nothing was said of a range',
      consumer.error === null && story.replica(2)?.highWatermark === 5,
    )
    story.net.drop(hold, 'answers flow again')
    await story.start(3)
    await story.untilIsr([2, 3])
    await story.send(2)
    await story.pass(1_000)
    story.seen(consumer)
    consumer.stop()
  },
  FIVE,
)

scenario('controlled-shutdown-under-load', 'a node is told to stop under load: its leaderships move first, and no send fails (R5.9)', async (story) => {
  await story.topic()
  const load = story.load(20)
  await story.pass(1_000)
  await story.stop(1)
  story.claim('node 2 leads, by no unclean election', story.state().leader === 2 && !story.state().unclean)
  await story.start(1)
  await story.untilIsr([1, 2, 3])
  await story.electPreferred()
  await story.untilLeader(1)
  await story.pass(1_000)
  await story.endLoad(load)
})

scenario(
  'five-batches-across-a-leader-change',
  'five batches are in flight and committed, their answers are lost with the leader: the retries are told the first offsets, and nothing is there twice (R6.8)',
  async (story) => {
    await story.topic()
    const client = story.producer('an idempotent producer', { maxInFlight: 5 })
    await story.send(5, client)
    const deaf = story.net.deafen(client, 1)
    const batch = story.submit(5, client)
    await story.until('all five are committed', () => story.replica(1)?.highWatermark === 10)
    story.report(batch)
    story.kill(1)
    await story.untilLeader(2)
    story.net.endTrouble(deaf, 'the client hears from node 1 again, were it there')
    await story.settle(batch)
    await story.show()
  },
  FIVE,
)

scenario(
  'started-node-denies-no-topic',
  'a node that was started and hears of no leader does not say that a topic is not there; one that hears of it late tells of it (R4.6)',
  async (story) => {
    await story.topic()
    await story.send(3)
    story.kill(1)
    story.net.isolate(1)
    await story.start(1)
    const inVain = story.asks('the topic', (admin) => admin.describeTopics(['orders']), 1)
    await story.until('it is answered', () => inVain.code !== undefined)
    story.claim('that is no answer about the topic, and may be asked again', inVain.code === 'LEADER_NOT_AVAILABLE')
    const late = story.asks('the topic', (admin) => admin.describeTopics(['orders']), 1)
    await story.wait(1_000)
    story.claim('the question waits', late.code === undefined)
    story.net.mend('node 1 and the operator reach the others')
    await story.until('it is answered', () => late.code !== undefined)
    story.claim('the topic is there', late.code === null)
  },
)

scenario(
  'told-of-a-topic-made-again',
  'who was told of a topic that was made again reads nothing of the one before it, though a node that is cut off still serves that (R4.6)',
  async (story) => {
    await story.topic()
    await story.send(3)
    const client = story.cluster.addClient('a client')
    const before = story.consumer('a client', 'orders', client)
    await story.wait(1_000)
    before.stop()
    story.seen(before)
    story.net.isolate(1)
    await story.untilNewLeader()
    await story.deleteTopic()
    await story.topic('orders', { replicas: [2, 3] })
    const told = ask(client.client.admin().describeTopics(['orders']))
    await story.until('the client was told of it', () => told.code !== undefined)
    const after = story.consumer('the same client', 'orders', client)
    await story.wait(1_000)
    after.stop()
    story.seen(after)
    story.claim('it read nothing of the topic before', after.offsets.length === 0)
  },
)
