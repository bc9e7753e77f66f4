import type { BoundTable } from '../model.ts'

export const raftBoundNames = ['terms', 'campaigns', 'entries', 'crashes', 'losses', 'duplicates', 'isolations', 'heartbeats', 'transfers'] as const

export type RaftBoundName = (typeof raftBoundNames)[number]
export type RaftBounds = Readonly<Record<RaftBoundName, number>>

const smallest: RaftBounds = { terms: 2, campaigns: 1, entries: 1, crashes: 0, losses: 0, duplicates: 0, isolations: 0, heartbeats: 0, transfers: 0 }

const help: Readonly<Record<RaftBoundName, string>> = {
  terms: 'terms in all, the first one is led at the beginning',
  campaigns: 'times that a voter loses its patience, or acts on evidence',
  entries: 'entries that are proposed, each to whoever leads or believes to',
  crashes: 'crashes, each losing any part of what was not synced',
  losses: 'messages lost (for safety this is no fault: none has to arrive)',
  duplicates: 'messages that stay on their way though they arrived',
  isolations: 'times that a leader hears nobody for an election timeout',
  heartbeats: 'heartbeats before anything else is at a standstill',
  transfers: 'leaders that are asked to hand over',
}

export const raftBounds: BoundTable<RaftBoundName> = { names: raftBoundNames, smallest, help, objection }

function objection({ terms }: RaftBounds): string | undefined {
  return terms === 0 ? '--terms is 0, the first term is counted' : undefined
}
