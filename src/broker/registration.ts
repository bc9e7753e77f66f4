import type { Uuid } from '../base/ids.ts'
import type { Logger } from '../base/log-line.ts'
import type { BrokerStatus } from '../controller/status.ts'
import type { BrokerImage, MetadataImage } from '../metadata/image.ts'
import type { ControllerClient } from '../runtime/controller-client.ts'
import type { Partitions } from './partitions.ts'
import type { NodeOptions } from './surface.ts'

/**
 * This process as a broker of the cluster: registers its incarnation until the applied image shows it, and says how it is with every
 * answer to a heartbeat (rules R5.2, R5.3).
 */
export class Registration {
  readonly #options: NodeOptions
  readonly #incarnationId: Uuid
  readonly #directoryIds: () => readonly Uuid[]
  readonly #controllerClient: ControllerClient
  readonly #partitions: Partitions
  readonly #isDiskLow: () => boolean
  readonly #logger: Logger
  #broker: BrokerImage | undefined
  #appliedOffset = 0
  #isAsking = false
  #wantsShutdown = false
  #retryTicks = 0
  #lastRefusal: string | null = null

  constructor(options: {
    readonly node: NodeOptions
    readonly incarnationId: Uuid
    readonly directoryIds: () => readonly Uuid[]
    readonly controllerClient: ControllerClient
    readonly partitions: Partitions
    readonly isDiskLow: () => boolean
    readonly logger: Logger
  }) {
    this.#options = options.node
    this.#incarnationId = options.incarnationId
    this.#directoryIds = options.directoryIds
    this.#controllerClient = options.controllerClient
    this.#partitions = options.partitions
    this.#isDiskLow = options.isDiskLow
    this.#logger = options.logger
  }

  /** −1 until the applied image shows this process. */
  get brokerEpoch(): number {
    return this.#broker?.brokerEpoch ?? -1
  }

  /** Why the controller does not register this process; null once it did, or while it has not answered. */
  get lastRefusal(): string | null {
    return this.#lastRefusal
  }

  get isServing(): boolean {
    return this.#broker !== undefined && !this.#broker.fenced
  }

  /** The controller let it go: everything it led is led elsewhere (rules R5.9). */
  get isReleased(): boolean {
    return this.#broker?.fenced === true && this.#broker.draining
  }

  applied(image: MetadataImage): void {
    const broker = image.brokers.get(this.#options.nodeId)
    const mine = broker?.incarnationId === this.#incarnationId ? broker : undefined
    if (mine !== undefined) {
      this.#lastRefusal = null
      this.#report(mine)
    }
    this.#broker = mine
    this.#appliedOffset = image.offset
  }

  #report(mine: BrokerImage): void {
    const fields = { brokerEpoch: mine.brokerEpoch }
    if (this.#broker === undefined) this.#logger.info(fields, 'registered: this broker serves once it has applied that')
    if (this.#broker?.fenced === false && mine.fenced) this.#logger.warn(fields, 'fenced: this broker serves nothing now')
    if (this.#broker?.fenced !== false && !mine.fenced) this.#logger.info(fields, 'unfenced: this broker serves')
  }

  /** Asks for registration as long as there is none. */
  tick(): void {
    if (this.#broker !== undefined || this.#isAsking || this.#wantsShutdown || --this.#retryTicks > 0) return
    this.#isAsking = true
    const { nodeId, address } = this.#options
    const damaged = this.#partitions.damaged()
    const standing = this.#partitions.standing()
    const command = { type: 'register', nodeId, incarnationId: this.#incarnationId, directoryIds: this.#directoryIds(), address, damaged, standing } as const
    this.#controllerClient.request(command, null, (reply) => {
      this.#isAsking = false
      if (reply.type !== 'error') return
      this.#retryTicks = 20
      this.#lastRefusal = reply.message
      this.#logger.warn({ code: reply.code }, `registration refused: ${reply.message}; it is tried again`)
    })
  }

  shutDown(): void {
    this.#wantsShutdown = true
  }

  status(): BrokerStatus {
    return {
      incarnationId: this.#incarnationId,
      brokerEpoch: this.brokerEpoch,
      appliedOffset: this.#appliedOffset,
      wantsShutdown: this.#wantsShutdown,
      diskLow: this.#isDiskLow(),
      deadLogs: this.#partitions.deadLogs(),
      leaderless: this.#partitions.leaderlessReports(),
    }
  }
}
