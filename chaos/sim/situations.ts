import { findPartition, type MetadataImage } from '../../src/metadata/image.ts'
import type { PartitionState } from '../../src/metadata/records.ts'
import type { PeerMessage } from '../../src/wire/peer.ts'

/** What seeds are there to meet: a long run that never does says little about the rules behind it. */
export const situationNames = [
  'ISR down to one',
  'partition without a leader',
  'leader from the ELR',
  'leader again where it belongs',
  'partition on the move',
  'log cut where it parts',
  'metadata log cut',
  'metadata snapshot sent',
  'metadata snapshot sent within 2 s of an election',
  'metadata snapshot received',
  'voters changed',
  'Raft leader ended within 2 s of a change of voters',
  'data folder lost',
  'core without some nodes',
] as const

export type Situation = (typeof situationNames)[number]

/** What operators read, and what it shows. */
const sentences: readonly (readonly [RegExp, Situation])[] = [
  [/^log (cut from|dropped)/, 'log cut where it parts'],
  [/^metadata log: cut to/, 'metadata log cut'],
  [/^metadata snapshot .* received from the leader/, 'metadata snapshot received'],
  [/^data folder .* is another one than before/, 'data folder lost'],
]

const SOON_MS = 2_000

/** Counts the situations of a run, by what is decided, sent and logged. Times are simulated. */
export class Situations {
  readonly #counts = new Map<Situation, number>()
  readonly #nowMs: () => number
  #lastElectionMs = Number.NEGATIVE_INFINITY
  #lastVotersMs = Number.NEGATIVE_INFINITY

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get counts(): ReadonlyMap<Situation, number> {
    return this.#counts
  }

  met(situation: Situation): void {
    this.#counts.set(situation, (this.#counts.get(situation) ?? 0) + 1)
  }

  /** A node logged that. */
  heard(message: string): void {
    for (const [sentence, situation] of sentences) if (sentence.test(message)) this.met(situation)
    if (message.startsWith('raft: candidate')) this.#lastElectionMs = this.#nowMs()
  }

  sent(message: PeerMessage): void {
    if (message.type !== 'raft' || message.message.type !== 'snapshotChunk') return
    this.met('metadata snapshot sent')
    if (this.#isSoonAfter(this.#lastElectionMs)) this.met('metadata snapshot sent within 2 s of an election')
  }

  /** A process ended that had this role. */
  ended(raftRole: string): void {
    if (raftRole === 'leader' && this.#isSoonAfter(this.#lastVotersMs)) this.met('Raft leader ended within 2 s of a change of voters')
  }

  /** A newer image, as the first node applied it. */
  decided(before: MetadataImage, after: MetadataImage): void {
    if (voterIds(before) !== '' && voterIds(before) !== voterIds(after)) {
      this.#lastVotersMs = this.#nowMs()
      this.met('voters changed')
    }
    if (before.topics === after.topics) return
    for (const { topicId, partitions } of after.topics.values()) {
      for (const state of partitions) {
        const previous = findPartition(before, topicId, state.partition)
        if (previous !== undefined && previous !== state) this.#changed(previous, state)
      }
    }
  }

  #changed(before: PartitionState, after: PartitionState): void {
    if (before.isr.length > 1 && after.isr.length === 1) this.met('ISR down to one')
    if (before.leader !== -1 && after.leader === -1) this.met('partition without a leader')
    if (before.reassignment === null && after.reassignment !== null) this.met('partition on the move')
    if (after.leader === -1 || after.leader === before.leader) return
    if (before.elr.includes(after.leader)) this.met('leader from the ELR')
    if (before.leader !== -1 && after.leader === after.replicas[0]) this.met('leader again where it belongs')
  }

  #isSoonAfter(atMs: number): boolean {
    return this.#nowMs() - atMs < SOON_MS
  }
}

function voterIds({ voters }: MetadataImage): string {
  return voters.map(({ nodeId }) => nodeId).join()
}
