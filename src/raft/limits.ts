/** How much a leader lets wait (rules R4.3, R8). */
export interface RaftLimits {
  /** On their way to one peer. */
  readonly inflightEntries: number
  /** Proposed and not committed yet: above this nothing more is taken. */
  readonly uncommittedBytes: number
}

export const usualRaftLimits: RaftLimits = { inflightEntries: 256, uncommittedBytes: 16 * 1024 * 1024 }
