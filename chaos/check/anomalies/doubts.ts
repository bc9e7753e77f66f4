import type { Facts } from './facts.ts'

const NO_LAST_PHASE = 'not all that was acknowledged was polled, and nobody polled that from the start after the last send: the last phase is missing'

/** Why a history proves nothing, as sentences. */
export function findDoubts(facts: Facts, isCutShort: boolean): string[] {
  const doubts: string[] = []
  if (!facts.calls.some(({ outcome, sends }) => outcome === 'ok' && sends.length > 0)) doubts.push('no send was acknowledged')
  if (!facts.calls.some(({ outcome, reads, node }) => outcome === 'ok' && node === undefined && reads.some(({ from, to }) => from < to)))
    doubts.push('no poll returned anything')
  if (isCutShort) doubts.push(NO_LAST_PHASE)
  return doubts
}
