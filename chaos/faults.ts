import { between, type Random } from '../src/base/random.ts'

/** What can be done to a cluster. `folderFails`: one of the data folders of a node, later mended or replaced. `holdersLost`: a replica falls behind, comes back, and all that had everything are gone. `restart` is a clean stop; `rollingRestart` one of each node, one after the other; `kill` keeps what the system has cached; `powerLoss` loses, tears and reorders what was not synced. */
export type FaultKind = StorageFaultKind | PlainFaultKind

/**
 * What disks do, of which the first four harm what was synced, within the atlas. syncedLost: a power loss in which a disk forgets what it had said was synced;
 * damage: bytes of a node that is down change, files go; wipe: its folders come back empty; ioErrors: calls fail; diskFull: for a while; diskSlow: calls take many
 * times as long; diskStall: none is done for a while.
 */
export type StorageFaultKind = 'syncedLost' | 'syncedLostAll' | 'damage' | 'wipe' | 'ioErrors' | 'diskFull' | 'diskSlow' | 'diskStall'

type PlainFaultKind =
  | 'kill'
  | 'powerLoss'
  | 'restart'
  | 'rollingRestart'
  | 'pause'
  | 'cutOneWay'
  | 'cutTwoWay'
  | 'isolate'
  | 'delay'
  | 'loss'
  | 'duplicate'
  | 'killAll'
  | 'powerLossAll'
  | 'clockJump'
  | 'checkpointsLost'
  | 'folderFails'
  | 'holdersLost'

/** A node by id, or by what it is at that moment: the active controller, the leader of the first partition that has one, a node that the atlas lets be harmed so. */
export type FaultTarget =
  | { readonly type: 'node'; readonly nodeId: number }
  | { readonly type: 'controller' }
  | { readonly type: 'leader' }
  | { readonly type: 'victim' }
  | { readonly type: 'link'; readonly from: number; readonly to: number }
  | { readonly type: 'all' }

/** One planned fault. For crashes, durationMs is how long the node stays down. */
export interface Fault {
  readonly id: number
  readonly atMs: number
  readonly kind: FaultKind
  readonly target: FaultTarget
  readonly durationMs: number
}

export interface FaultPlanOptions {
  readonly nodeIds: readonly number[]
  /** Faults begin within [startMs, endMs). */
  readonly startMs: number
  readonly endMs: number
}

/** How often a kind is drawn, of the sum. */
const weights: readonly (readonly [FaultKind, number])[] = [
  ['kill', 5],
  ['powerLoss', 6],
  ['restart', 3],
  ['rollingRestart', 1],
  ['pause', 4],
  ['cutOneWay', 3],
  ['cutTwoWay', 3],
  ['isolate', 3],
  ['delay', 2],
  ['loss', 3],
  ['duplicate', 3],
  ['killAll', 1],
  ['powerLossAll', 2],
  ['clockJump', 1],
  ['checkpointsLost', 1],
]

const LEAST_FAULTS = 3
const MOST_FAULTS = 9

/** Draws the whole plan of a seed up front, as data, in the order of time; so many faults a minute, at least three of them such that touch processes or the network. */
export function drawFaultPlan(random: Random, options: FaultPlanOptions): readonly Fault[] {
  const minutes = Math.max(1, Math.round((options.endMs - options.startMs) / 60_000))
  const count = between(random, LEAST_FAULTS * minutes, MOST_FAULTS * minutes)
  const faults: Omit<Fault, 'id'>[] = []
  for (let drawn = 0; drawn < count; drawn++) {
    const kind = drawKind(random, options.nodeIds.length)
    const atMs = between(random, options.startMs, options.endMs - 1)
    faults.push({ atMs, kind, target: drawTarget(random, kind, options.nodeIds), durationMs: drawDuration(random, kind) })
  }
  faults.sort((left, right) => left.atMs - right.atMs)
  const planned = faults.map((fault, id) => ({ id, ...fault }))
  const hard = planned.filter(({ kind }) => kind !== 'clockJump' && kind !== 'checkpointsLost').length
  return hard >= LEAST_FAULTS ? planned : drawFaultPlan(random, options)
}

