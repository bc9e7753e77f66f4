import type { FetchAnswerMessage, FetchRequestMessage, Hello, PeerMessage } from '../wire/peer.ts'

/** Where a node's messages and streams arrive. All calls come in turns of their own, never inside a call to the Transport. */
export interface TransportHandlers {
  /** Our own Hello as of now: the cluster id becomes known with bootstrap. */
  hello(): Hello
  /** A peer's Hello, before anything else of it: undefined accepts, a sentence refuses (rules R2.1). */
  vet(hello: Hello): string | undefined
  /** Our control stream to the peer is open and both Hellos are accepted. Said again for a new incarnation. */
  peerUp(hello: Hello): void
  /** closed: the stream ended, it is being dialled again. refused: two reconnects failed within 200 ms: the process is gone (rules R5.5 a). */
  peerDown(nodeId: number, reason: 'closed' | 'refused'): void
  message(from: Hello, message: PeerMessage): void
  /** A follower opened a fetch stream to us. */
  fetchStream(from: Hello, stream: FetchServerStream): void
}

/** The leader's end of a fetch stream. */
export interface FetchServerStream {
  onRequest(handler: (message: FetchRequestMessage) => void): void
  onClose(handler: () => void): void
  /** False: the peer is behind; hold further answers until onDrain. */
  send(message: FetchAnswerMessage): boolean
  onDrain(handler: () => void): void
  close(): void
}

/** The follower's end. It may fail to open: onClose says so. */
export interface FetchClientStream {
  onAnswer(handler: (message: FetchAnswerMessage) => void): void
  onClose(handler: () => void): void
  send(message: FetchRequestMessage): void
  close(): void
}

/**
 * The seam between nodes. Messages may be lost, delayed, doubled and reordered (in simulation they are); what arrives is a copy.
 * The transport dials every peer it was told of and keeps dialling (50-500 ms backoff), control and data apart.
 */
export interface Transport {
  start(handlers: TransportHandlers): void
  /** Makes known where a node listens; a changed address is dialled anew. */
  setPeer(nodeId: number, address: { readonly host: string; readonly port: number } | null): void
  /** Within the byte budget of rules 8, else dropped. */
  send(to: number, message: PeerMessage): void
  openFetchStream(to: number): FetchClientStream
  stop(): void
}
