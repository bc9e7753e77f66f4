import type { FaultWorld, Observation } from './fault.ts'

/** Whether these nodes are halted now: `T` is a process that a signal has stopped. */
export async function observeHalted({ cluster }: FaultWorld, nodes: readonly number[]): Promise<Observation> {
  const states = await Promise.all(nodes.map((node) => cluster.stateOf(node)))
  return { isSeen: states.every((state) => state.startsWith('T')), what: `the processes were in state ${states.join(', ')}` }
}
