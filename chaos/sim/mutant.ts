import type { InvariantName } from '../check/violation.ts'
import type { SeedCase } from './seed-case.ts'

/** One text replaced in one file of the build. */
export interface Patch {
  /** Below dist/. */
  readonly file: string
  /** Must be there exactly once. */
  readonly find: string
  readonly replace: string
}

/** A rule broken on purpose. */
export interface Mutant extends Patch {
  readonly name: string
  /** Where the rule is guarded more than once: it is broken when no guard is left. */
  readonly also?: readonly Patch[]
  readonly rule: string
  /** What has to notice it, named before it was tried. Several: the wound shows in more than one way. */
  readonly killedBy: readonly InvariantName[]
  /** Where seeds are too rare: the scripted world in which it is tried instead. */
  readonly scenario?: string
  /** Where the order of single messages decides: the story of test/scenario that is told instead. */
  readonly story?: string
  /** Seeds that are tried first: those that may meet its situation at all. Default: each may. */
  readonly likely?: (seed: SeedCase) => boolean
}
