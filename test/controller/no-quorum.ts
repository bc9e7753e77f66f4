import type { QuorumView } from '../../src/controller/quorum-view.ts'

/** Nobody is connected, and every set of voters is taken. */
export const noQuorum: QuorumView = {
  node: () => undefined,
  liveVoterIds: [],
  newcomerRefusal: () => undefined,
  refusal: () => undefined,
}
