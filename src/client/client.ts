import type { Clock } from '../base/clock.ts'
import { BrokerError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { Admin } from './admin.ts'
import type { AdminOptions } from './admin-options.ts'
import type { Cluster } from './cluster.ts'
import { Connections, parseAddress } from './connections.ts'
import { Consumer, type ConsumerOptions } from './consumer.ts'
import { CryptoRandom } from './crypto-random.ts'
import { MetadataCache } from './metadata-cache.ts'
import { numberOption } from './number-option.ts'
import { Producer, type ProducerOptions } from './producer.ts'
import { SystemClock } from './system-clock.ts'
import type { ClientTransport } from './transport.ts'

export type { Admin } from './admin.ts'
export type { Assignment, ConsumedRecord, Consumer } from './consumer.ts'
export type { Producer, ProducerRecord, RecordMetadata } from './producer.ts'

export interface ClientOptions {
  /** 'host:port' of some nodes; the others are learned from them. */
  readonly bootstrap: readonly string[]
  /** Default: gRPC. The client closes it. */
  readonly transport?: ClientTransport
  readonly clock?: Clock
  readonly random?: Random
  /** How long one request may go unanswered; default 30,000. Also bounds each call of Admin and of Consumer's assign and seek. */
  readonly requestTimeoutMs?: number
  /** Metadata is asked for anew at this age, without a reason; default 300,000. */
  readonly metadataMaxAgeMs?: number
}

const REQUEST_TIMEOUT_MS = 30_000
const METADATA_MAX_AGE_MS = 300_000

/** One application's view of a cluster: producers, consumers and admin share connections and metadata. */
export class OxbowClient {
  readonly #cluster: Cluster
  /** What is made from it and not closed. */
  readonly #parts = new Set<{ close(): Promise<void> | void }>()
  #closing: Promise<void> | undefined

  constructor(options: ClientOptions) {
    const bootstrap = options.bootstrap.map(parseAddress)
    if (bootstrap.length === 0) throw new BrokerError('INVALID_REQUEST', 'a client needs at least one bootstrap address')
    const clock = options.clock ?? new SystemClock()
    const random = options.random ?? new CryptoRandom()
    const connections = new Connections()
    const maxAgeMs = numberOption('metadataMaxAgeMs', options.metadataMaxAgeMs ?? METADATA_MAX_AGE_MS, 1)
    const requestTimeoutMs = numberOption('requestTimeoutMs', options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS, 1)
    const metadata = new MetadataCache({ clock, random, connections, bootstrap, maxAgeMs })
    this.#cluster = { clock, random, connections, metadata, requestTimeoutMs }
    if (options.transport !== undefined) connections.start(options.transport)
    else {
      loadTransport().then(
        (transport) => connections.start(transport),
        (error) => connections.fail(error instanceof Error ? error : new Error(String(error))),
      )
    }
  }

  producer(options: ProducerOptions = {}): Producer {
    const producer: Producer = new Producer(this.#cluster, options, () => this.#parts.delete(producer))
    return this.#add(producer)
  }

  consumer(options: ConsumerOptions = {}): Consumer {
    const consumer: Consumer = new Consumer(this.#cluster, options, () => this.#parts.delete(consumer))
    return this.#add(consumer)
  }

  admin(options: AdminOptions = {}): Admin {
    const admin: Admin = new Admin(this.#cluster, options, () => this.#parts.delete(admin))
    return this.#add(admin)
  }

  /** Closes everything made from it: at most 5 s. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#parts].map((part) => part.close()))
    this.#cluster.metadata.close()
    this.#cluster.connections.close()
  }

  #add<Part extends { close(): Promise<void> | void }>(part: Part): Part {
    if (this.#closing !== undefined) throw new BrokerError('CLIENT_CLOSED', 'the client is closed')
    this.#parts.add(part)
    return part
  }
}

/** Loaded only when no transport is given: simulations and tests never pay for gRPC. */
async function loadTransport(): Promise<ClientTransport> {
  const { GrpcClientTransport } = await import('./grpc-transport.ts')
  return new GrpcClientTransport()
}
