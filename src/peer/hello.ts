import { BrokerError } from '../base/errors.ts'
import type { TransportHandlers } from '../runtime/transport.ts'
import { type Hello, PEER_PROTOCOL_VERSION } from '../wire/peer.ts'

/** How long either side waits for the other's Hello. */
export const HELLO_TIMEOUT_MS = 2_000

/**
 * Judges a peer's Hello (rules R2.1): undefined accepts. `dialled`: the node that should answer at the address that was dialled.
 */
export function judgeHello(handlers: TransportHandlers, hello: Hello, dialled?: number): BrokerError | undefined {
  if (hello.protocolVersion !== PEER_PROTOCOL_VERSION) {
    return new BrokerError(
      'UNSUPPORTED_VERSION',
      `node ${hello.nodeId} speaks version ${hello.protocolVersion} of the peer protocol, this node version ${PEER_PROTOCOL_VERSION}`,
    )
  }
  if (dialled !== undefined && hello.nodeId !== dialled) {
    return new BrokerError('WRONG_NODE', `node ${hello.nodeId} answers where node ${dialled} should be: check the addresses in the cluster file`)
  }
  const sentence = handlers.vet(hello)
  return sentence === undefined ? undefined : new BrokerError('WRONG_NODE', sentence)
}
