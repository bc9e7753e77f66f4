import type { Facts } from './facts.ts'

export const NO_LAST_PHASE = 'not all that was acknowledged was polled, and nobody polled from the start after the last send: the last phase is missing'

/** Why a history proves nothing, as sentences. */
export function findDoubts(facts: Facts, isUnseen: boolean): string[] {
  const doubts: string[] = []
  if (!facts.calls.some(({ outcome, sends }) => outcome === 'ok' && sends.length > 0)) doubts.push('no send was acknowledged')
  if (!facts.calls.some(({ outcome, reads, node }) => outcome === 'ok' && node === undefined && reads.some(({ from, to }) => from < to)))
    doubts.push('no poll returned anything')
  if (isUnseen && !hasLastPhase(facts)) doubts.push(NO_LAST_PHASE)
  return doubts
}

/**
 * Somebody went to the beginning once the last send was over, and polled from there until all was done: nothing is under way at the end, and what
 * that process did last went well. A harness that was killed, or broken off, leaves one or the other.
 */
function hasLastPhase({ calls }: Facts): boolean {
  let lastSend = -1
  for (const { outcome, sends, completedAt } of calls) if (outcome === 'ok' && sends.length > 0) lastSend = Math.max(lastSend, completedAt)
  const atBeginning = new Set<number>()
  const wentWell = new Map<number, boolean>()
  for (const { f, outcome, invokedAt, completedAt, process, seeksToBeginning, reads, node } of calls) {
    if (completedAt === Infinity) return false
    if (invokedAt < lastSend || node !== undefined) continue
    if (wentWell.has(process)) wentWell.set(process, outcome === 'ok')
    if (outcome !== 'ok') continue
    if (f === 'assign' && seeksToBeginning) atBeginning.add(process)
    if (reads.length > 0 && atBeginning.has(process)) wentWell.set(process, true)
  }
  return [...wentWell.values()].some(Boolean)
}
