import type { FetchAnswer, FollowerFetch } from '../replication/effects.ts'
import { code } from './error-codec.ts'
import type { GatheredMessage } from './gathered.ts'
import type { FetchAnswerMessage, FetchRequestMessage, Hello, PartitionAnswer, PartitionFetch, PeerMessage } from './peer.ts'
import { decode, encode, int32, int64, list, message, nested, nestedOrNull, sint32, sint64, slices, union, uuid, uuidOrNull } from './proto-message.ts'
import { brokerStatusCodec, commandCodec, raftMessageCodec, replyCodec } from './raft-codec.ts'

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

const helloCodec = message<Hello>({ clusterId: uuidOrNull(1), nodeId: int32(2), directoryId: uuid(3), incarnationId: uuid(4), protocolVersion: int32(5) })

const peerMessageCodec = union<PeerMessage>('a peer message', {
  raft: [1, message({ message: nested(1, raftMessageCodec), status: nestedOrNull(2, brokerStatusCodec) })],
  command: [2, message({ requestId: int64(1), command: nested(2, commandCodec) })],
  commandReply: [3, message({ requestId: int64(1), reply: nested(2, replyCodec) })],
})

const followerFetchCodec = message<FollowerFetch>({
  fetchId: int64(1),
  currentLeaderEpoch: int32(2),
  fetchOffset: int64(3),
  lastFetchedEpoch: sint32(4),
  syncedEndOffset: int64(5),
  brokerEpoch: int64(6),
  logStartOffset: int64(7),
  maxBytes: int32(8),
})

const fetchResultCodec = union<FetchAnswer['result']>('a fetch result', {
  data: [1, message({})],
  diverging: [2, message({ epoch: sint32(1), endOffset: int64(2) })],
  error: [3, message({ code: code(1) })],
})

const fetchAnswerCodec = message<FetchAnswer>({
  fetchId: int64(1),
  leaderEpoch: int32(2),
  fetchOffset: int64(3),
  lastFetchedEpoch: sint32(4),
  highWatermark: sint64(5),
  logStartOffset: sint64(6),
  result: nested(7, fetchResultCodec),
})

const partitionFetchCodec = message<PartitionFetch>({ topicId: uuid(1), partition: int32(2), fetch: nested(3, followerFetchCodec) })
const partitionAnswerCodec = message<PartitionAnswer>({ topicId: uuid(1), partition: int32(2), answer: nested(3, fetchAnswerCodec), batches: slices(4) })

const peerFrameCodec = message<PeerFrame>({ hello: nestedOrNull(1, helloCodec), messages: list(2, peerMessageCodec) })
const fetchFrameCodec = message<FetchFrame>({ hello: nestedOrNull(1, helloCodec), fetches: list(2, partitionFetchCodec) })
const fetchAnswerFrameCodec = message<FetchAnswerFrame>({ hello: nestedOrNull(1, helloCodec), answers: list(2, partitionAnswerCodec) })

export function encodePeerFrame(frame: PeerFrame): GatheredMessage {
  return encode(peerFrameCodec, frame)
}

/** Entry bytes are views of `bytes`. Throws INVALID_REQUEST. */
export function decodePeerFrame(bytes: Buffer): PeerFrame {
  return decode(peerFrameCodec, bytes)
}

export function encodeFetchFrame(frame: FetchFrame): GatheredMessage {
  return encode(fetchFrameCodec, frame)
}

export function decodeFetchFrame(bytes: Buffer): FetchFrame {
  return decode(fetchFrameCodec, bytes)
}

/** Batches are borrowed until the message was written. */
export function encodeFetchAnswerFrame(frame: FetchAnswerFrame): GatheredMessage {
  return encode(fetchAnswerFrameCodec, frame)
}

/** Batches are views of `bytes`. */
export function decodeFetchAnswerFrame(bytes: Buffer): FetchAnswerFrame {
  return decode(fetchAnswerFrameCodec, bytes)
}
