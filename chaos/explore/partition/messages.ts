import type { Code } from '../../../src/base/errors.ts'
import type { IsrMember } from '../../../src/metadata/records.ts'
import type { FetchAnswer, FollowerFetch } from '../../../src/replication/effects.ts'
import { freeze, Numbered, textOf } from '../object-graph.ts'

/** What is on its way. `to` 0: the active controller. */
export type Message =
  | { readonly type: 'fetch'; readonly from: number; readonly to: number; readonly fetch: FollowerFetch }
  | { readonly type: 'answer'; readonly from: number; readonly to: number; readonly answer: FetchAnswer; readonly batches: readonly number[] }
  | {
      readonly type: 'proposal'
      readonly from: number
      readonly to: 0
      readonly brokerEpoch: number
      readonly leaderEpoch: number
      readonly partitionEpoch: number
      readonly isr: readonly IsrMember[]
    }
  /** What came of the proposal with that number. */
  | { readonly type: 'isrAnswer'; readonly from: 0; readonly to: number; readonly proposal: number; readonly code: Code | null }

/** More than there ever are. */
const MAX_NODES = 8
/** More than are ever in use at once. */
const FETCH_IDS = 32

/** All messages that come up, by number. */
export class Messages {
  readonly #messages = new Numbered<Message>()
  readonly #renamed = new Map<number, number>()
  readonly #ids: { readonly owner: number; readonly id: number }[] = []

  number(message: Message): number {
    return this.#messages.number(textOf(message), () => freeze(message))
  }

  get(number: number): Message {
    return this.#messages.get(number)
  }

  /** From whom to whom, as one number. */
  wayOf(number: number): number {
    const { from, to } = this.get(number)
    return from * MAX_NODES + to
  }

  /** The fetch id in it, as a bit, if it is one of the replica `owner`. */
  idBit(number: number, owner: number): number {
    const known = (this.#ids[number] ??= idOf(this.get(number)))
    return known.owner === owner ? 1 << known.id : 0
  }

  /** Of all ids of `owner` that are in use anywhere (bits in `used`), it counts how many are below its own. */
  withCompactId(number: number, owner: number, used: number): number {
    const bit = this.idBit(number, owner)
    if (bit === 0) return number
    const fetchId = countBits(used & (bit - 1))
    const key = number * FETCH_IDS + fetchId
    let renamed = this.#renamed.get(key)
    if (renamed === undefined) this.#renamed.set(key, (renamed = this.#rename(number, fetchId)))
    return renamed
  }

  #rename(number: number, fetchId: number): number {
    const message = this.get(number)
    if (message.type === 'fetch') return this.number({ ...message, fetch: { ...message.fetch, fetchId } })
    if (message.type === 'answer') return this.number({ ...message, answer: { ...message.answer, fetchId } })
    return number
  }
}

function idOf(message: Message): { readonly owner: number; readonly id: number } {
  if (message.type === 'fetch') return { owner: message.from, id: message.fetch.fetchId }
  return message.type === 'answer' ? { owner: message.to, id: message.answer.fetchId } : { owner: -1, id: 0 }
}

/** Set bits of a word. */
export function countBits(bits: number): number {
  let count = 0
  for (let left = bits; left !== 0; left &= left - 1) count += 1
  return count
}

export function describeMessage(message: Message, describeBatches: (batches: readonly number[]) => string): string {
  switch (message.type) {
    case 'fetch': {
      const { maxBytes, currentLeaderEpoch, fetchOffset, syncedEndOffset } = message.fetch
      return `${maxBytes === 0 ? 'report' : 'fetch'} ${message.from} → ${message.to}: epoch ${currentLeaderEpoch} at ${fetchOffset}, synced ${syncedEndOffset}`
    }
    case 'answer': {
      const { result, leaderEpoch, fetchOffset, highWatermark } = message.answer
      const what =
        result.type === 'data'
          ? describeBatches(message.batches)
          : result.type === 'diverging'
            ? `diverging, epoch ${result.epoch} ends at ${result.endOffset}`
            : result.type === 'error'
              ? result.code
              : `reset to ${result.offset}`
      return `answer ${message.from} → ${message.to}: epoch ${leaderEpoch} at ${fetchOffset}: ${what}, high watermark ${highWatermark}`
    }
    case 'proposal':
      return `proposal ${message.from} → controller: ISR ${message.isr.map(({ nodeId }) => nodeId).join(',')} at partition epoch ${message.partitionEpoch}`
    default:
      return `controller → ${message.to}: ${message.code ?? 'the ISR is committed'}`
  }
}
