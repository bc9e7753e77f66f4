import { describe, expect, it } from 'vitest'
import { type Random, SeededRandom } from '../../src/base/random.ts'
import type { PartitionRef } from '../../src/controller/commands.ts'
import { effectiveMinInSyncReplicas } from '../../src/controller/configs.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { hashImage, ImageHasher } from '../../src/metadata/hash.ts'
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts'
import { type PartitionState, replicationFactorOf } from '../../src/metadata/records.ts'
import { Cluster, type Command, id, outcome } from './harness.ts'
import { alterPartitionTwin, electableTwin, elrTwin, leftTwin, mayGiveUpTwin } from './twin.ts'

const NODES = [1, 2, 3, 4, 5]
const STEPS = 2_500
const SEEDS = [1, 2, 4, 6]
/** Some 2 s each; a machine that does ten other things takes its time. */
const TIMEOUT_MS = 180_000

function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[random.integer(items.length)]!
}

function chance(random: Random, percent: number): boolean {
  return random.integer(100) < percent
}

/** Mostly right, sometimes a little off: so that every check is reached. */
function nearly(random: Random, value: number): number {
  return chance(random, 8) ? value + pick(random, [-1, 1]) : value
}

function allStates(image: MetadataImage): PartitionState[] {
  // By id: what is drawn of them does not hang on the order in which a map gives them.
  const topics = [...image.topics.values()].toSorted((left, right) => (left.topicId < right.topicId ? -1 : 1))
  return topics.flatMap((topic) => topic.partitions)
}

