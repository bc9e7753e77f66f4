import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { ControllerClient } from '../runtime/controller-client.ts'
import type { AlterMaintenanceRequest, BrokerDescription } from '../wire/api.ts'
import { unexpectedReply } from './api-error.ts'
import { describeCluster, type ImageWaiters, type QueryContext } from './queries.ts'

const MAX_TIMEOUT_MS = 300_000

interface Parts {
  readonly controllerClient: ControllerClient
  readonly waiters: ImageWaiters
  readonly queries: QueryContext
}

/** Asked here, decided by the active controller, answered when this node has applied it: with the broker as it is then. */
export function alterMaintenance({ controllerClient, waiters, queries }: Parts, request: AlterMaintenanceRequest, done: Done<BrokerDescription>): void {
  const { nodeId, maintenance } = request
  const timeoutMs = Math.max(1, Math.min(request.timeoutMs, MAX_TIMEOUT_MS))
  controllerClient.request({ type: 'alterMaintenance', nodeId, maintenance }, timeoutMs, (reply) => {
    if (reply.type !== 'maintenanceAltered') {
      done(unexpectedReply(reply), undefined as never)
      return
    }
    waiters.wait(
      () => queries.image().offset >= reply.metadataOffset,
      timeoutMs,
      (isDue) => {
        const broker = describeCluster(queries).brokers.find((one) => one.nodeId === nodeId)
        if (isDue && broker !== undefined) done(undefined, broker)
        else done(new BrokerError('REQUEST_TIMED_OUT', 'it was decided, but this node has not applied that yet'), undefined as never)
      },
    )
  })
}
