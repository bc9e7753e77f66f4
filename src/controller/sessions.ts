import { assert, unreachable } from '../base/assert.ts'
import { emptyImage, type MetadataDelta, type MetadataImage } from '../metadata/image.ts'
import type { InternalCommand, PartitionRef } from './commands.ts'
import { LeaderlessPartitions } from './leaderless.ts'
import { refKey } from './partition-ref.ts'
import { Session } from './session.ts'
import type { Registration, SessionsView } from './sessions-view.ts'
import type { BrokerStatus } from './status.ts'

/**
 * What only the active controller knows: who was heard when, evidence, reported ends. Born empty with each term; a machine that asks for
 * decisions and makes none. Each broker of the image has one session, replaced with its registration:
 *   silent for fenceTicks, or gone by evidence, and not fenced  → fence
 *   heard, its registration applied, staying, and fenced        → unfence
 *   wants to stop, and not draining                             → drain
 *   names a dead log where it is in sync                        → deadLogs
 *   a partition without a leader can have one by its reports    → elect
 *   … by none of ISR ∪ ELR, and its topic allows another one    → electUnclean
 * Invariants: a status counts only for the registration that it carries (R5.2); nobody is fenced on silence before a full fenceTicks of
 * this term (R5.5); a command is asked for once, and again only after REPEAT_TICKS without its effect in the image.
 */
export type SessionsInput =
  /** 50 ms that the node really ran; a late one credits everybody before it comes here (rules R5.5). */
  | { readonly type: 'tick' }
  /** The active controller's own broker speaks by this too. */
  | { readonly type: 'heard'; readonly nodeId: number; readonly status: BrokerStatus }
  /** The process behind that node is gone: its port refuses (rules R5.5 a). */
  | { readonly type: 'gone'; readonly nodeId: number }
  /** The applied image; `delta` from the image given before, absent: unknown. */
  | { readonly type: 'image'; readonly image: MetadataImage; readonly delta?: MetadataDelta | undefined }

export interface SessionsEffect {
  readonly type: 'command'
  readonly command: InternalCommand
}

export interface SessionsOptions {
  /** The active controller itself: its own process is never gone. */
  readonly nodeId: number
  readonly fenceTicks?: number | undefined
  readonly electWaitTicks?: number
}

/** 3 s of 50 ms ticks (rules 8). */
const THREE_SECONDS_TICKS = 60
/** Partitions in one elect command: one entry of the metadata log stays small. */
const MAX_ELECTIONS = 1_000

export class Sessions {
  readonly #nodeId: number
  readonly #fenceTicks: number
  readonly #sessions = new Map<number, Session>()
  readonly #leaderless: LeaderlessPartitions
  #image: MetadataImage = emptyImage
  #hasImage = false

  constructor(options: SessionsOptions) {
    this.#nodeId = options.nodeId
    this.#fenceTicks = options.fenceTicks ?? THREE_SECONDS_TICKS
    this.#leaderless = new LeaderlessPartitions(options.electWaitTicks ?? THREE_SECONDS_TICKS)
  }

  step(input: SessionsInput): SessionsEffect[] {
    const commands = this.#step(input)
    return commands.map((command) => ({ type: 'command', command }))
  }

  view(): SessionsView {
    const find = (registration: Registration): Session | undefined => {
      const session = this.#sessions.get(registration.nodeId)
      return session?.matches(registration) === true ? session : undefined
    }
    return {
      appliedOffset: (registration) => find(registration)?.appliedOffset ?? -1,
      isLogDead: (registration, ref) => find(registration)?.isLogDead(ref) ?? false,
      report: (registration, ref) => find(registration)?.report(ref),
    }
  }

  /**
   * Whether a broker that wants to stop may: it leads nothing, is in no ISR, and all other unfenced brokers have applied the decision
   * that made it so (rules R5.9). A draining or fenced broker is in no ISR (I7), so that decision is the one that drained or fenced it.
   */
  mayStop(nodeId: number, image: MetadataImage): boolean {
    const broker = image.brokers.get(nodeId)
    if (broker === undefined) return true
    const session = this.#sessions.get(nodeId)
    const withdrawnOffset = session?.matches(broker) === true ? session.withdrawnOffset : null
    if (withdrawnOffset === null) return false
    for (const other of image.brokers.values()) {
      if (other.nodeId === nodeId || other.fenced) continue
      if (this.view().appliedOffset(other) < withdrawnOffset) return false
    }
    return true
  }

