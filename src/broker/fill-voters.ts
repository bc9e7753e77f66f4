import type { ControllerHost } from '../runtime/controller-host.ts'
import type { Hello } from '../wire/peer.ts'

/**
 * Voters of the first entry that were known by id alone get the folder that their Hello names (rules R2.2). One change at a time: what Raft
 * does not take now is asked for again when the voters have changed.
 */
export function fillVoters(host: ControllerHost, hellos: readonly Hello[]): void {
  if (!host.isActive) return
  for (const { nodeId, directoryId } of hellos) {
    if (!host.image.voters.some((voter) => voter.nodeId === nodeId && voter.directoryId === null)) continue
    host.submit({ type: 'fillVoter', nodeId, directoryId }, () => undefined)
  }
}
