import type { DoneVoid } from '../base/done.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type { ControllerClient } from '../runtime/controller-client.ts'
import { unexpectedReply } from './api-error.ts'
import type { Replica } from './replica.ts'

const TIMEOUT_MS = 5_000

interface LeaveContext {
  readonly nodeId: number
  readonly image: () => MetadataImage
  readonly controllerClient: ControllerClient
}

/**
 * Asks that a replica leave the ISR before it goes out of service, which it does in `done`; an error: it stays. Meanwhile it asks its leader for nothing:
 * once it is out, a fetch would bring it back.
 */
export function leaveIsr({ nodeId, image, controllerClient }: LeaveContext, replica: Replica, done: DoneVoid): void {
  const { topicId, partition } = replica
  const brokerEpoch = image().brokers.get(nodeId)?.brokerEpoch ?? -1
  replica.leaving += 1
  controllerClient.request({ type: 'leaveIsr', nodeId, brokerEpoch, topicId, partition }, TIMEOUT_MS, (reply) => {
    done(reply.type === 'done' ? undefined : unexpectedReply(reply))
    replica.leaving -= 1
  })
}
