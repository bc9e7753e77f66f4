import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { Admin } from '../../src/client/admin.ts'
import { OxbowClient } from '../../src/client/client.ts'
import type { ClientConnection } from '../../src/client/transport.ts'
import { FakeCluster } from './fake-cluster.ts'
import { VirtualClock } from './virtual-clock.ts'

type Done = (error: Error | undefined, value: unknown) => void
type Calls = Partial<Record<keyof ClientConnection, unknown>>

const takenId = 'taken'.padEnd(32, '0')
const refusal = (code: 'ELECTION_NOT_NEEDED' | 'NO_REASSIGNMENT_IN_PROGRESS') => ({ code, message: 'no', retriable: false, definite: true }) as const

/** The first node that is asked for one of these is cut off from the controller: it does what it is asked, and its answer never comes. The next ones answer so. */
async function afterSilence<T>(
  answers: Calls,
  ask: (admin: Admin) => Promise<T>,
  stage: { readonly before?: (fake: FakeCluster) => void; readonly after?: (fake: FakeCluster) => void } = {},
): Promise<{ readonly value: T | BrokerError; readonly ms: number; nodes: string[] }> {
  const clock = new VirtualClock()
  const fake = new FakeCluster({ clock, random: new SeededRandom(1) })
  fake.addTopic('taken', 2)
  stage.before?.(fake)
  fake.publish(0)
  const nodes: string[] = []
  const wrap = (connection: ClientConnection): ClientConnection => {
    const entries = Object.entries(answers).map(([name, answer]) => {
      const call = (...args: readonly unknown[]): void => {
        const done = args.at(-1) as Done
        nodes.push(connection.address.host)
        const silence = new BrokerError('REQUEST_TIMED_OUT', 'no answer', { unanswered: true })
        if (nodes.length === 1) {
          stage.after?.(fake)
          fake.publish(0)
          clock.after(args.at(-2) as number, () => done(silence, undefined))
        } else clock.after(1, () => (answer instanceof BrokerError ? done(answer, undefined) : done(undefined, answer)))
      }
      return [name, call]
    })
    return { ...connection, ...Object.fromEntries(entries) }
  }
  const transport = { connect: (address: Parameters<FakeCluster['connect']>[0]) => wrap(fake.connect(address)), close: () => undefined }
  const client = new OxbowClient({ bootstrap: fake.bootstrap, transport, clock, random: new SeededRandom(2), requestTimeoutMs: 30_000 })
  let ms = 0
  const asked = ask(client.admin()).then(
    (value) => value,
    (error: BrokerError) => error,
  )
  let value: { readonly is: T | BrokerError } | undefined
  void asked.then((is) => (value = { is }))
  while (value === undefined && ms < 40_000) {
    await clock.runWithPromises(100)
    ms += 100
  }
  await client.close()
  return { value: value?.is as T | BrokerError, ms, nodes }
}

describe('a change that first reaches a node which is cut off', () => {
  const voters = { isChanged: false, voters: [], warnings: [] }
  const calls: readonly (readonly [string, Calls, (admin: Admin) => Promise<unknown>])[] = [
    ['createTopic', { createTopic: { topicId: takenId, partitions: 1, replicationFactor: 1, assignment: [] } }, (admin) => admin.createTopic({ name: 'new' })],
    ['deleteTopic', { deleteTopic: undefined }, (admin) => admin.deleteTopic('taken')],
    ['alterTopic', { alterTopic: { name: 'taken', topicId: takenId, partitions: [], configs: new Map() } }, (admin) => admin.alterTopic({ name: 'taken' })],
    ['electLeaders', { electLeaders: { partitions: [] } }, (admin) => admin.electLeaders()],
    ['addVoter', { addVoter: voters }, (admin) => admin.addVoter({ nodeId: 4 })],
    ['removeVoter', { removeVoter: voters }, (admin) => admin.removeVoter({ nodeId: 4 })],
    ['alterMaintenance', { alterMaintenance: { nodeId: 1 } }, (admin) => admin.alterMaintenance({ nodeId: 1, maintenance: true })],
    ['unregisterBroker', { unregisterBroker: undefined }, (admin) => admin.unregisterBroker({ nodeId: 1 })],
    ['alterReassignments', { alterReassignments: { partitions: [] } }, (admin) => admin.alterReassignments({ moves: [] })],
  ]
  for (const [name, answers, ask] of calls) {
    it(`${name} is asked of the next one after seconds, not when all time is over`, async () => {
      const { value, ms, nodes } = await afterSilence(answers, ask)
      expect(value).not.toBeInstanceOf(BrokerError)
      expect(new Set(nodes).size).toBe(2)
      expect(ms).toBeGreaterThan(4_500)
      expect(ms).toBeLessThan(6_000)
    })
  }
})

