import type { FetchAnswerMessage, FetchRequestMessage, PeerMessage } from '../../src/wire/peer.ts'
import {
  decodeFetchAnswerFrame,
  decodeFetchFrame,
  decodePeerFrame,
  encodeFetchAnswerFrame,
  encodeFetchFrame,
  encodePeerFrame,
} from '../../src/wire/peer-codec.ts'

/** How messages between nodes become what travels: as they are (the network copies them), or as the bytes of the real protocol. */
export interface PeerCodec {
  encodePeer(message: PeerMessage): unknown
  decodePeer(body: unknown): PeerMessage
  encodeFetchRequest(message: FetchRequestMessage): unknown
  decodeFetchRequest(body: unknown): FetchRequestMessage
  encodeFetchAnswer(message: FetchAnswerMessage): unknown
  decodeFetchAnswer(body: unknown): FetchAnswerMessage
}

export const plainCodec: PeerCodec = {
  encodePeer: (message) => message,
  decodePeer: (body) => body as PeerMessage,
  encodeFetchRequest: (message) => message,
  decodeFetchRequest: (body) => body as FetchRequestMessage,
  encodeFetchAnswer: (message) => message,
  decodeFetchAnswer: (body) => body as FetchAnswerMessage,
}

/** Through the codecs of production: what they lose or mix up is then lost in the simulation too. */
export const wireCodec: PeerCodec = {
  encodePeer: (message) => encodePeerFrame({ hello: null, messages: [message] }).toBuffer(),
  decodePeer: (body) => decodePeerFrame(body as Buffer).messages[0] as PeerMessage,
  encodeFetchRequest: (message) => encodeFetchFrame({ hello: null, ...message }).toBuffer(),
  decodeFetchRequest: (body) => ({ fetches: decodeFetchFrame(body as Buffer).fetches }),
  encodeFetchAnswer: (message) => encodeFetchAnswerFrame({ hello: null, ...message }).toBuffer(),
  decodeFetchAnswer: (body) => ({ answers: decodeFetchAnswerFrame(body as Buffer).answers }),
}
