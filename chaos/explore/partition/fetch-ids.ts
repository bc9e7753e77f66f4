import { opened } from './opened-partition.ts'
import type { Registers } from './registers.ts'
import type { World } from './world.ts'

/**
 * Of the fetch ids of a process only the order means something (rules R6.2): those in use anywhere are counted from 0 again, so that how many fetches
 * went before makes no difference.
 */
export function compactFetchIds(world: World, registers: Registers): void {
  for (const owner of registers.nodeIds) {
    const used = usedIds(world, owner, registers)
    if ((used & (used + 1)) === 0) continue
    for (let at = 0; at < world.replicas.length; at++) world.replicas[at] = registers.replicas.withFetchIds(world.replicas[at] as number, owner, used)
    for (let at = 0; at < world.messages.length; at++) world.messages[at] = registers.messages.withCompactId(world.messages[at] as number, owner, used)
  }
}

function usedIds(world: World, owner: number, registers: Registers): number {
  let used = 0
  for (const replica of world.replicas) used |= registers.replicas.fetchIds(replica, owner)
  for (const message of world.messages) used |= registers.messages.idBit(message, owner)
  return used
}

/** Whether a fetch that the replica waits for is neither on its way, nor answered, nor waiting at a leader. */
export function isFetchLost(world: World, at: number, registers: Registers): boolean {
  const owner = registers.nodeIds[at] as number
  const own = registers.replicas.fetchIds(world.replicas[at] as number, owner)
  if (own === 0) return false
  let found = 0
  for (const message of world.messages) found |= registers.messages.idBit(message, owner)
  for (let other = 0; other < world.replicas.length; other++) {
    if (other === at) continue
    const { core } = registers.replicas.get(world.replicas[other] as number)
    const waiting = core === undefined ? undefined : opened(core)._role.leader?._followers.get(owner)?._waiting
    if (waiting !== undefined) found |= 1 << waiting.fetch.fetchId
  }
  return (own & ~found) !== 0
}
