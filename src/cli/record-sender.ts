import type { Producer } from '../client/producer.ts'
import type { KeyValue } from './options.ts'
import type { ProduceLedger } from './produce-ledger.ts'
import type { Draft } from './record-source.ts'
import type { Template, TemplateWorld } from './template.ts'

const RATE_SLICE_MS = 20

export interface SenderOptions {
  readonly topic: string
  readonly partition: number | undefined
  /** For every record, behind those that it has itself. */
  readonly headers: readonly KeyValue[]
  readonly key: Template | undefined
  readonly world: TemplateWorld
  /** Records a second. */
  readonly rate: number | undefined
  /** An empty value is none: a tombstone. */
  readonly isEmptyNull: boolean
}

/** Sends records as fast as the buffer of the producer, the reader of stdout and `--rate` allow. */
export class RecordSender {
  readonly #producer: Producer
  readonly #ledger: ProduceLedger
  readonly #options: SenderOptions
  readonly #headers: readonly { readonly key: string; readonly value: Buffer }[]
  readonly #beganMs = performance.now()
  #number = 0
  #lastName = 'line 0'

  constructor(producer: Producer, ledger: ProduceLedger, options: SenderOptions) {
    this.#producer = producer
    this.#ledger = ledger
    this.#options = options
    this.#headers = options.headers.map(([key, value]) => ({ key, value: Buffer.from(value) }))
  }

  /** The last record that was taken. */
  get lastName(): string {
    return this.#lastName
  }

  /** Answers whether it took all of them. */
  async send(drafts: readonly Draft[], isOver: () => boolean): Promise<boolean> {
    const { rate } = this.#options
    for (const draft of drafts) {
      if (isOver()) return false
      this.#number++
      this.#lastName = draft.name
      if (draft.type === 'fault') this.#ledger.fail(draft.name, draft.error)
      else await this.#sendOne(draft)
      if (rate !== undefined) await this.#pace(rate)
    }
    await this.#ledger.lines.whenTaken()
    return true
  }

  async #sendOne({ name, record }: Draft & { readonly type: 'record' }): Promise<void> {
    const { topic, isEmptyNull, key: template, world } = this.#options
    const key = template === undefined ? record.key : Buffer.from(template(this.#number, world))
    const value = isEmptyNull && record.value?.length === 0 ? null : record.value
    const partition = this.#options.partition ?? record.partition
    const headers = [...(record.headers ?? []), ...this.#headers]
    const sent = {
      topic,
      key,
      value,
      ...(headers.length > 0 ? { headers } : {}),
      ...(partition === undefined ? {} : { partition }),
      ...(record.timestamp === undefined ? {} : { timestamp: record.timestamp }),
    }
    while (!this.#producer.trySend(sent, (error, at) => this.#ledger.settle(name, { key, value }, error, at))) await this.#producer.whenRoom()
  }

  async #pace(rate: number): Promise<void> {
    const aheadMs = (this.#number / rate) * 1000 - (performance.now() - this.#beganMs)
    if (aheadMs > RATE_SLICE_MS) await new Promise((resolve) => setTimeout(resolve, aheadMs))
  }
}
