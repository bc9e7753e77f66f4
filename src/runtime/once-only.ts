import type { ControllerCommand } from '../controller/commands.ts'

/**
 * What an operator asks does not say what it belongs to, as all else does: a second copy of it, decided later, would undo what was decided since. So it
 * is decided once (rules R1.3; ControllerClient, CommandServer).
 */
const onceOnly: ReadonlySet<ControllerCommand['type']> = new Set(['alterTopic', 'alterReassignments', 'alterMaintenance', 'addVoter', 'removeVoter'])

export function isOnceOnly({ type }: ControllerCommand): boolean {
  return onceOnly.has(type)
}
