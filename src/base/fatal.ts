/**
 * The seam for what a node cannot survive (rules R3.5): a failed metadata log, a broken assertion.
 * Production: one log line, then exit. Simulation: the node is dead. It returns; the caller must not go on.
 */
export type Fatal = (error: Error) => void
