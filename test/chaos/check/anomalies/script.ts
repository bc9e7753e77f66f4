import type { Key, MicroOperation, Operation, OperationKind, Outcome, Polled, Value } from '../../../../chaos/operations/operation.ts'

type Extra = Pick<Operation, 'node' | 'seekToBeginning' | 'rebalanceLog' | 'partitions'>
type End = (outcome: Outcome, value?: Operation['value'], extra?: Extra) => void

/** Writes a history by hand: one call after the other, or begun and ended apart. */
export class Script {
  readonly operations: Operation[] = []

  begin(process: number, f: OperationKind, value: Operation['value']): End {
    this.#add({ process, type: 'invoke', f, value })
    return (outcome, ended = value, extra = {}) => this.#add({ process, type: outcome, f, value: ended, ...extra })
  }

  /** `offset` undefined: not known. */
  send(process: number, key: Key, value: Value, offset?: number, outcome: Outcome = 'ok'): this {
    this.begin(process, 'send', [['send', key, value]])(outcome, [['send', key, [offset ?? null, value]]])
    return this
  }

  poll(process: number, polled: Polled, outcome: Outcome = 'ok', extra: Extra = {}): this {
    this.begin(process, 'poll', [['poll']])(outcome, [['poll', polled]], extra)
    return this
  }

  txn(process: number, value: readonly MicroOperation[], outcome: Outcome = 'ok'): this {
    this.begin(process, 'txn', value)(outcome)
    return this
  }

  assign(process: number, keys: readonly Key[], extra: Extra = {}): this {
    this.begin(process, 'assign', keys)('ok', keys, extra)
    return this
  }

  #add(operation: Omit<Operation, 'index' | 'time'>): void {
    const index = this.operations.length
    this.operations.push({ index, time: index * 1_000_000, ...operation })
  }
}
