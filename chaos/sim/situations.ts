import { findPartition, type MetadataImage } from '../../src/metadata/image.ts'
import type { PartitionState } from '../../src/metadata/records.ts'
import type { FetchAnswerMessage, PeerMessage } from '../../src/wire/peer.ts'

/** What seeds are there to meet: a long run that never does says little about the rules behind it. */
export const situationNames = [
  'ISR down to one',
  'partition without a leader',
  'leader from the ELR',
  'leader again where it belongs',
  'partition on the move',
  'topic deleted',
  'log cut where it parts',
  'metadata log cut',
  'metadata snapshot sent',
  'metadata snapshot sent within 2 s of an election',
  'metadata snapshot received',
  'voters changed',
  'Raft leader ended within 2 s of a change of voters',
  'data folder lost',
  'replica moved to another data folder',
  'divergence answered',
  'suspect replica waited for others',
  'suspect replica elected as the greatest',
  'log recovered torn',
  'log recovered damaged',
  'damaged replica repaired',
  'damaged metadata log repaired',
  'bad batch met by a reader',
  'log dead after a failed call',
  'disk low',
  'disk full',
  'voter back with an empty folder',
  'broker in maintenance',
  'unclean election',
  'core without some nodes',
] as const

export type Situation = (typeof situationNames)[number]

/** What operators read, and what it shows. */
const sentences: readonly (readonly [RegExp, Situation])[] = [
  [/^log (cut from|dropped)/, 'log cut where it parts'],
  [/^metadata log: cut to/, 'metadata log cut'],
  [/^metadata snapshot .* received from the leader/, 'metadata snapshot received'],
  [/^data folder .* is another one than before/, 'data folder lost'],
  [/^moved to data folder/, 'replica moved to another data folder'],
  [/^recovered torn/, 'log recovered torn'],
  [/^recovered damaged/, 'log recovered damaged'],
  [/^replica repaired/, 'damaged replica repaired'],
  [/^metadata log repaired/, 'damaged metadata log repaired'],
  [/^replica offline: a batch on disk failed its checksum/, 'bad batch met by a reader'],
  [/^replica offline: its log failed/, 'log dead after a failed call'],
  [/^disk low/, 'disk low'],
  [/^disk full/, 'disk full'],
  [/^this node is an observer: the voter with its id had another data folder/, 'voter back with an empty folder'],
]

const SOON_MS = 2_000
/** An election that takes longer than this waited for somebody. */
const WAITED_MS = 500

/** Whether the process of that node that runs does not count on what its replica holds. */
export type IsSuspect = (nodeId: number, topicId: string, partition: number) => boolean

/** Counts the situations of a run, by what is decided, sent and logged. Times are simulated. */
export class Situations {
  readonly #counts = new Map<Situation, number>()
  readonly #nowMs: () => number
  #lastElectionMs = Number.NEGATIVE_INFINITY
  #lastVotersMs = Number.NEGATIVE_INFINITY
  /** Since when a suspect replica is there that may be elected, by partition without a leader. */
  readonly #suspectSince = new Map<string, number>()

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

  /** A leader answers followers. */
  answered({ answers }: FetchAnswerMessage): void {
    for (const { answer } of answers) if (answer.result.type === 'diverging') this.met('divergence answered')
  }

  /** A process ended that had this role. */
  ended(raftRole: string): void {
    if (raftRole === 'leader' && this.#isSoonAfter(this.#lastVotersMs)) this.met('Raft leader ended within 2 s of a change of voters')
  }

  /** A newer image, as the first node applied it. */
  decided(before: MetadataImage, after: MetadataImage, isSuspect: IsSuspect): void {
    this.#electing(before, after, isSuspect)
    if (voterIds(before) !== '' && voterIds(before) !== voterIds(after)) {
      this.#lastVotersMs = this.#nowMs()
      this.met('voters changed')
    }
    for (const { nodeId, maintenance } of after.brokers.values()) {
      if (maintenance && before.brokers.get(nodeId)?.maintenance !== true) this.met('broker in maintenance')
    }
    if (before.topics === after.topics) return
    for (const topicId of before.topics.keys()) if (!after.topics.has(topicId)) this.met('topic deleted')
    for (const { topicId, partitions } of after.topics.values()) {
      for (const state of partitions) {
        const previous = findPartition(before, topicId, state.partition)
        if (previous !== undefined && previous !== state) this.#changed(previous, state)
      }
    }
  }

  #electing(before: MetadataImage, after: MetadataImage, isSuspect: IsSuspect): void {
    for (const { topicId, partitions } of after.topics.values()) {
      for (const state of partitions) {
        const key = `${topicId}/${state.partition}`
        const isThere = (nodeId: number): boolean => after.brokers.get(nodeId)?.fenced === false && isSuspect(nodeId, topicId, state.partition)
        if (state.leader === -1) {
          const mayLead = [...state.isr.map(({ nodeId }) => nodeId), ...state.elr]
          if (!this.#suspectSince.has(key) && mayLead.some(isThere)) this.#suspectSince.set(key, this.#nowMs())
          continue
        }
        const since = this.#suspectSince.get(key)
        if (since === undefined) continue
        this.#suspectSince.delete(key)
        if (this.#nowMs() - since >= WAITED_MS) this.met('suspect replica waited for others')
        const previous = findPartition(before, topicId, state.partition)
        if (previous?.leader === -1 && isSuspect(state.leader, topicId, state.partition)) this.met('suspect replica elected as the greatest')
      }
    }
  }

  #changed(before: PartitionState, after: PartitionState): void {
    if (before.isr.length > 1 && after.isr.length === 1) this.met('ISR down to one')
    if (before.leader !== -1 && after.leader === -1) this.met('partition without a leader')
    if (before.reassignment === null && after.reassignment !== null) this.met('partition on the move')
    if (!before.unclean && after.unclean) this.met('unclean election')
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
