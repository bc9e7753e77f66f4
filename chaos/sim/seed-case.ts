import { type Random, SeededRandom } from '../../src/base/random.ts'
import { type Atlas, drawAtlas, harmless } from '../atlas.ts'
import { drawFaultPlan, drawFolderFault, drawHoldersLost, type Fault, type FaultPlanOptions } from '../faults.ts'
import { drawStorageFaults } from '../storage-faults.ts'
import { brokerIds, drawSettings, LEAST_VOTERS, type Settings } from './settings.ts'

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

/** With fewer nodes nobody is left to elect a leader when two are gone. */
const ENOUGH_TO_ELECT = 4

/** What a seed is. */
export function drawCase(seed: number, given: Given = {}): SeedCase {
  const random = new SeededRandom(seed)
  const drawn = { ...drawSettings(random.fork('settings'), given.settings?.faultPhaseMs), ...given.settings }
  const settings = { ...drawn, atlas: given.settings?.atlas ?? atlasOf(random.fork('atlas'), drawn) }
  return { seed, settings, plan: given.plan ?? drawPlan(random, settings) }
}

/** Nothing of an atlas in the seeds in which disks forget no more than what was not synced. */
function atlasOf(random: Random, settings: Omit<Settings, 'atlas'>): Atlas {
  const { voters, observers, controllers, voterGapMs, topics } = settings
  if (random.integer(3) === 0) return harmless
  return drawAtlas(random, {
    nodeIds: Array.from({ length: voters + observers }, (_, at) => at + 1),
    brokerIds: brokerIds(settings),
    replicationFactor: Math.min(...topics.map(({ replicationFactor }) => replicationFactor)),
    controllers,
    leastVoters: voterGapMs === null ? voters : Math.min(voters, LEAST_VOTERS),
  })
}

/** Each kind from a stream of its own: a fault more of one of them moves none of the others. */
function drawPlan(random: Random, settings: Settings): readonly Fault[] {
  const { atlas } = settings
  const nodeIds = Array.from({ length: settings.voters + settings.observers }, (_, at) => at + 1)
  const span = { nodeIds, startMs: FAULTS_FROM_MS, endMs: settings.faultPhaseMs - QUIET_MS }
  const plan = drawFaultPlan(random.fork('faults'), span)
  const folder = drawFolderFaults(random.fork('folder fault'), settings, span)
  const storage = atlas === harmless ? [] : drawStorageFaults(random.fork('storage faults'), { ...span, atlas })
  const canChoose = nodeIds.length >= ENOUGH_TO_ELECT && settings.topics.some(({ mayElectUnclean }) => mayElectUnclean === true)
  const holders = canChoose ? drawHoldersLost(random.fork('holders'), span) : []
  return [...plan, ...folder, ...storage, ...holders].map((fault, id) => ({ ...fault, id }))
}

/** What stands on a folder may be lost with it: so it is that of a node of which everything may. */
function drawFolderFaults(random: Random, settings: Settings, span: FaultPlanOptions): readonly Omit<Fault, 'id'>[] {
  const { folders, topics, atlas } = settings
  if (folders === 1 || !topics.every(({ replicationFactor }) => replicationFactor >= A_MINORITY_MAY_GO)) return []
  if (atlas.partitions.type === 'each') return []
  const nodeIds = atlas.partitions.type === 'same' ? atlas.partitions.nodeIds : brokerIds(settings)
  return [drawFolderFault(random, { ...span, nodeIds })]
}
