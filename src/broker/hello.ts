import type { Uuid } from '../base/ids.ts'
import { type Hello, PEER_PROTOCOL_VERSION } from '../wire/peer.ts'
import type { NodeOptions } from './surface.ts'

/** What a node says of itself. */
export function helloOf(
  { nodeId, address, roles }: NodeOptions,
  ids: { readonly clusterId: Uuid | null; readonly directoryId: Uuid; readonly incarnationId: Uuid },
): Hello {
  const endpoint = { host: address.host, grpcPort: address.grpcPort }
  return { ...ids, nodeId, protocolVersion: PEER_PROTOCOL_VERSION, endpoint, isController: roles.controller }
}

/** Why a peer is refused, as a sentence that says what to do; undefined: it is welcome (rules R2.1). */
export function vetHello({ nodeId, peers }: NodeOptions, clusterId: Uuid | null, hello: Hello): string | undefined {
  if (hello.protocolVersion !== PEER_PROTOCOL_VERSION)
    return `node ${hello.nodeId} speaks protocol ${hello.protocolVersion}, node ${nodeId} speaks ${PEER_PROTOCOL_VERSION}: run the same version on both`
  if (hello.nodeId === nodeId) return `both ends say they are node ${nodeId}: give each node an id of its own`
  if (clusterId !== null && hello.clusterId !== null && hello.clusterId !== clusterId)
    return `node ${hello.nodeId} belongs to cluster ${hello.clusterId}, node ${nodeId} to ${clusterId}: check the addresses, or the data folder of the one that is wrong`
  // A cluster that is there takes in who comes later. Before it is, only the nodes of the file may be met: who votes first must be agreed.
  const isKnown = peers.some((peer) => peer.nodeId === hello.nodeId) || (clusterId !== null && hello.endpoint !== null)
  return isKnown ? undefined : `node ${hello.nodeId} is not in the cluster file of node ${nodeId}: add it there`
}