/**
 * For nodes with several data folders. At most once a run: a folder may come back as a new one, and the disk of a minority of a partition's replicas
 * is all that may be lost (rules R1.2).
 */
export function drawFolderFault(random: Random, options: FaultPlanOptions): Omit<Fault, 'id'> {
  const nodeId = options.nodeIds[random.integer(options.nodeIds.length)] as number
  const atMs = between(random, options.startMs, options.endMs - 1)
  return { atMs, kind: 'folderFails', target: { type: 'node', nodeId }, durationMs: between(random, 300, 9_000) }
}

/** For topics that then rather lose records than wait: once or twice. */
export function drawHoldersLost(random: Random, options: FaultPlanOptions): readonly Omit<Fault, 'id'>[] {
  return Array.from({ length: between(random, 1, 2) }, () => {
    const atMs = between(random, options.startMs, options.endMs - 1)
    return { atMs, kind: 'holdersLost', target: { type: 'all' }, durationMs: between(random, 5_000, 9_000) }
  })
}

/** These need two nodes. */
const betweenNodes: ReadonlySet<FaultKind> = new Set(['cutOneWay', 'cutTwoWay', 'isolate', 'delay', 'loss', 'duplicate'])

function drawKind(random: Random, nodes: number): FaultKind {
  const possible = nodes > 1 ? weights : weights.filter(([kind]) => !betweenNodes.has(kind))
  const sum = possible.reduce((total, [, weight]) => total + weight, 0)
  let ticket = random.integer(sum)
  for (const [kind, weight] of possible) {
    if (ticket < weight) return kind
    ticket -= weight
  }
  return 'kill'
}

function drawTarget(random: Random, kind: FaultKind, nodeIds: readonly number[]): FaultTarget {
  const nodeId = nodeIds[random.integer(nodeIds.length)] as number
  switch (kind) {
    case 'killAll':
    case 'powerLossAll':
    case 'rollingRestart':
    case 'delay':
    case 'loss':
    case 'duplicate':
      return { type: 'all' }
    case 'cutOneWay':
    case 'cutTwoWay': {
      const others = nodeIds.filter((other) => other !== nodeId)
      return { type: 'link', from: nodeId, to: others[random.integer(others.length)] as number }
    }
    case 'clockJump':
    case 'checkpointsLost':
      return { type: 'node', nodeId }
    default: {
      const ticket = random.integer(4)
      if (ticket === 0) return { type: 'controller' }
      return ticket === 1 ? { type: 'leader' } : { type: 'node', nodeId }
    }
  }
}

function drawDuration(random: Random, kind: FaultKind): number {
  switch (kind) {
    case 'pause':
      return between(random, 100, 9_000)
    case 'delay':
    case 'loss':
    case 'duplicate':
      return between(random, 2_000, 12_000)
    case 'cutOneWay':
    case 'cutTwoWay':
    case 'isolate':
      return between(random, 300, 10_000)
    case 'clockJump':
      return 0
    default:
      return random.integer(3) === 0 ? between(random, 10, 300) : between(random, 300, 7_000)
  }
}

/** For the story: "power loss of node 2 for 3.1 s". */
export function describeFault(fault: Fault): string {
  const { target } = fault
  const where =
    target.type === 'node'
      ? `node ${target.nodeId}`
      : target.type === 'link'
        ? `link ${target.from}→${target.to}`
        : target.type === 'all'
          ? 'all nodes'
          : target.type === 'victim'
            ? 'a node that may be harmed'
            : `the ${target.type}`
  return `${fault.kind} on ${where} for ${(fault.durationMs / 1000).toFixed(1)} s`
}
