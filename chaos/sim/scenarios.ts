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
 * A replica comes back just when the leader goes: the next leader does not know yet how far the last one had committed, so that the
 * returning replica may have reached its high watermark and not the start of its epoch (rules R6.5). Again and again, at another moment each time.
 */
function comesBackAsTheLeaderGoes(): Scenario {
  const plan: Fault[] = []
  const rounds = 14
  for (let round = 0; round < rounds; round++) {
    const atMs = 4_000 + round * 4_000
    plan.push({ id: plan.length, atMs, kind: 'kill', target: { type: 'node', nodeId: 1 + (round % 3) }, durationMs: 60 + 10 * round })
    plan.push({ id: plan.length, atMs: atMs + 230 + 25 * round, kind: 'kill', target: { type: 'leader' }, durationMs: 400 })
  }
  return {
    plan,
    settings: {
      sendGapMs: 40,
      burstOneIn: 8,
      producers: 2,
      topics: TOPICS,
      ...THREE_NODES,
    },
  }
}

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

/**
 * Leaderships go back where they belong while everybody is busy: the one that leaves has handed out what the next does not have yet, and it is still on
 * its way to slow disks when it is cut there.
 */
function leadersMoveUnderLoad(): Scenario {
  const plan: Fault[] = []
  for (let round = 0; round < 13; round++) {
    const target = { type: 'node', nodeId: 1 + (round % 3) } as const
    plan.push({ id: round, atMs: 4_000 + round * 4_000, kind: round % 2 === 0 ? 'kill' : 'powerLoss', target, durationMs: 200 })
  }
  return {
    plan,
    settings: {
      sendGapMs: 25,
      burstOneIn: 8,
      producers: 2,
      topics: TOPICS,
      ...THREE_NODES,
      folders: 1,
      diskLatencyMs: { min: 1, max: 60 },
      conditions: { baseDelayUs: 1_000, jitterUs: 3_000, reorder: true },
      config: { ...drawSettings(new SeededRandom(0)).config, segmentBytes: 1_048_576, leaderBalanceMs: 300, replicaLagTimeMaxMs: 5_000 },
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

const scenarios: ReadonlyMap<string, Scenario> = new Map([
  ['comes-back-as-the-leader-goes', comesBackAsTheLeaderGoes()],
  ['deletes-while-replicas-return', deletesWhileReplicasReturn()],
  ['elections-outrun-disks', electionsOutrunDisks()],
  ['leaders-move-under-load', leadersMoveUnderLoad()],
  ['only-voter-comes-back', onlyVoterComesBack()],
  ['controllers-cut-off', controllersCutOff()],
  ['voters-change-as-leaders-go', votersChangeAsLeadersGo()],
])

export function findScenario(name: string): Scenario {
  const scenario = scenarios.get(name)
  if (scenario === undefined) throw new Error(`there is no scenario "${name}"`)
  return scenario
}
