import { demand } from './violation.ts'

/**
 * damage: a node says that a log of it is damaged only if its disk lost or changed what it had synced. What a crash or a power loss leaves is whole, or
 * torn at its end (rules R3.3): a replica that takes that for damage may not lead any more, and after a power loss of all nodes nobody might.
 */
export function checkDamage(log: string, where: string, mayBeDamaged: boolean): void {
  demand(mayBeDamaged, 'damage', () => `${log} is damaged on ${where}, whose disk lost and changed nothing that it had synced`)
}
