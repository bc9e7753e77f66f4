import { demand } from './violation.ts'

/**
 * I3: at most one leader serves a leader epoch; one Raft leader a term. A leader is a process, not a node: the same node
 * after a restart is another one (rules R5.4). `log` names the partition, or the metadata log with its terms.
 */
export class OneLeader {
  readonly #logs = new Map<string, Map<number, { readonly nodeId: number; readonly incarnation: number }>>()

  leads(log: string, epoch: number, nodeId: number, incarnation: number): void {
    const epochs = this.#logs.get(log) ?? new Map<number, { nodeId: number; incarnation: number }>()
    this.#logs.set(log, epochs)
    const known = epochs.get(epoch)
    if (known === undefined) {
      epochs.set(epoch, { nodeId, incarnation })
      return
    }
    demand(
      known.incarnation === incarnation,
      'I3',
      () => `${log}: epoch ${epoch} is led by node ${nodeId} (process ${incarnation}) and was led by node ${known.nodeId} (process ${known.incarnation})`,
    )
  }
}
