import { logMutants } from './log-mutants.ts'
import type { Mutant } from './mutant.ts'
import { raftMutants } from './raft-mutants.ts'
import { replicationMutants } from './replication-mutants.ts'

/** Changes nothing: what is noticed of it would be wrong with the machinery. */
export const emptyMutant: Mutant = {
  name: 'nothing',
  file: 'src/replication/leader.js',
  find: 'class Leader {',
  replace: 'class Leader {',
  rule: '-',
  killedBy: [],
}

export const mutants: readonly Mutant[] = [...raftMutants, ...replicationMutants, ...logMutants]
