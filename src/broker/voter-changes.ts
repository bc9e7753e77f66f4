import type { Clock } from '../base/clock.ts'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { VoterRecord } from '../metadata/records.ts'
import type { ControllerClient } from '../runtime/controller-client.ts'
import type { QuorumVoter, VoterRequest, VotersChange } from '../wire/api.ts'
import { unexpectedReply } from './api-error.ts'
import type { ImageWaiters } from './queries.ts'

const MAX_TIMEOUT_MS = 300_000

export interface VoterChangesOptions {
  readonly clock: Clock
  readonly controllerClient: ControllerClient
  readonly waiters: ImageWaiters
  readonly image: () => MetadataImage
}

/**
 * Changes of the metadata quorum: asked here, decided by the active controller, answered when this node has applied them. A wiped voter is
 * replaced by two decisions (controller/voters.ts): the second is asked for here, and by whoever asks again should this node be gone by then.
 */
export class VoterChanges {
  readonly #options: VoterChangesOptions

  constructor(options: VoterChangesOptions) {
    this.#options = options
  }

  ask(type: 'addVoter' | 'removeVoter', request: VoterRequest, done: Done<VotersChange>): void {
    const { clock, controllerClient, waiters, image } = this.#options
    const isVoter = (): boolean => image().voters.some((voter) => voter.nodeId === request.nodeId)
    const wasVoter = isVoter()
    const { nodeId, directoryId, validateOnly } = request
    const deadlineMs = clock.monotonicMs() + Math.max(1, Math.min(request.timeoutMs, MAX_TIMEOUT_MS))
    const leftMs = (): number => Math.max(1, deadlineMs - clock.monotonicMs())
    const ask = (): void => {
      controllerClient.request({ type, nodeId, directoryId, validateOnly }, leftMs(), (reply) => {
        // Seen here before it was asked, gone now: an earlier attempt of this request removed it.
        if (wasVoter && reply.type === 'error' && reply.code === 'VOTER_NOT_FOUND') {
          waiters.wait(
            () => !isVoter(),
            leftMs(),
            (isDue) => done(isDue ? undefined : unexpectedReply(reply), { isChanged: true, voters: votersOf(image().voters), warnings: [] }),
          )
          return
        }
        if (reply.type !== 'votersChanged') {
          done(unexpectedReply(reply), undefined as never)
          return
        }
        const { metadataOffset, isChanged, isComplete, warnings } = reply
        const voters = votersOf(reply.voters)
        waiters.wait(
          () => image().offset >= metadataOffset,
          leftMs(),
          (isDue) => {
            if (!isDue) done(new BrokerError('REQUEST_TIMED_OUT', 'the voters were changed, but this node has not applied that yet'), undefined as never)
            else if (isComplete) done(undefined, { isChanged, voters, warnings })
            else ask()
          },
        )
      })
    }
    ask()
  }
}

function votersOf(records: readonly VoterRecord[]): QuorumVoter[] {
  return records.map(({ nodeId, directoryId }) => ({ nodeId, directoryId }))
}
