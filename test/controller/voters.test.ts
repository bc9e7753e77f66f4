import { beforeEach, describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import type { ControllerReply } from '../../src/controller/commands.ts'
import type { ConnectedNode, QuorumView } from '../../src/controller/quorum-view.ts'
import type { VoterRecord } from '../../src/metadata/records.ts'
import { Cluster, id } from './harness.ts'

function voter(nodeId: number, directory: number | null = nodeId): VoterRecord {
  return { nodeId, directoryId: directory === null ? null : id('d', directory), endpoint: null }
}

const endpoint = { host: 'n', grpcPort: 9192 }

/** Nodes 1 to 4 are connected under their folders, and every set is taken, until a test says otherwise. */
class FakeQuorum implements QuorumView {
  readonly nodes = new Map<number, ConnectedNode>()
  liveVoterIds: readonly number[] = [1, 2, 3]
  /** Of the newcomer, and of sets by the ids in them. */
  notReady: BrokerError | undefined
  readonly refused = new Map<string, BrokerError>()
  constructor() {
    for (const nodeId of [1, 2, 3, 4]) this.nodes.set(nodeId, { nodeId, directoryId: id('d', nodeId), endpoint, isController: true })
  }
  node(nodeId: number): ConnectedNode | undefined {
    return this.nodes.get(nodeId)
  }
  newcomerRefusal(): BrokerError | undefined {
    return this.notReady
  }
  refusal(voters: readonly VoterRecord[]): BrokerError | undefined {
    return this.refused.get(voters.map(({ nodeId }) => nodeId).join())
  }
}

let cluster: Cluster
let quorum: FakeQuorum

beforeEach(() => {
  cluster = new Cluster()
  quorum = new FakeQuorum()
  cluster.quorum = quorum
  cluster.image = { ...cluster.image, voters: [voter(1), voter(2), voter(3)] }
})

interface Asked {
  readonly directory?: number
  readonly validateOnly?: boolean
}

function ask(type: 'addVoter' | 'removeVoter', nodeId: number, { directory, validateOnly = false }: Asked = {}): ControllerReply {
  return cluster.run({ type, nodeId, directoryId: directory === undefined ? null : id('d', directory), validateOnly })
}

const voterIds = (): number[] => cluster.image.voters.map(({ nodeId }) => nodeId)

describe('R4.4 addVoter', () => {
  it('adds a connected node under its folder and with where it listens, and warns of an even number', () => {
    expect(ask('addVoter', 4)).toEqual({
      type: 'votersChanged',
      metadataOffset: 1,
      isChanged: true,
      isComplete: true,
      voters: [voter(1), voter(2), voter(3), { ...voter(4), endpoint }],
      warnings: ['4 voters, an even number: they can lose 1, no more than 3 voters can; add or remove one more'],
    })
    expect(cluster.image.voters).toEqual([voter(1), voter(2), voter(3), { ...voter(4), endpoint }])
  })

  it('a dry run answers the same and decides nothing', () => {
    expect(ask('addVoter', 4, { validateOnly: true })).toMatchObject({ type: 'votersChanged', isChanged: true, metadataOffset: 0 })
    expect([voterIds(), cluster.image.offset]).toEqual([[1, 2, 3], 0])
  })

  it('asked again for what is done it changes nothing', () => {
    ask('addVoter', 4)
    expect(ask('addVoter', 4)).toMatchObject({ isChanged: false, isComplete: true })
    expect(ask('addVoter', 4, { directory: 4 })).toMatchObject({ isChanged: false })
    expect(cluster.image.offset).toBe(1)
  })

  it.each([
    ['a node that is not connected', 9, {}, 'VOTER_NOT_CONNECTED', 'start it with a cluster file'],
    ['another folder than it has', 4, { directory: 7 }, 'INVALID_REQUEST', 'not 00000064'],
    ['a voter under another folder', 2, { directory: 7 }, 'INVALID_REQUEST', 'voter 2 has the data folder'],
  ] as const)('refuses %s', (_, nodeId, asked, code, text) => {
    expect(ask('addVoter', nodeId, asked)).toMatchObject({ type: 'error', code, message: expect.stringContaining(text) })
    expect(cluster.image.offset).toBe(0)
  })

  it('refuses a node without the controller role, one that Raft calls unready, and a set that Raft does not take', () => {
    quorum.nodes.set(4, { nodeId: 4, directoryId: id('d', 4), endpoint, isController: false })
    expect(ask('addVoter', 4)).toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining('controller role') })
    quorum.nodes.set(4, { nodeId: 4, directoryId: id('d', 4), endpoint, isController: true })
    quorum.notReady = new BrokerError('VOTER_NOT_READY', 'it lags')
    expect(ask('addVoter', 4)).toMatchObject({ code: 'VOTER_NOT_READY' })
    quorum.notReady = undefined
    quorum.refused.set('1,2,3,4', new BrokerError('UNSAFE_VOTER_SET', 'no'))
    expect(ask('addVoter', 4)).toMatchObject({ code: 'UNSAFE_VOTER_SET' })
    expect(cluster.image.offset).toBe(0)
  })

  it('a voter whose disk was wiped is replaced by two decisions, the first of which says that it is not complete', () => {
    quorum.nodes.set(3, { nodeId: 3, directoryId: id('d', 33), endpoint, isController: true })
    expect(ask('addVoter', 3, { validateOnly: true })).toMatchObject({ isComplete: true, voters: [voter(1), voter(2), { ...voter(3, 33), endpoint }] })
    expect(ask('addVoter', 3)).toMatchObject({ isChanged: true, isComplete: false, voters: [voter(1), voter(2)] })
    expect(ask('addVoter', 3)).toMatchObject({ isChanged: true, isComplete: true })
    expect(cluster.image.voters).toEqual([voter(1), voter(2), { ...voter(3, 33), endpoint }])
  })

  it('a wiped voter does not lose its old place while it could not take the new one', () => {
    quorum.nodes.set(3, { nodeId: 3, directoryId: id('d', 33), endpoint, isController: true })
    quorum.notReady = new BrokerError('VOTER_NOT_READY', 'it lags')
    expect(ask('addVoter', 3)).toMatchObject({ code: 'VOTER_NOT_READY' })
    quorum.notReady = undefined
    quorum.refused.set('1,2', new BrokerError('UNSAFE_VOTER_SET', 'no'))
    expect(ask('addVoter', 3)).toMatchObject({ code: 'UNSAFE_VOTER_SET' })
    expect(voterIds()).toEqual([1, 2, 3])
  })

  it('a voter known by its id alone gets the folder that its node has', () => {
    cluster.image = { ...cluster.image, voters: [voter(1), voter(2), voter(3, null)] }
    expect(ask('addVoter', 3)).toMatchObject({ isComplete: true, voters: [voter(1), voter(2), { ...voter(3), endpoint }] })
  })
})

