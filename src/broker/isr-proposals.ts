import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log-line.ts'
import type { PartitionEffect } from '../replication/effects.ts'
import type { CommandHandle, ControllerClient } from '../runtime/controller-client.ts'
import type { Replica } from './replica.ts'

interface IsrProposalsOptions {
  readonly nodeId: number
  readonly brokerEpoch: () => number
  readonly controllerClient: ControllerClient
  readonly clock: Clock
  readonly logger: Logger
}

/** What the leaders here ask of the active controller: one proposal a partition, the newest (rules R6.5). */
export class IsrProposals {
  readonly #options: IsrProposalsOptions
  readonly #handles = new Map<Replica, CommandHandle>()

  constructor(options: IsrProposalsOptions) {
    this.#options = options
  }

  propose(replica: Replica, effect: Extract<PartitionEffect, { type: 'proposeIsr' }>): void {
    const { nodeId, controllerClient, clock, logger } = this.#options
    const { topicId, partition } = replica
    const { leaderEpoch, partitionEpoch, isr } = effect
    this.#handles.get(replica)?.cancel()
    let handle: CommandHandle | undefined
    let isCancelled = false
    const cancel = (): void => {
      isCancelled = true
      handle?.cancel()
    }
    this.#handles.set(replica, { cancel })
    clock.defer(() => {
      if (isCancelled) return
      const proposal = { topicId, partition, leaderEpoch, partitionEpoch, isr }
      handle = controllerClient.request({ type: 'alterPartition', nodeId, brokerEpoch: this.#options.brokerEpoch(), proposal }, null, (reply) => {
        this.#handles.delete(replica)
        if (reply.type === 'error') logger.info({ topic: replica.topic, partition, code: reply.code }, `ISR proposal refused: ${reply.message}`)
        replica.step({ type: 'isrAnswer', leaderEpoch, partitionEpoch, code: reply.type === 'error' ? reply.code : null })
      })
    })
  }

  cancel(replica: Replica): void {
    this.#handles.get(replica)?.cancel()
    this.#handles.delete(replica)
  }

  stop(): void {
    for (const handle of this.#handles.values()) handle.cancel()
  }
}
