import type { Code } from '../src/base/errors.ts'
import type { Uuid } from '../src/base/ids.ts'

/**
 * What clients did and were told, as data. A send is invoked once and completed at most once: `ok` (acknowledged at an offset), `fail`
 * (definitely did not happen), `info` (unknown). A send without completion counts as `info`. Times are simulated (or real) ms.
 * Source of the vocabulary: jepsen.tests.kafka.
 */
export type HistoryEvent =
  | {
      readonly type: 'send'
      readonly atMs: number
      readonly sendId: number
      readonly producer: string
      readonly topicId: Uuid
      readonly partition: number
      readonly value: string
    }
  | { readonly type: 'ok'; readonly atMs: number; readonly sendId: number; readonly partition: number; readonly offset: number }
  | { readonly type: 'fail' | 'info'; readonly atMs: number; readonly sendId: number; readonly code: Code }
  | {
      readonly type: 'read'
      readonly atMs: number
      readonly consumer: string
      readonly topicId: Uuid
      readonly partition: number
      readonly offset: number
      readonly value: string
    }
  | { readonly type: 'admin'; readonly atMs: number; readonly what: string; readonly code: Code | null }

export interface Send {
  readonly sendId: number
  readonly producer: string
  readonly topicId: Uuid
  readonly partition: number
  readonly value: string
  readonly atMs: number
  outcome: 'ok' | 'fail' | 'info'
  /** −1 unless ok. */
  offset: number
}

/** The history of one run: the list, and the sends by id for whoever asks. */
export class History {
  readonly #events: HistoryEvent[] = []
  readonly #sends = new Map<number, Send>()
  #acknowledged = 0
  #operations = 0

  get events(): readonly HistoryEvent[] {
    return this.#events
  }

  get sends(): ReadonlyMap<number, Send> {
    return this.#sends
  }

  /** Sends that were acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Client operations: sends, admin calls, and reads that returned a record. */
  get operations(): number {
    return this.#operations
  }

  add(event: HistoryEvent): void {
    this.#events.push(event)
    if (event.type === 'send' || event.type === 'read' || event.type === 'admin') this.#operations += 1
    if (event.type === 'send') {
      const { sendId, producer, topicId, partition, value, atMs } = event
      this.#sends.set(sendId, { sendId, producer, topicId, partition, value, atMs, outcome: 'info', offset: -1 })
      return
    }
    if (event.type !== 'ok' && event.type !== 'fail') return
    const send = this.#sends.get(event.sendId)
    if (send === undefined) throw new Error(`send ${event.sendId} was completed and never invoked`)
    send.outcome = event.type
    if (event.type === 'ok') {
      send.offset = event.offset
      this.#acknowledged += 1
    }
  }
}
