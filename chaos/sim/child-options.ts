/** How a process of the simulator runs its seeds. */
export interface ChildOptions {
  /** Each seed that it divides is run a second time; default: none. */
  readonly twice?: number
  /** How long faults go on, in simulated ms; default: what the seed draws. */
  readonly faultPhaseMs?: number
  /** A scripted scenario instead of what the seeds would draw. */
  readonly scenario?: string
}