  #step(input: SessionsInput): InternalCommand[] {
    switch (input.type) {
      case 'tick':
        for (const session of this.#sessions.values()) session.tick()
        return [...this.#brokerCommands(), ...this.#elections(this.#leaderless.tick())]
      case 'heard':
        return this.#heard(input.nodeId, input.status)
      case 'gone':
        if (input.nodeId === this.#nodeId) return []
        this.#sessions.get(input.nodeId)?.setGone()
        // Elections that waited for its report wait no longer.
        return [...this.#brokerCommands(), ...this.#elections(this.#leaderless.keys)]
      case 'image':
        return this.#applied(input.image, this.#hasImage ? input.delta : undefined)
      default:
        return unreachable(input)
    }
  }

  #heard(nodeId: number, status: BrokerStatus): InternalCommand[] {
    const session = this.#sessions.get(nodeId)
    if (session === undefined || !session.matches(status)) return []
    session.heard(status, this.#image)
    return [...this.#brokerCommands(), ...this.#elections(status.leaderless.map(refKey))]
  }

  #applied(image: MetadataImage, delta: MetadataDelta | undefined): InternalCommand[] {
    assert(image.offset >= this.#image.offset, 'the applied image never goes back')
    this.#image = image
    this.#hasImage = true
    for (const nodeId of [...this.#sessions.keys()]) if (!image.brokers.has(nodeId)) this.#sessions.delete(nodeId)
    for (const broker of image.brokers.values()) {
      let session = this.#sessions.get(broker.nodeId)
      if (session?.matches(broker) !== true) this.#sessions.set(broker.nodeId, (session = new Session(broker)))
      session.forgetDeadLogs(image)
      if (!broker.fenced && !broker.draining) session.withdrawnOffset = null
      else session.withdrawnOffset ??= image.offset
    }
    if (delta !== undefined) this.#forgetReports(delta)
    this.#leaderless.update(image, delta)
    return [...this.#brokerCommands(), ...this.#elections(this.#leaderless.keys)]
  }

  #forgetReports(delta: MetadataDelta): void {
    for (const session of this.#sessions.values()) {
      for (const topic of delta.deleted) for (const state of topic.partitions) session.forgetReport(state, undefined)
      for (const [topicId, partitions] of delta.topics) {
        for (const partition of partitions) {
          session.forgetReport({ topicId, partition }, this.#image.topics.get(topicId)?.partitions[partition]?.partitionEpoch)
        }
      }
    }
  }

  #brokerCommands(): InternalCommand[] {
    const commands: InternalCommand[] = []
    for (const broker of this.#image.brokers.values()) {
      const session = this.#sessions.get(broker.nodeId)
      if (session !== undefined) commands.push(...session.commands(broker, this.#image, this.#fenceTicks))
    }
    return commands
  }

  #elections(keys: Iterable<string>): InternalCommand[] {
    const due = this.#leaderless.elect(keys, { image: this.#image, sessions: this.view() }, (nodeId, ref) => this.#isExpected(nodeId, ref))
    const commands: InternalCommand[] = []
    const ask = (type: 'elect' | 'electUnclean', refs: readonly PartitionRef[]): void => {
      for (let from = 0; from < refs.length; from += MAX_ELECTIONS) commands.push({ type, partitions: refs.slice(from, from + MAX_ELECTIONS) })
    }
    ask('elect', due.clean)
    ask('electUnclean', due.unclean)
    return commands
  }

  /** Alive as far as is known, and with a replica that could be reported and elected. */
  #isExpected(nodeId: number, ref: PartitionRef): boolean {
    const broker = this.#image.brokers.get(nodeId)
    const session = this.#sessions.get(nodeId)
    return broker !== undefined && session !== undefined && !broker.draining && session.isAlive(this.#fenceTicks) && !session.isLogDead(ref)
  }
}