/** Partition 0 is on its way from 1 and 2 to 1 and 3, then it is there. */
function moving(there: readonly number[]): Parameters<typeof afterSilence>[2] {
  return {
    before: (fake) => (fake.partition('taken', 0).placement = { replicas: [1, 2, 3], addingReplicas: [3], removingReplicas: [2] }),
    after: (fake) => (fake.partition('taken', 0).placement = { replicas: there, addingReplicas: [], removingReplicas: [] }),
  }
}

describe('R1.3 a change that an attempt without an answer may have made', () => {
  it('is made: a topic that is gone, a broker, a voter', async () => {
    const gone = await afterSilence({ deleteTopic: new BrokerError('UNKNOWN_TOPIC_ID', 'gone') }, (admin) => admin.deleteTopic('taken'))
    expect([gone.value, gone.nodes.length]).toEqual([undefined, 2])
    const broker = await afterSilence({ unregisterBroker: new BrokerError('BROKER_ID_NOT_REGISTERED', 'gone') }, (admin) =>
      admin.unregisterBroker({ nodeId: 1 }),
    )
    expect(broker.value).toBeUndefined()
    const removal = new BrokerError('VOTER_NOT_FOUND', 'gone')
    const quorum = { status: { voters: [1, 3] }, replicas: [{ nodeId: 1, directoryId: 'd1' }] }
    const voter = await afterSilence({ removeVoter: removal, describeQuorum: quorum }, (admin) => admin.removeVoter({ nodeId: 2 }))
    const left = [
      { nodeId: 1, directoryId: 'd1' },
      { nodeId: 3, directoryId: null },
    ]
    expect(voter.value).toEqual({ isChanged: true, voters: left, warnings: [] })
  })

  it('is made: leaders that lead, moves that are taken back; any other refusal stays one', async () => {
    const partitions = [0, 1].map((partition) => ({ topic: 'taken', partition }))
    const refused = (code: 'ELECTION_NOT_NEEDED' | 'NO_REASSIGNMENT_IN_PROGRESS') =>
      partitions.map(({ partition }) => ({ topicId: takenId, partition, elected: null, error: refusal(code) }))
    const elected = await afterSilence({ electLeaders: { partitions: refused('ELECTION_NOT_NEEDED') } }, (admin) => admin.electLeaders({ partitions }))
    expect(elected.value).toMatchObject(partitions.map((one) => ({ ...one, elected: { lastEpoch: -1, logEndOffset: -1 }, error: null })))
    const moves = [
      { topic: 'taken', partition: 0, replicas: null },
      { topic: 'taken', partition: 1, replicas: [2] },
    ]
    const back = await afterSilence(
      { alterReassignments: { partitions: refused('NO_REASSIGNMENT_IN_PROGRESS') } },
      (admin) => admin.alterReassignments({ moves }),
      moving([1, 2]),
    )
    expect(back.value).toMatchObject([{ error: null }, { error: { code: 'NO_REASSIGNMENT_IN_PROGRESS' } }])
  })

  it('is not known: the end of a move between folders that is not under way now', async () => {
    const partitions = [{ topicId: takenId, partition: 0, error: refusal('NO_REASSIGNMENT_IN_PROGRESS') }]
    const named = [{ topic: 'taken', partition: 0 }]
    const ended = await afterSilence({ alterReplicaLogDirs: { partitions } }, (admin) =>
      admin.alterReplicaLogDirs({ nodeId: 1, partitions: named, path: null }),
    )
    expect(ended.nodes).toEqual(['n1', 'n1'])
    expect(ended.value).toMatchObject([{ error: { code: 'NO_REASSIGNMENT_IN_PROGRESS', definite: false } }])
  })

  it('is not made: moves that came to their end meanwhile, or were none', async () => {
    const moves = [0, 1].map((partition) => ({ topic: 'taken', partition, replicas: null }))
    const partitions = moves.map(({ partition }) => ({ topicId: takenId, partition, error: refusal('NO_REASSIGNMENT_IN_PROGRESS') }))
    const back = await afterSilence({ alterReassignments: { partitions } }, (admin) => admin.alterReassignments({ moves }), moving([1, 3]))
    expect(back.value).toMatchObject(moves.map(() => ({ error: { code: 'NO_REASSIGNMENT_IN_PROGRESS' } })))
  })
})
