import type { InvariantName } from '../check/violation.ts'

/** A rule broken on purpose: one text replaced in one file of the build. */
export interface Mutant {
  readonly name: string
  /** Below dist/. */
  readonly file: string
  /** Must be there exactly once. */
  readonly find: string
  readonly replace: string
  readonly rule: string
  /** What has to notice it, named before it was tried. Several: the wound shows in more than one way. */
  readonly killedBy: readonly InvariantName[]
  /** Where seeds are too rare: the scripted world in which it is tried instead. */
  readonly scenario?: string
}