/** Commands as a hostile network and a moody cluster would bring them. */
class Chaos {
  readonly cluster = new Cluster()
  readonly random: Random
  readonly counts = new Map<string, number>()
  #topics = 0
  #incarnations = 0
  #folders = new Map<number, number>()
  /** Sent, and maybe sent again much later. */
  readonly #sent: Command[] = []

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  #ref(): PartitionRef {
    const states = allStates(this.cluster.image)
    if (states.length === 0 || chance(this.random, 2)) return { topicId: id('t', this.random.integer(50)), partition: 0 }
    const { topicId, partition } = pick(this.random, states)
    return { topicId, partition: chance(this.random, 2) ? partition + 50 : partition }
  }

  /** Evidence moves by itself: words about partitions, dead logs, applied offsets. */
  evidence(): void {
    const { cluster, random } = this
    for (const state of allStates(cluster.image)) {
      if (state.leader !== -1 || !chance(random, 60)) continue
      for (const nodeId of state.replicas) {
        if (!chance(random, 50)) continue
        cluster.reports(nodeId, state, {
          partitionEpoch: chance(random, 10) ? state.partitionEpoch - 1 : state.partitionEpoch,
          lastEpoch: random.integer(3),
          syncedEndOffset: random.integer(4),
          suspect: chance(random, 60),
          damaged: chance(random, 10),
        })
      }
    }
    const broker = cluster.image.brokers.get(pick(random, NODES))
    if (broker === undefined) return
    if (chance(random, 70)) cluster.sessions.applied.set(cluster.sessions.key(broker), nearly(random, broker.brokerEpoch + 1))
    if (chance(random, 3)) cluster.sessions.dead.add(cluster.sessions.key(broker, this.#ref()))
  }

  #alter(): Command {
    const { cluster, random } = this
    const ref = this.#ref()
    const state = cluster.image.topics.get(ref.topicId)?.partitions[ref.partition]
    const nodeId = state === undefined || state.leader === -1 || chance(random, 6) ? pick(random, NODES) : state.leader
    const candidates = state === undefined || chance(random, 4) ? NODES : state.replicas
    const members = candidates.filter((candidate) => (candidate === state?.leader ? !chance(random, 4) : chance(random, 65)))
    if (chance(random, 2)) members.push(nodeId)
    const isr = members.map((member) => ({ nodeId: member, brokerEpoch: nearly(random, cluster.image.brokers.get(member)?.brokerEpoch ?? -1) }))
    const proposal = { ...ref, leaderEpoch: nearly(random, state?.leaderEpoch ?? 0), partitionEpoch: nearly(random, state?.partitionEpoch ?? 0), isr }
    return { type: 'alterPartition', nodeId, brokerEpoch: nearly(random, cluster.image.brokers.get(nodeId)?.brokerEpoch ?? -1), proposal }
  }

  /** The leader of a partition on its way proposes whoever could join: moves are long, and would seldom end by luck alone. */
  #join(state: PartitionState): Command {
    const { brokers } = this.cluster.image
    const members = state.replicas.flatMap((nodeId) => {
      const broker = brokers.get(nodeId)
      return broker === undefined || broker.fenced || broker.draining ? [] : [{ nodeId, brokerEpoch: broker.brokerEpoch }]
    })
    const { topicId, partition, leaderEpoch, partitionEpoch, leader } = state
    const proposal = { topicId, partition, leaderEpoch, partitionEpoch, isr: members }
    return { type: 'alterPartition', nodeId: leader, brokerEpoch: brokers.get(leader)?.brokerEpoch ?? -1, proposal }
  }

  #create(): Command {
    const { random } = this
    const partitions = 1 + random.integer(3)
    const replicationFactor = 1 + random.integer(4)
    const configs = chance(random, 50) ? new Map([['min.insync.replicas', String(1 + random.integer(3))]]) : new Map<string, string>()
    if (chance(random, 50)) configs.set('unclean.leader.election.enable', 'true')
    const number = ++this.#topics
    return {
      type: 'createTopic',
      name: `t${number % 7}`,
      topicId: id('t', number),
      partitions,
      replicationFactor,
      assignment: null,
      configs,
      validateOnly: chance(random, 5),
    }
  }

  #alterTopic(): Command {
    const { cluster, random } = this
    const { topicId } = this.#ref()
    const now = cluster.image.topics.get(topicId)?.partitions.length ?? 1
    const minInSync = new Map([['min.insync.replicas', String(1 + random.integer(4))]])
    return {
      type: 'alterTopic',
      topicId,
      partitions: chance(random, 50) ? 0 : now + random.integer(now < 4 ? 3 : 2) - 1,
      assignment: null,
      set: chance(random, 60) ? minInSync : new Map(),
      delete: chance(random, 10) ? ['min.insync.replicas'] : [],
      validateOnly: chance(random, 5),
    }
  }

  #move(): Command {
    const { random } = this
    const shuffled = NODES.map((nodeId) => ({ nodeId, at: random.integer(1000) })).sort((left, right) => left.at - right.at)
    const replicas = shuffled.slice(0, 1 + random.integer(4)).map(({ nodeId }) => nodeId)
    const moves = [
      { ...this.#ref(), replicas: chance(random, 35) ? null : replicas },
      { ...this.#ref(), replicas: chance(random, 35) ? null : replicas },
    ]
    return { type: 'alterReassignments', moves, bytesPerSecond: null, validateOnly: chance(random, 5) }
  }

  #register(nodeId: number): Command {
    const { random } = this
    if (chance(random, 10)) this.#folders.set(nodeId, (this.#folders.get(nodeId) ?? 0) + 10)
    const directoryIds = [id('d', nodeId + (this.#folders.get(nodeId) ?? 0))]
    const damaged = chance(random, 25) ? allStates(this.cluster.image).filter(() => chance(random, 20)) : []
    const address = { host: 'h', grpcPort: 1, kafkaPort: null, httpPort: null, rack: null }
    return { type: 'register', nodeId, incarnationId: id('i', ++this.#incarnations), directoryIds, address, damaged, standing: null }
  }

  next(): Command {
    const { cluster, random } = this
    if (this.#sent.length > 0 && chance(random, 5)) return pick(random, this.#sent)
    // Rare, for whoever comes back is mostly not let in again before something else happens.
    const mayLead = (nodeId: number): boolean => cluster.image.brokers.get(nodeId)?.maintenance === false
    const isDisplaced = ({ leader, replicas, isr }: PartitionState): boolean =>
      leader !== replicas[0] && isr.some(({ nodeId }) => nodeId === replicas[0] && mayLead(nodeId))
    if (chance(random, 15) && allStates(cluster.image).some(isDisplaced))
      return { type: 'electLeaders', metadataOffset: null, unclean: false, partitions: null, validateOnly: false }
    const onTheWay = allStates(cluster.image).filter(({ leader, reassignment }) => leader !== -1 && reassignment !== null)
    if (chance(random, 12) && onTheWay.length > 0) {
      const state = pick(random, onTheWay)
      if (chance(random, 75)) return this.#join(state)
      return {
        type: 'alterReassignments',
        moves: [{ topicId: state.topicId, partition: state.partition, replicas: null }],
        bytesPerSecond: null,
        validateOnly: false,
      }
    }
    const nodeId = pick(random, NODES)
    const brokerEpoch = nearly(random, cluster.image.brokers.get(nodeId)?.brokerEpoch ?? 0)
    const command = this.#draw(random.integer(100), nodeId, brokerEpoch)
    this.#sent.push(command)
    return command
  }

  #draw(roll: number, nodeId: number, brokerEpoch: number): Command {
    if (roll < 5) return this.#register(nodeId)
    if (roll < 23) return { type: 'unfence', nodeId, brokerEpoch }
    if (roll < 30) return { type: 'fence', nodeId, brokerEpoch }
    if (roll < 31) return { type: 'drain', nodeId, brokerEpoch }
    if (roll < 32) return { type: 'alterMaintenance', nodeId, maintenance: chance(this.random, 35) }
    if (roll === 32 && chance(this.random, 50)) return { type: 'unregisterBroker', nodeId, validateOnly: chance(this.random, 10) }
    if (roll < 33) return { type: 'deadLogs', nodeId, brokerEpoch, partitions: [this.#ref(), this.#ref()] }
    if (roll < 38) return this.#create()
    if (roll < 39) return { type: 'deleteTopic', topicId: this.#ref().topicId }
    if (roll < 40) return { type: 'allocateProducerIds', count: 10 }
    if (roll < 43) return this.#alterTopic()
    if (roll < 45)
      return {
        type: 'electLeaders',
        metadataOffset: null,
        unclean: chance(this.random, 50),
        partitions: chance(this.random, 80) ? null : [this.#ref(), this.#ref()],
        validateOnly: false,
      }
    if (roll < 48) return this.#move()
    if (roll < 75) return this.#alter()
    return {
      type: chance(this.random, 40) ? 'electUnclean' : 'elect',
      partitions: [...allStates(this.cluster.image).filter(() => chance(this.random, 70)), this.#ref()],
    }
  }
}

/** Nobody may lead it cleanly, and an operator, or its topic, wants a leader all the same. */
function isUncleanElection(chaos: Chaos, command: Command, before: MetadataImage, old: PartitionState): boolean {
  if (command.type === 'electUnclean') return old.leader === -1 && mayGiveUpTwin({ image: before, sessions: chaos.cluster.sessions }, old)
  const isAsked = command.type === 'electLeaders' && command.unclean && old.leader === -1
  return isAsked && electableTwin({ image: before, sessions: chaos.cluster.sessions }, old).length === 0
}

/** Who a command makes ineligible for good in that partition (rules R5.3, R5.7, R5.8). */
function isLost(chaos: Chaos, command: Command, before: MetadataImage, state: PartitionState, nodeId: number): boolean {
  if (command.type === 'register') {
    if (command.nodeId !== nodeId) return false
    const folders = before.brokers.get(nodeId)?.directoryIds ?? []
    return (
      !folders.every((folder) => command.directoryIds.includes(folder)) ||
      command.damaged.some((ref) => ref.topicId === state.topicId && ref.partition === state.partition)
    )
  }
  if (isUncleanElection(chaos, command, before, state)) return true
  if (command.type !== 'elect' && command.type !== 'electUnclean' && command.type !== 'electLeaders') return false
  const broker = before.brokers.get(nodeId)
  const report = broker === undefined ? undefined : chaos.cluster.sessions.report(broker, state)
  return report?.partitionEpoch === state.partitionEpoch && report.damaged
}

function checkPartition(chaos: Chaos, command: Command, before: MetadataImage, old: PartitionState, state: PartitionState): void {
  const { image, sessions } = chaos.cluster
  expect(state.partitionEpoch).toBe(old.partitionEpoch + 1)
  const isSameReign = state.leader === old.leader && old.replicas.every((nodeId) => state.replicas.includes(nodeId))
  expect(state.leaderEpoch).toBe(isSameReign ? old.leaderEpoch : old.leaderEpoch + 1)
  expect(state.leaderGrantedOffset).toBe(isSameReign ? old.leaderGrantedOffset : before.offset)
  const configs = image.topics.get(state.topicId)!.configs
  const minInSyncReplicas = effectiveMinInSyncReplicas(configs, replicationFactorOf(state))
  expect([...state.elr].sort()).toEqual(elrTwin(old, state, minInSyncReplicas, (nodeId) => isLost(chaos, command, before, old, nodeId)))
  const isSettled = old.reassignment !== null && state.reassignment === null
  if (isSettled) chaos.count(command.type === 'alterReassignments' ? 'move cut short' : 'moved')
  const isUnclean = isUncleanElection(chaos, command, before, old)
  expect(state.unclean).toBe(isUnclean || (old.unclean && state.isr.length < state.replicas.length))
  if (command.type === 'electLeaders' && !command.unclean && !isSettled) {
    chaos.count('preferred leader elected')
    expect(state).toMatchObject({ leader: old.replicas[0], isr: old.isr })
  } else if (old.leader !== -1) {
    const isInSync = (nodeId: number): boolean => state.isr.some((member) => member.nodeId === nodeId)
    const isMarked = (nodeId: number): boolean => image.brokers.get(nodeId)!.maintenance
    const mayLead = (nodeId: number): boolean => isInSync(nodeId) && !sessions.isLogDead(image.brokers.get(nodeId)!, old)
    const first = (replicas: readonly number[]): number => replicas.find((one) => mayLead(one) && !isMarked(one)) ?? replicas.find(mayLead) ?? -1
    const gaveUp = isInSync(old.leader) && isMarked(old.leader) && state.leader !== old.leader
    if (gaveUp) chaos.count('led out of maintenance')
    // A move that ends takes its order along, and the leader by the old one if that stays.
    if (isInSync(old.leader) && !gaveUp) expect(state.leader).toBe(old.leader)
    else expect(state.replicas === old.replicas ? [first(old.replicas)] : [first(old.replicas), first(state.replicas)]).toContain(state.leader)
  }
  if (old.leader !== -1 || state.leader === -1) return
  const way = command.type === 'electUnclean' ? 'elected unclean by itself' : 'elected unclean'
  chaos.count(isUnclean ? way : 'elected by reports')
  const world = { image: before, sessions }
  const electable = isUnclean ? leftTwin(world, old) : electableTwin(world, old)
  expect(electable).toContain(state.leader)
  const report = sessions.report(before.brokers.get(state.leader)!, old)!
  expect(report.damaged).toBe(false)
  if (report.suspect) chaos.count('elected a suspect')
  for (const nodeId of electable) {
    const other = sessions.report(before.brokers.get(nodeId)!, old)!
    expect(other.lastEpoch - report.lastEpoch || other.syncedEndOffset - report.syncedEndOffset).toBeLessThanOrEqual(0)
  }
}

function checkImage(image: MetadataImage): void {
  for (const state of allStates(image)) {
    const isr = state.isr.map((member) => member.nodeId)
    expect(state.leader === -1 ? isr : isr.includes(state.leader)).toEqual(state.leader === -1 ? [] : true)
    expect(state.elr.filter((nodeId) => isr.includes(nodeId))).toEqual([])
    // R5.8, after a change of min.insync.replicas too.
    if (state.elr.length > 0) expect(isr.length).toBeLessThan(effectiveMinInSyncReplicas(image.topics.get(state.topicId)!.configs, replicationFactorOf(state)))
    for (const member of state.isr) {
      // I7, and R5.4 for the leader.
      expect(image.brokers.get(member.nodeId)).toMatchObject({ brokerEpoch: member.brokerEpoch, fenced: false, draining: false })
      if (member.nodeId === state.leader) expect(state.leaderGrantedOffset).toBeGreaterThan(member.brokerEpoch)
    }
  }
}

function run(chaos: Chaos): void {
  const { cluster } = chaos
  for (let step = 0; step < STEPS; step++) {
    chaos.evidence()
    const command = chaos.next()
    const before = cluster.image
    const expected = command.type === 'alterPartition' ? alterPartitionTwin({ image: before, sessions: cluster.sessions }, command) : undefined
    const world = { image: before, sessions: cluster.sessions }
    const canElect =
      command.type === 'elect' || command.type === 'electUnclean'
        ? command.partitions.filter((ref) => {
            const state = before.topics.get(ref.topicId)?.partitions[ref.partition]
            if (state?.leader !== -1) return false
            if (electableTwin(world, state).length > 0) return true
            return command.type === 'electUnclean' && mayGiveUpTwin(world, state) && leftTwin(world, state).length > 0
          })
        : []
    const reply = cluster.run(command)
    chaos.count(`${command.type} ${outcome(reply)}`)
    if (expected !== undefined) expect(outcome(reply)).toBe(expected)
    if (reply.type === 'error' || cluster.image === before) {
      expect(cluster.image).toBe(before)
      expect(canElect).toEqual([])
      continue
    }
    for (const ref of canElect) expect(cluster.state(ref).leader).not.toBe(-1)
    for (const old of allStates(before)) {
      const state = cluster.image.topics.get(old.topicId)?.partitions[old.partition]
      if (state !== undefined && state !== old) checkPartition(chaos, command, before, old, state)
    }
    checkImage(cluster.image)
  }
}

describe('the controller under random commands', () => {
  for (const seed of SEEDS) {
    it(
      `seed ${seed}: I5, I7, R5.4, R5.6, R5.7, R5.8 as their naive twins say; I8 for any batching`,
      () => {
        const chaos = new Chaos(seed)
        run(chaos)
        const { entries, image } = chaos.cluster
        const hasher = new ImageHasher()
        const hashes = new Map<number, number>()
        let oneByOne: MetadataImage = emptyImage
        for (const entry of entries) {
          oneByOne = applyEntries(oneByOne, [entry]).image
          hashes.set(oneByOne.offset, hasher.hash(oneByOne))
        }
        expect(oneByOne).toEqual(image)
        let batched: MetadataImage = emptyImage
        for (let from = 0; from < entries.length; ) {
          const size = 1 + chaos.random.integer(20)
          batched = applyEntries(batched, entries.slice(from, from + size)).image
          from += size
          expect(hashImage(batched)).toBe(hashes.get(batched.offset))
        }
        // What the story must have contained to be worth its checks.
        const wanted = [
          'register registered',
          'register DUPLICATE_BROKER_REGISTRATION',
          'unfence done',
          'unfence INVALID_REQUEST',
          'fence done',
          'fence STALE_BROKER_EPOCH',
          'drain done',
          'alterMaintenance maintenanceAltered',
          'led out of maintenance',
          'unregisterBroker BROKER_IN_USE',
          'deadLogs done',
          'createTopic topicCreated',
          'createTopic TOPIC_ALREADY_EXISTS',
          'deleteTopic done',
          'alterTopic topicAltered',
          'alterTopic INVALID_CONFIG',
          'alterTopic INVALID_PARTITIONS',
          'electLeaders leadersElected',
          'preferred leader elected',
          'alterReassignments reassignmentsAltered',
          'moved',
          'move cut short',
          'elect done',
          'elected by reports',
          'elected a suspect',
          'elected unclean',
          'electUnclean done',
          'elected unclean by itself',
          'alterPartition done',
          ...[
            'STALE_BROKER_EPOCH',
            'FENCED_LEADER_EPOCH',
            'NOT_CONTROLLER',
            'NOT_LEADER_OR_FOLLOWER',
            'INVALID_UPDATE_VERSION',
            'INVALID_REQUEST',
            'INELIGIBLE_REPLICA',
            'UNKNOWN_TOPIC_ID',
          ].map((code) => `alterPartition ${code}`),
        ]
        expect(wanted.filter((what) => (chaos.counts.get(what) ?? 0) < 3)).toEqual([])
      },
      TIMEOUT_MS,
    )
  }
})
