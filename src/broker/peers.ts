import type { Clock } from '../base/clock.ts'
import type { Uuid } from '../base/ids.ts'
import type { ConnectedNode } from '../controller/quorum-view.ts'
import type { MetadataDelta, MetadataImage } from '../metadata/image.ts'
import type { VoterEndpoint } from '../metadata/records.ts'
import type { Transport } from '../runtime/transport.ts'
import type { Hello } from '../wire/peer.ts'
import type { NodeOptions } from './surface.ts'

/**
 * The other nodes, as this one knows them. Those of the cluster file are dialled where it says; a node that it does not name, because it came
 * later, where its Hello or the metadata say.
 */
export class Peers {
  readonly #options: NodeOptions
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #connected = new Map<number, Hello>()
  /** Folders of the nodes whose Hello came, on a stream of theirs or of ours. */
  readonly #folders = new Map<number, Uuid>()
  /** Nodes whose process is gone by evidence, until they are back (rules R5.5 a). */
  readonly #gone = new Set<number>()

  constructor(options: NodeOptions, seams: { readonly transport: Transport; readonly clock: Clock }) {
    this.#options = options
    this.#transport = seams.transport
    this.#clock = seams.clock
  }

  /** Those with a control stream from here. */
  get connected(): readonly Hello[] {
    return [...this.#connected.values()]
  }

  get gone(): ReadonlySet<number> {
    return this.#gone
  }

  isConnected(nodeId: number): boolean {
    return this.#connected.has(nodeId)
  }

  /** Undefined: no control stream to it is open. */
  processOf(nodeId: number): Uuid | undefined {
    return this.#connected.get(nodeId)?.incarnationId
  }

  /** Undefined: it did not say Hello yet. */
  folderOf(nodeId: number): Uuid | undefined {
    return this.#folders.get(nodeId)
  }

  /** As a voter to be (controller/voters.ts). */
  describe(nodeId: number): ConnectedNode | undefined {
    const hello = this.#connected.get(nodeId)
    const endpoint = hello?.endpoint ?? this.#inFile(nodeId)
    return hello && endpoint && { nodeId, directoryId: hello.directoryId, endpoint, isController: hello.isController }
  }

  dialAll(): void {
    for (const { nodeId, host, grpcPort } of this.#options.peers) this.#transport.setPeer(nodeId, { host, port: grpcPort })
  }

  /** Its Hello was accepted, on a stream of its own. */
  met(hello: Hello): void {
    this.#folders.set(hello.nodeId, hello.directoryId)
    if (hello.endpoint !== null) this.#dial(hello.nodeId, hello.endpoint)
  }

  up(hello: Hello): void {
    this.#connected.set(hello.nodeId, hello)
    this.#folders.set(hello.nodeId, hello.directoryId)
    this.#gone.delete(hello.nodeId)
  }

  down(nodeId: number, reason: 'closed' | 'refused'): void {
    this.#connected.delete(nodeId)
    if (reason === 'refused') this.#gone.add(nodeId)
  }

  applied(image: MetadataImage, delta: MetadataDelta): void {
    for (const nodeId of delta.brokers) {
      const address = image.brokers.get(nodeId)?.address
      if (address !== undefined) this.#dial(nodeId, address)
    }
    if (delta.votersChanged) for (const { nodeId, endpoint } of image.voters) if (endpoint !== null) this.#dial(nodeId, endpoint)
  }

  #inFile(nodeId: number): VoterEndpoint | undefined {
    return this.#options.peers.find((peer) => peer.nodeId === nodeId)
  }

  #dial(nodeId: number, { host, grpcPort }: VoterEndpoint): void {
    if (nodeId === this.#options.nodeId || this.#inFile(nodeId) !== undefined) return
    // In a turn of its own: the transport may be in the midst of a Hello.
    this.#clock.defer(() => this.#transport.setPeer(nodeId, { host, port: grpcPort }))
  }
}
