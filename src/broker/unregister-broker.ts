import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { ControllerClient } from '../runtime/controller-client.ts'
import type { UnregisterBrokerRequest } from '../wire/api.ts'
import { unexpectedReply } from './api-error.ts'
import type { ImageWaiters } from './queries.ts'

const MAX_TIMEOUT_MS = 300_000

interface Parts {
  readonly controllerClient: ControllerClient
  readonly waiters: ImageWaiters
  readonly image: () => MetadataImage
}

/** Asked here, decided by the active controller, answered when this node has applied it. */
export function unregisterBroker({ controllerClient, waiters, image }: Parts, request: UnregisterBrokerRequest, done: Done<void>): void {
  const { nodeId, validateOnly } = request
  const timeoutMs = Math.max(1, Math.min(request.timeoutMs, MAX_TIMEOUT_MS))
  const wasKnown = image().brokers.has(nodeId)
  controllerClient.request({ type: 'unregisterBroker', nodeId, validateOnly }, timeoutMs, (reply) => {
    // Known here before it was asked, gone now: an earlier attempt of this request did it.
    const isGone = wasKnown && reply.type === 'error' && reply.code === 'BROKER_ID_NOT_REGISTERED'
    if (reply.type !== 'brokerUnregistered' && !isGone) {
      done(unexpectedReply(reply), undefined)
      return
    }
    waiters.wait(
      () => (reply.type === 'brokerUnregistered' ? image().offset >= reply.metadataOffset : !image().brokers.has(nodeId)),
      timeoutMs,
      (isDue) => done(isDue ? undefined : new BrokerError('REQUEST_TIMED_OUT', 'it was decided, but this node has not applied that yet'), undefined),
    )
  })
}
