import { demand } from './violation.ts'

/** What is seen of one voter that runs. */
export interface SeenVoter {
  readonly nodeId: number
  /** Null: it does not lead, or is paused, or stops. */
  readonly leadsTerm: number | null
}

/** Twice the longest election timeout of rules 8: a leader that nobody answers has given up long before. */
const PATIENCE_MS = 4_000

/** Rules R4.2, check-quorum: whoever leads on while another leads in a later term hears no majority, and gives up within an election timeout. */
export class LeadersGiveUp {
  /** Since when a node has led in a term that is over, by node id. */
  readonly #since = new Map<number, number>()

  /** Several times a second. */
  look(nowMs: number, voters: readonly SeenVoter[]): void {
    const newestTerm = Math.max(-1, ...voters.map(({ leadsTerm }) => leadsTerm ?? -1))
    for (const { nodeId, leadsTerm } of voters) {
      if (leadsTerm === null || leadsTerm === newestTerm) {
        this.#since.delete(nodeId)
        continue
      }
      const since = this.#since.get(nodeId) ?? nowMs
      this.#since.set(nodeId, since)
      demand(
        nowMs - since <= PATIENCE_MS,
        'convergence',
        () => `node ${nodeId} leads in term ${leadsTerm}, and ${(nowMs - since) / 1000} s have passed since another began to lead in a later one`,
      )
    }
  }
}
