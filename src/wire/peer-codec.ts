import { quorumDescriptionCodec } from './admin-codec.ts'
import type { GatheredMessage } from './gathered.ts'
import type { FetchAnswerMessage, FetchRequestMessage, Hello, PeerMessage } from './peer.ts'
import { boolean, decode, encode, int32, int64, list, message, nested, nestedOrNull, union, uuid, uuidOrNull } from './proto-message.ts'
import { partitionAnswerCodec, partitionFetchCodec } from './peer-fetch-codec.ts'
import { brokerStatusCodec, commandCodec, raftMessageCodec, replyCodec } from './raft-codec.ts'
import { voterEndpointCodec } from './records-codec.ts'
import { MAX_PEER_ELEMENTS } from './services.ts'

/** peer.proto: the frames of the streams between nodes. The first frame of each holds a Hello, no later one does. */
export interface PeerFrame {
  readonly hello: Hello | null
  readonly messages: readonly PeerMessage[]
}

export interface FetchFrame extends FetchRequestMessage {
  readonly hello: Hello | null
}

export interface FetchAnswerFrame extends FetchAnswerMessage {
  readonly hello: Hello | null
}

const helloCodec = message<Hello>({
  clusterId: uuidOrNull(1),
  nodeId: int32(2),
  directoryId: uuid(3),
  incarnationId: uuid(4),
  protocolVersion: int32(5),
  endpoint: nestedOrNull(6, voterEndpointCodec),
  isController: boolean(7),
})

const peerMessageCodec = union<PeerMessage>('a peer message', {
  raft: [1, message({ message: nested(1, raftMessageCodec), status: nestedOrNull(2, brokerStatusCodec) })],
  command: [2, message({ requestId: int64(1), command: nested(2, commandCodec) })],
  commandReply: [3, message({ requestId: int64(1), reply: nested(2, replyCodec) })],
  describeQuorum: [4, message({ requestId: int64(1) })],
  quorumDescription: [5, message({ requestId: int64(1), quorum: nestedOrNull(2, quorumDescriptionCodec) })],
})

const peerFrameCodec = message<PeerFrame>({ hello: nestedOrNull(1, helloCodec), messages: list(2, peerMessageCodec) })
const fetchFrameCodec = message<FetchFrame>({ hello: nestedOrNull(1, helloCodec), fetches: list(2, partitionFetchCodec) })
const fetchAnswerFrameCodec = message<FetchAnswerFrame>({ hello: nestedOrNull(1, helloCodec), answers: list(2, partitionAnswerCodec) })

/** Itself and its endpoint. */
const HELLO_ELEMENTS = 2

/** What all three frames begin with. */
const helloFrameCodec = message<{ readonly hello: Hello | null }>({ hello: nestedOrNull(1, helloCodec) })

/**
 * The Hello of the first frame of a stream, of any kind. Nothing else of the frame is read: it is from someone who was not judged yet.
 * Throws INVALID_REQUEST.
 */
export function decodeHello(bytes: Buffer): Hello | null {
  return decode(helloFrameCodec, bytes, HELLO_ELEMENTS).hello
}

export function encodePeerFrame(frame: PeerFrame): GatheredMessage {
  return encode(peerFrameCodec, frame)
}

/** Entry bytes are views of `bytes`. Throws INVALID_REQUEST. */
export function decodePeerFrame(bytes: Buffer): PeerFrame {
  return decode(peerFrameCodec, bytes, MAX_PEER_ELEMENTS)
}

export function encodeFetchFrame(frame: FetchFrame): GatheredMessage {
  return encode(fetchFrameCodec, frame)
}

export function decodeFetchFrame(bytes: Buffer): FetchFrame {
  return decode(fetchFrameCodec, bytes, MAX_PEER_ELEMENTS)
}

/** Batches are borrowed until the message was written. */
export function encodeFetchAnswerFrame(frame: FetchAnswerFrame): GatheredMessage {
  return encode(fetchAnswerFrameCodec, frame)
}

/** Batches are views of `bytes`. */
export function decodeFetchAnswerFrame(bytes: Buffer): FetchAnswerFrame {
  return decode(fetchAnswerFrameCodec, bytes, MAX_PEER_ELEMENTS)
}
