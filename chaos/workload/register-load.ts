import { BrokerError } from '../../src/base/errors.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { Done } from '../../src/base/done.ts'
import { randomUuid } from '../../src/base/ids.ts'
import type { Random } from '../../src/base/random.ts'
import type { ClientConnection, ClientTransport, NodeAddress } from '../../src/client/transport.ts'
import type { TopicInfo } from '../../src/wire/api.ts'
import type { RegisterEvent, RegisterSink } from '../operations/register-file.ts'
import { sleep } from '../sleep.ts'

export interface RegisterLoadOptions {
  readonly clock: Clock
  /** Whom the clients ask: a drawn one each time. */
  readonly nodes: readonly NodeAddress[]
  /** As one machine of clients sees the network; the load closes it. */
  readonly openTransport: (client: number) => ClientTransport
  readonly random: Random
  readonly replicationFactor: number
  /** What each client waits between two operations; default 150. */
  readonly everyMs?: number
  /** Before the names of the topics. */
  readonly topicPrefix: string
  /** The load closes it. */
  readonly history: RegisterSink
  readonly nowMs: () => number
}

const CLIENTS = 3
const EVERY_MS = 150
const TIMEOUT_MS = 3_000
/** Then the next one is used: of each, one finding is reported. */
const REGISTER_MS = 30_000
/** A config of a topic that may be any number, and of which nothing that happens here depends: it is told to keep records for thousands of years. */
const CONFIG = 'retention.ms'
const FIRST_VALUE = 10 ** 14

/**
 * Registers in the metadata log: a config of a topic, written by one request that is never sent again, and read behind all that was decided before
 * the read began: one node says how far that is (a read index), another one waits until it has applied that.
 */
export class RegisterLoad {
  readonly #options: RegisterLoadOptions
  #nextId = 0
  #nextValue = FIRST_VALUE
  #running: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor(options: RegisterLoadOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = Promise.all(Array.from({ length: CLIENTS }, (_, client) => this.#run(client)))
    // Whoever stops it is told.
    this.#running.catch(() => undefined)
  }

  /** Fulfilled when no operation is under way, and the history is complete. Rejects with what no client may say. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    await this.#running.finally(() => this.#options.history.close())
  }

  async #run(client: number): Promise<void> {
    const { clock, everyMs = EVERY_MS } = this.#options
    const transport = this.#options.openTransport(client)
    const connections = this.#options.nodes.map((address) => transport.connect(address))
    try {
      while (!this.#isStopped) {
        await this.#operate(connections)
        await sleep(clock, everyMs)
      }
    } finally {
      for (const connection of connections) connection.close()
      transport.close()
    }
  }

  async #operate(connections: readonly ClientConnection[]): Promise<void> {
    const { random, nowMs, topicPrefix } = this.#options
    const pick = (): ClientConnection => connections[random.integer(connections.length)] as ClientConnection
    const register = `${topicPrefix}register-${Math.floor(nowMs() / REGISTER_MS)}`
    const topic = await this.#find(pick(), register)
    if (topic === undefined) await this.#make(pick(), register)
    else if (random.integer(2) === 0) await this.#write(pick(), register, topic)
    else await this.#read([pick(), pick()], register)
  }

  async #write(connection: ClientConnection, register: string, { topicId }: TopicInfo): Promise<void> {
    const value = String(this.#nextValue++)
    const request = { topicId, partitions: 0, assignment: null, set: new Map([[CONFIG, value]]), delete: [], validateOnly: false, timeoutMs: TIMEOUT_MS }
    await this.#noted(register, 'write', value, async () => {
      await answer<TopicInfo>((done) => connection.alterTopic(request, TIMEOUT_MS, done))
      return value
    })
  }

  async #read([leader, reader]: readonly [ClientConnection, ClientConnection], register: string): Promise<void> {
    await this.#noted(register, 'read', null, async () => {
      const { status } = await answer<{ status: { highWatermark: number } }>((done) => leader.describeQuorum(TIMEOUT_MS, done))
      const topic = await this.#find(reader, register, status.highWatermark)
      return topic?.configs.get(CONFIG) ?? null
    })
  }

  /** Undefined: this node does not know it, or does not answer. */
  async #find(connection: ClientConnection, register: string, minOffset = 0): Promise<TopicInfo | undefined> {
    const metadata = answer<{ topics: readonly TopicInfo[] }>((done) => connection.metadata({ topics: [register], minOffset }, TIMEOUT_MS, done))
    if (minOffset > 0) return (await metadata).topics[0]
    return (await metadata.catch(passOver))?.topics[0]
  }

  /** What comes of it is seen the next time. */
  async #make(connection: ClientConnection, name: string): Promise<void> {
    const { random, replicationFactor } = this.#options
    const request = { name, topicId: randomUuid(random), partitions: 1, replicationFactor, assignment: null, configs: new Map(), validateOnly: false }
    await answer((done) => connection.createTopic({ ...request, timeoutMs: TIMEOUT_MS }, TIMEOUT_MS, done)).catch(passOver)
  }

  async #noted(register: string, f: 'read' | 'write', value: string | null, act: () => Promise<string | null>): Promise<void> {
    const { nowMs, history } = this.#options
    const note = (event: RegisterEvent): void => history.add(event)
    const id = this.#nextId++
    note({ type: 'call', id, register, f, value, time: nowMs() })
    try {
      const found = await act()
      note({ type: 'ok', id, value: found, time: nowMs() })
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      if (f === 'read' || error.definite) note({ type: 'fail', id })
    }
  }
}

function answer<T>(ask: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => ask((error, value) => (error === undefined ? resolve(value) : reject(error))))
}

/** Nobody may answer, or decide. */
function passOver(error: unknown): undefined {
  if (error instanceof BrokerError) return undefined
  throw error
}
