import { SeededRandom } from '../../src/base/random.ts'
import { drawFaultPlan, type Fault, withFolderFault } from '../faults.ts'
import { brokerIds, drawSettings, type Settings } from './settings.ts'

/** All that decides a run, as data: drawn up front, written to a file when the run fails, and made smaller. */
export interface SeedCase {
  readonly seed: number
  readonly settings: Settings
  readonly plan: readonly Fault[]
}

/** Instead of what the seed would draw: for scripted scenarios. */
export interface Given {
  readonly plan?: readonly Fault[]
  readonly settings?: Partial<Settings>
}

/** The same, with faults for so long; undefined: as long as it is drawn. */
export function withFaultPhase(given: Given, faultPhaseMs: number | undefined): Given {
  return faultPhaseMs === undefined ? given : { ...given, settings: { ...given.settings, faultPhaseMs } }
}

const FAULTS_FROM_MS = 4_000
/** Before the end of the phase nothing begins any more. */
const QUIET_MS = 5_000
/** From so many replicas on one disk may be lost (rules R1.2). */
const A_MINORITY_MAY_GO = 3

/** What a seed is. */
export function drawCase(seed: number, given: Given = {}): SeedCase {
  const random = new SeededRandom(seed)
  const settings = { ...drawSettings(random.fork('settings')), ...given.settings }
  if (given.plan !== undefined) return { seed, settings, plan: given.plan }
  const nodeIds = Array.from({ length: settings.voters + settings.observers }, (_, at) => at + 1)
  const span = { nodeIds, startMs: FAULTS_FROM_MS, endMs: settings.faultPhaseMs - QUIET_MS }
  const plan = drawFaultPlan(random.fork('faults'), span)
  if (settings.folders === 1 || !settings.topics.every(({ replicationFactor }) => replicationFactor >= A_MINORITY_MAY_GO)) return { seed, settings, plan }
  return { seed, settings, plan: withFolderFault(plan, random.fork('folder fault'), { ...span, nodeIds: brokerIds(settings) }) }
}