describe('R4.4 removeVoter', () => {
  it('removes by id, or by id and folder, and says how many more may be lost', () => {
    expect(ask('removeVoter', 3, { directory: 3 })).toMatchObject({
      isChanged: true,
      voters: [voter(1), voter(2)],
      warnings: ['2 voters, an even number: they can lose 0, no more than 1 voter can; add or remove one more'],
    })
    expect(ask('removeVoter', 2)).toMatchObject({ warnings: ['1 voter: when it is lost, the cluster can decide nothing more'] })
    expect(voterIds()).toEqual([1])
  })

  it('names those of the new set that do not answer', () => {
    cluster.image = { ...cluster.image, voters: [1, 2, 3, 4].map((nodeId) => voter(nodeId)) }
    quorum.liveVoterIds = [1, 2, 4]
    expect(ask('removeVoter', 4, { validateOnly: true })).toMatchObject({ warnings: ['1 of these 3 voters do not answer (3); 0 more may be lost'] })
    expect(voterIds()).toEqual([1, 2, 3, 4])
  })

  it('refuses a node that is no voter, another folder, and a set that Raft does not take', () => {
    expect(ask('removeVoter', 9)).toMatchObject({ code: 'VOTER_NOT_FOUND', message: 'node 9 is not a voter; those are 1, 2, 3' })
    expect(ask('removeVoter', 3, { directory: 4 })).toMatchObject({ code: 'VOTER_NOT_FOUND', message: expect.stringContaining(id('d', 3)) })
    quorum.refused.set('1,2', new BrokerError('UNSAFE_VOTER_SET', 'no'))
    expect(ask('removeVoter', 3)).toMatchObject({ code: 'UNSAFE_VOTER_SET' })
    expect(voterIds()).toEqual([1, 2, 3])
  })
})
