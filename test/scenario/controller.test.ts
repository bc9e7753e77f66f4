import type { Admin } from '../../src/client/admin.ts'
import { commands, createTopics, status } from './messages.ts'
import { scenario } from './scenario.ts'

const FIVE = { nodes: 5 }

scenario(
  'controller-failover-with-all-sessions-pending',
  'the active controller dies, and its successor has not heard of a broker for almost 3 s: nobody is fenced but the dead (R5.5)',
  async (story) => {
    await story.topic()
    await story.send(5)
    story.kill(5)
    await story.electController(4)
    story.says('node 4 is the active controller')
    const hold = story.net.hold(
      'it does not hear of nodes 1 and 2',
      (from, to, message) => status({ from: 1, to: 4 })(from, to, message) || status({ from: 2, to: 4 })(from, to, message),
    )
    await story.wait(2_500)
    story.net.drop(hold, 'it hears of them')
    await story.wait(5_000)
    await story.send(5)
    story.claim('the leader epoch is what it was', story.state().leaderEpoch === 0)
  },
  FIVE,
)

scenario(
  'topic-made-anew-while-a-replica-is-away',
  'a topic is deleted and made anew under its name while a replica is cut off: the old replica is neither appended to nor taken for the new one (R2.1)',
  async (story) => {
    await story.topic()
    await story.send(5)
    const newcomer = story.producer('a new producer')
    story.net.detach(2)
    await story.untilIsr([1, 3])
    await story.deleteTopic()
    await story.topic('orders', { away: [2] })
    await story.send(3, newcomer)
    await story.show()
    story.net.mend('the network is whole again')
    await story.untilIsr([1, 2, 3])
    await story.show()
    story.showFolders(2)
    await story.wait(70_000)
    story.showFolders(2)
  },
)

scenario(
  'topic-made-anew-behind-a-snapshot',
  'a topic is deleted and made anew under its name while a replica is down, which then learns of both by a snapshot alone: the old log makes room (R3.4)',
  async (story) => {
    await story.topic()
    await story.send(5)
    const newcomer = story.producer('a new producer')
    story.kill(3)
    await story.untilIsr([1, 2])
    await story.deleteTopic()
    await story.topic('orders', { away: [3] })
    await story.send(3, newcomer)
    await story.outgrowMetadata()
    story.says('the metadata log is cut behind a snapshot, which has the new topic alone')
    await story.start(3)
    await story.untilIsr([1, 2, 3])
    await story.show()
    story.showFolders(3)
  },
  { config: { metadataSnapshotBytes: 4_000 }, controller: 2 },
)

scenario(
  'topic-asked-for-again-once-it-is-deleted',
  'a node’s message that asks for a topic comes twice, the second time once the topic was deleted: it is not made again under the same topic id (R2.1)',
  async (story) => {
    const hold = story.net.hold('what nodes ask of the controller to make a topic is on its way for long', createTopics)
    const made = story.asks('topic letters', (admin, timeoutMs) => admin.createTopic({ name: 'letters', assignment: [[1, 2, 3]], timeoutMs }))
    await story.pass(100)
    story.net.sendCopies(hold, 'a copy of it arrives')
    await story.goOn('the operator has an answer', () => made.code !== undefined)
    story.claim('the topic is made', made.code === null)
    const deleted = story.asks('its deletion', (admin) => admin.deleteTopic('letters'))
    await story.goOn('the operator has an answer', () => deleted.code !== undefined)
    story.net.release(hold, 'the message itself arrives')
    await story.wait(2_000)
    story.claim('there is no topic', story.topicNames().length === 0)
    await story.topic()
    await story.send(3)
  },
)

scenario(
  'unregistered-broker-comes-back',
  'a broker that was cut off, taken out of the voters and unregistered was alive all the time: once it is heard of, it joins as a new one (R5.3, R5.13)',
  async (story) => {
    await story.topic()
    await story.send(3)
    story.net.detach(5)
    await story.until('broker 5 is fenced', () => story.broker(5)?.fenced === true)
    const before = story.broker(5)?.brokerEpoch ?? -1
    const asks = async (what: string, call: (admin: Admin, timeoutMs: number) => Promise<unknown>): Promise<void> => {
      const asked = story.asks(what, call)
      await story.goOn('who asked has an answer', () => asked.code !== undefined)
      story.says(asked.code === null ? 'it is done' : `the operator is told ${asked.code}`)
    }
    const unregister = (admin: Admin, timeoutMs: number) => admin.unregisterBroker({ nodeId: 5, timeoutMs })
    await asks('broker 5 to be unregistered', unregister)
    await asks('node 5 to be no voter', (admin, timeoutMs) => admin.removeVoter({ nodeId: 5, timeoutMs }))
    await asks('broker 5 to be unregistered', unregister)
    story.claim('it is no broker any more', story.broker(5) === undefined)
    story.net.mend('the network is whole again')
    await story.until('broker 5 serves', () => story.broker(5)?.fenced === false)
    story.claim('under a new broker epoch', (story.broker(5)?.brokerEpoch ?? -1) > before)
    await story.topic('more', { replicas: [5, 4, 3] })
    await story.send(3, story.producer('another producer'), 'more')
    await story.show('more')
  },
  FIVE,
)

scenario(
  'unclean-election-asked-for-once',
  'an operator asks for an unclean election, and a copy of what its node then asks of the controller comes late, when the partition has lost its leader once more: nobody decided that (R5.7)',
  async (story) => {
    await story.topic('orders', { minIsr: 1 })
    await story.send(3)
    story.kill(2, 3)
    await story.untilIsr([1])
    story.kill(1)
    await story.untilLeader(-1)
    await story.start(2, 3)
    await story.pass(2_000)
    const hold = story.net.hold('what is asked of the controller is on its way for long', commands({ from: 6 }))
    const asked = story.asks('an unclean election', (admin, timeoutMs) => admin.electLeaders({ unclean: true, timeoutMs }), 6)
    await story.pass(200)
    story.net.sendCopies(hold, 'a copy of it arrives')
    await story.goOn('the operator has an answer', () => asked.code !== undefined)
    await story.until('somebody leads', () => story.state().leader > 0)
    await story.start(1)
    await story.untilIsr([1, 2, 3])
    const leader = story.state().leader
    const others = [1, 2, 3].filter((nodeId) => nodeId !== leader)
    story.kill(...others)
    await story.untilIsr([leader])
    await story.send(2)
    story.kill(leader)
    await story.untilLeader(-1)
    await story.start(...others)
    await story.wait(2_000)
    story.net.release(hold, 'the message itself arrives')
    await story.wait(2_000)
    story.claim('nobody leads', story.state().leader === -1)
    await story.start(leader)
    await story.untilIsr([1, 2, 3])
    await story.show()
  },
  { nodes: 7 },
)
