import { SeededRandom } from '../../src/base/random.ts'
import type { Fault } from '../faults.ts'
import { drawSettings, type Settings } from './settings.ts'

/** A world that is told what happens: for what seeds meet too rarely. */
export interface Scenario {
  readonly plan: readonly Fault[]
  readonly settings: Partial<Settings>
}

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
      producers: 2,
      topics: [{ name: 't0', partitions: 4, atMs: 0, replicationFactor: 3 }],
      voters: 3,
      observers: 0,
      splitRoles: false,
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
  const topics = [{ name: 't0', partitions: 4, atMs: 0, replicationFactor: 3 }]
  return {
    plan,
    settings: {
      sendGapMs: 40,
      producers: 2,
      topics,
      voters: 3,
      observers: 0,
      splitRoles: false,
      folders: 1,
      diskLatencyMs: { min: 1, max: 20 },
      deleteGapMs: 60,
      config,
    },
  }
}

const scenarios: ReadonlyMap<string, Scenario> = new Map([
  ['comes-back-as-the-leader-goes', comesBackAsTheLeaderGoes()],
  ['deletes-while-replicas-return', deletesWhileReplicasReturn()],
])

export function findScenario(name: string): Scenario {
  const scenario = scenarios.get(name)
  if (scenario === undefined) throw new Error(`there is no scenario "${name}"`)
  return scenario
}
