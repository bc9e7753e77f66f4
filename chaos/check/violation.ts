/** The invariants of rules 7, the assertions of the code itself, and what must hold of a run as a whole. */
export type InvariantName =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'I5'
  | 'I6'
  | 'I7'
  | 'I8'
  | 'I9'
  | 'I10'
  | 'voters'
  | 'elr'
  | 'start'
  | 'damage'
  | 'assert'
  | 'delivery'
  | 'order'
  /** A register in the metadata log is not linearizable. */
  | 'register'
  | 'convergence'
  | 'run'
  /** A story of test/scenario goes another way. */
  | 'story'

/** A broken invariant: which, and one sentence with the numbers that show it. */
export class Violation extends Error {
  override readonly name = 'Violation'
  readonly invariant: InvariantName

  constructor(invariant: InvariantName, sentence: string) {
    super(`${invariant}: ${sentence}`)
    this.invariant = invariant
  }
}

/** Throws a Violation unless `condition` holds. The sentence is made only then: checks run after every step. */
export function demand(condition: boolean, invariant: InvariantName, sentence: () => string): void {
  if (!condition) throw new Violation(invariant, sentence())
}
