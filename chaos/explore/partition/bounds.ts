import type { BoundTable } from '../model.ts'

/** How often each fault, and each other thing that could go on for ever, may happen at most. */
export const boundNames = [
  'records',
  'retries',
  'fences',
  'isrChanges',
  'crashes',
  'losses',
  'duplicates',
  'timeouts',
  'damage',
  'drains',
  'moves',
  'failovers',
  'configChanges',
  'uncleanElections',
] as const

export type BoundName = (typeof boundNames)[number]
export type Bounds = Readonly<Record<BoundName, number>>

/** One record, and one lag noticed. */
const smallest: Bounds = {
  records: 1,
  retries: 0,
  fences: 0,
  isrChanges: 1,
  crashes: 0,
  losses: 0,
  duplicates: 0,
  timeouts: 0,
  damage: 0,
  drains: 0,
  moves: 0,
  failovers: 0,
  configChanges: 0,
  uncleanElections: 0,
}

const help: Readonly<Record<BoundName, string>> = {
  records: 'records that the client sends, each to whoever leads or believes to',
  retries: 'records sent again, by an idempotent producer',
  fences: 'fences of a broker whose process lives (of a dead one: at any time)',
  isrChanges: 'times that a leader notices a lagging follower',
  crashes: 'crashes, each losing any part of what was not synced',
  losses: 'messages lost, or streams that end',
  duplicates: 'messages that stay on their way though they arrived',
  timeouts: 'answers that are given up though they are still on their way',
  damage: 'replicas that lose what they had synced, silently or noticed, or their whole disk',
  drains: 'brokers that leave in order, and come back',
  moves: 'elections of the preferred leader',
  failovers: 'changes of the active controller',
  configChanges: 'changes of min.insync.replicas, down to 1 or back',
  uncleanElections: 'elections by an operator, who gives up what only replicas hold that are gone',
}

export const partitionBounds: BoundTable<BoundName> = { names: boundNames, smallest, help, objection }

/** Disks are lost on a minority of the replicas (rules R1.2). */
function objection({ damage }: Bounds, nodes: number): string | undefined {
  const minority = Math.floor((nodes - 1) / 2)
  return damage > minority ? `--damage is ${damage}, no more than ${minority} of ${nodes} replicas may lose what they had synced` : undefined
}
