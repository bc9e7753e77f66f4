import { SeededRandom } from '../../src/base/random.ts'
import type { Fault } from '../faults.ts'
import { drawSettings, type Settings } from './settings.ts'

/** A world that is told what happens: for what seeds meet too rarely. */
export interface Scenario {
  readonly plan: readonly Fault[]
  readonly settings: Partial<Settings>
}

const TOPICS = [{ name: 't0', partitions: 4, atMs: 0, replicationFactor: 3 }]
/** Whatever else the seed draws: nobody changes the voters, and nobody alters topics. */
const CALM = { observers: 0, splitRoles: false, voterGapMs: null, alterGapMs: null }
const THREE_NODES = { ...CALM, voters: 3, controllers: 3 }
const FIVE_NODES = { ...CALM, voters: 5, controllers: 5 }

/**
 * Records are deleted while replicas come back: again and again one is behind the log start of its leader, or has fetched beyond it what its disk
 * does not have yet.
 */
function deletesWhileReplicasReturn(): Scenario {
  const plan: Fault[] = []
  for (let round = 0; round < 12; round++) {
    plan.push({ id: round, atMs: 4_000 + round * 4_000, kind: 'kill', target: { type: 'node', nodeId: 1 + (round % 3) }, durationMs: 1_500 + 100 * round })
  }
  const config = { ...drawSettings(new SeededRandom(0)).config, segmentBytes: 2_000, replicaLagTimeMaxMs: 5_000 }
  return {
    plan,
    settings: {
      sendGapMs: 40,
      burstOneIn: 8,
      producers: 2,
      topics: TOPICS,
      ...THREE_NODES,
      folders: 1,
      diskLatencyMs: { min: 1, max: 20 },
      deleteGapMs: 60,
      config,
    },
  }
}

/** Disks are slower than elections: votes, terms and entries overtake one another on their way to them. The active controller dies again and again. */
function electionsOutrunDisks(): Scenario {
  const plan: Fault[] = []
  for (let round = 0; round < 15; round++) {
    const atMs = 5_000 + round * 3_500
    plan.push({ id: plan.length, atMs, kind: 'kill', target: { type: 'controller' }, durationMs: 200 + 40 * round })
    plan.push({ id: plan.length, atMs: atMs + 90 + 20 * round, kind: 'kill', target: { type: 'controller' }, durationMs: 300 })
  }
  plan.push({ id: plan.length, atMs: 8_000, kind: 'duplicate', target: { type: 'all' }, durationMs: 40_000 })
  return {
    plan,
    settings: {
      sendGapMs: 60,
      burstOneIn: 8,
      producers: 2,
      topics: TOPICS,
      ...FIVE_NODES,
      folders: 1,
      diskLatencyMs: { min: 5, max: 250 },
    },
  }
}

/** There is one voter, and it comes back again and again while the brokers around it come and go: it is elected by its own vote alone, once the disk has that. */
function onlyVoterComesBack(): Scenario {
  const plan: Fault[] = []
  const fault = (atMs: number, nodeId: number, durationMs: number): void => {
    plan.push({ id: plan.length, atMs, kind: 'kill', target: { type: 'node', nodeId }, durationMs })
  }
  for (let round = 0; round < 12; round++) {
    const atMs = 5_000 + round * 4_500
    fault(atMs, 1, 10)
    for (let nodeId = 2; nodeId <= 5; nodeId++) fault(atMs + 2_080 + 140 * (nodeId - 2) + 11 * round, nodeId, 10)
  }
  return {
    plan,
    settings: {
      sendGapMs: 60,
      burstOneIn: 8,
      producers: 2,
      topics: TOPICS,
      ...CALM,
      voters: 1,
      controllers: 1,
      observers: 4,
      splitRoles: true,
      folders: 1,
      diskLatencyMs: { min: 20, max: 40 },
    },
  }
}

/** The active controller is cut off, for so long that another is elected and it has to see by itself that it leads no more. */
function controllersCutOff(): Scenario {
  const plan = [0, 1, 2].map((id): Fault => ({ id, atMs: 5_000 + 15_000 * id, kind: 'isolate', target: { type: 'controller' }, durationMs: 10_000 }))
  return { plan, settings: { sendGapMs: 60, burstOneIn: 8, producers: 2, topics: TOPICS, ...THREE_NODES, folders: 1 } }
}

/** An operator changes the voters as fast as it goes, while leaders go as soon as they lead. */
function votersChangeAsLeadersGo(): Scenario {
  const plan: Fault[] = []
  for (let round = 0; round < 16; round++) {
    plan.push({
      id: round,
      atMs: 4_000 + round * 3_000,
      kind: round % 2 === 0 ? 'isolate' : 'kill',
      target: { type: 'controller' },
      durationMs: round % 2 === 0 ? 2_500 : 300,
    })
  }
  const quorum = { voters: 3, observers: 2, controllers: 5, voterGapMs: 40, voterOperators: 3 }
  return { plan, settings: { sendGapMs: 150, burstOneIn: 8, producers: 2, topics: TOPICS, ...CALM, ...quorum, folders: 1, diskLatencyMs: { min: 2, max: 25 } } }
}

/** Nodes are restarted one after the other, and much of what they say arrives twice, also when they are other processes long since. */
function restartsWithEchoes(): Scenario {
  const plan: Fault[] = [{ id: 0, atMs: 4_000, kind: 'duplicate', target: { type: 'all' }, durationMs: 45_000 }]
  for (let round = 0; round < 9; round++) {
    plan.push({ id: round + 1, atMs: 5_000 + 5_000 * round, kind: 'restart', target: { type: 'node', nodeId: 1 + (round % 3) }, durationMs: 300 })
  }
  return { plan, settings: { sendGapMs: 80, burstOneIn: 8, producers: 2, topics: TOPICS, ...THREE_NODES, folders: 1 } }
}

/** Disks stand still while producers go on: what they send has to wait where it is once a node holds as much as it may. */
function producersOutrunDisks(): Scenario {
  const plan = [0, 1, 2, 3, 4, 5].map(
    (id): Fault => ({ id, atMs: 5_000 + 9_000 * id, kind: 'diskStall', target: { type: 'node', nodeId: 1 + (id % 3) }, durationMs: 6_000 }),
  )
  const config = { ...drawSettings(new SeededRandom(0)).config, produceInFlightBytes: 2_000, replicaLagTimeMaxMs: 20_000 }
  return { plan, settings: { sendGapMs: 20, burstOneIn: 8, producers: 3, topics: TOPICS, ...THREE_NODES, folders: 1, config } }
}

const scenarios: ReadonlyMap<string, Scenario> = new Map([
  ['deletes-while-replicas-return', deletesWhileReplicasReturn()],
  ['elections-outrun-disks', electionsOutrunDisks()],
  ['only-voter-comes-back', onlyVoterComesBack()],
  ['controllers-cut-off', controllersCutOff()],
  ['producers-outrun-disks', producersOutrunDisks()],
  ['restarts-with-echoes', restartsWithEchoes()],
  ['voters-change-as-leaders-go', votersChangeAsLeadersGo()],
])

export function findScenario(name: string): Scenario {
  const scenario = scenarios.get(name)
  if (scenario === undefined) throw new Error(`there is no scenario "${name}"`)
  return scenario
}
