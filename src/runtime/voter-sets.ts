import type { MetadataRecord, VoterRecord } from '../metadata/records.ts'
import { noVoterSet, type VoterSet } from '../raft/messages.ts'

export interface VoterSetAt {
  /** Metadata offset of the entry that made the set. */
  readonly offset: number
  readonly voters: readonly VoterRecord[]
}

/**
 * The voter sets in the metadata log, in order: the last one counts from its append on, committed or not, and a cut brings back the one
 * before it (rules R4.4; Ongaro's dissertation 4.1).
 */
export class VoterSets {
  readonly #sets: VoterSetAt[]

  constructor(sets: readonly VoterSetAt[]) {
    this.#sets = [...sets]
  }

  /** [] before the first. */
  get current(): readonly VoterRecord[] {
    return this.#sets.at(-1)?.voters ?? []
  }

  /** The same as Raft takes it. */
  get set(): VoterSet {
    const newest = this.#sets.at(-1)
    return newest === undefined ? noVoterSet : { ...newest, previous: this.#sets.at(-2)?.voters ?? [] }
  }

  /** An entry was appended. True: the set changed. */
  appended(offset: number, records: readonly MetadataRecord[]): boolean {
    let changed = false
    for (const record of records) {
      if (record.type !== 'cluster' && record.type !== 'voters') continue
      this.#sets.push({ offset, voters: record.voters })
      changed = true
    }
    return changed
  }

  /** The log goes on behind a snapshot: its voters count, and no cut goes back behind it. */
  replaced(image: { readonly offset: number; readonly voters: readonly VoterRecord[] }): void {
    this.#sets.splice(0, this.#sets.length, { offset: image.offset - 1, voters: image.voters })
  }

  /** The log was cut to endOffset. True: the set changed. */
  truncated(endOffset: number): boolean {
    const before = this.#sets.length
    while ((this.#sets.at(-1)?.offset ?? -1) >= endOffset) this.#sets.pop()
    return this.#sets.length !== before
  }
}
