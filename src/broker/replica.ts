import { assert, unreachable } from '../base/assert.ts'
import type { Code } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { LogFields, Logger } from '../base/log-line.ts'
import type { Log } from '../log/surface.ts'
import type { IsrMember } from '../metadata/records.ts'
import type { LogReset, PartitionEffect, PartitionInput } from '../replication/effects.ts'
import type { Partition } from '../replication/partition.ts'
import type { ReplicaChange } from './change-lines.ts'
import type { ReplicaView } from './surface.ts'

export interface ProduceOutcome {
  readonly baseOffset: number
  readonly code: Code | null
  readonly definite: boolean
  readonly detail: string
}

/** Where the effects of a replica go that leave its own log. */
export interface ReplicaOutlets {
  answerFetch(replica: Replica, effect: Extract<PartitionEffect, { type: 'answerFetch' }>): void
  sendFetch(replica: Replica, effect: Extract<PartitionEffect, { type: 'sendFetch' }>): void
  /** So many bytes of its leader went into its log. */
  fetched(replica: Replica, bytes: number): void
  proposeIsr(replica: Replica, effect: Extract<PartitionEffect, { type: 'proposeIsr' }>): void
  quarantine(replica: Replica, reason: string): void
  /** The log start of the machine moved: takes it to the disk, which says so with `startSynced`. */
  advanceStart(replica: Replica): void
  /** Whether this change has a line of its own (ChangeLines). */
  isTold(change: ReplicaChange): boolean
  /** Before a machine may reset its log: `done` once what comes with the reset is on the disk. */
  prepareReset(replica: Replica, reset: LogReset, done: () => void): void
}

/** What is wrong with a replica, as a sentence, and since when this process knows: ms since 1970. */
export interface Trouble {
  readonly reason: string
  readonly sinceMs: number
}

/** Told of what a produce put into memory and what the disk has taken, or never will take, of it. */
export interface UnsyncedBytes {
  appended(bytes: number): void
  settled(bytes: number): void
}

interface QueuedInput {
  readonly input: PartitionInput
  readonly unsynced?: UnsyncedBytes | undefined
}

/**
 * Drives one partition machine over its log. Inputs that arise while effects are performed wait their turn.
 * It holds what waits for this replica alone: produce answers by id, appended batches until the disk has them, and consumers that wait for
 * the high watermark.
 */
export class Replica {
  readonly topic: string
  readonly topicId: Uuid
  /** Its topic id is surely the one that its log was made for. */
  readonly isIdentified: boolean
  readonly partition: number
  readonly core: Partition
  readonly logger: Logger
  suspect: boolean
  damaged: boolean
  /** The log died or is damaged in this process: reported as dead until the next start (rules R5.2). */
  dead = false
  /** So many ask whether it may leave the ISR: until it is out of service, or stays, it asks its leader for nothing. */
  leaving = 0
  /** Why it is suspect, damaged or dead; null: it is none of these. */
  trouble: Trouble | null
  #log: Log
  /** What came since it is held, in order; undefined: it is not. */
  #held: (() => void)[] | undefined
  readonly #outlets: ReplicaOutlets
  readonly #inputs: QueuedInput[] = []
  readonly #produces = new Map<number, (outcome: ProduceOutcome) => void>()
  readonly #readers = new Set<() => void>()
  /** By end offset (exclusive), all within the log and beyond its synced end. */
  readonly #unsynced: { readonly endOffset: number; readonly bytes: number; readonly unsynced: UnsyncedBytes }[] = []
  #running = false
  /** Of the ticks to come, those that the machine need not be told of, and of the last ones those that it was not. */
  #quietTicks = 0
  #untoldTicks = 0
  #nextProduceId = 1

  constructor(options: {
    readonly topic: string
    readonly topicId: Uuid
    readonly isIdentified: boolean
    readonly partition: number
    readonly log: Log
    readonly core: Partition
    readonly logger: Logger
    readonly suspect: boolean
    readonly damaged: boolean
    readonly trouble: Trouble | null
    readonly outlets: ReplicaOutlets
  }) {
    this.topic = options.topic
    this.topicId = options.topicId
    this.isIdentified = options.isIdentified
    this.partition = options.partition
    this.#log = options.log
    this.core = options.core
    this.logger = options.logger
    this.suspect = options.suspect
    this.damaged = options.damaged
    this.trouble = options.trouble
    this.#outlets = options.outlets
  }

  get log(): Log {
    return this.#log
  }

  get isHeld(): boolean {
    return this.#held !== undefined
  }

  /** All that comes waits from now on, so that its log stays as it is; what is read is read. For as long as some syncs take. */
  hold(): void {
    assert(this.#held === undefined && !this.#running, 'a replica is held once, between two inputs')
    this.#held = []
  }

  /** It goes on; `log`: over this one, which holds the same, and all of it synced. */
  release(log?: Log): void {
    const held = this.#held
    assert(held !== undefined, 'who is released was held')
    this.#held = undefined
    if (log !== undefined) {
      assert(log.endOffset === this.#log.endOffset && log.cutCount === this.#log.cutCount, 'the new log of a replica holds what the old one held')
      this.#log = log
      // What the old one would have said is not heard any more.
      this.step({ type: 'synced', endOffset: log.syncedEndOffset, cutCount: log.cutCount })
    }
    for (const input of held) input()
  }

  step(input: PartitionInput): void {
    if (this.#held !== undefined) {
      this.#held.push(() => this.step(input))
      return
    }
    const reset = input.type === 'answer' && input.answer.result.type === 'reset' ? input.answer.result : undefined
    // What it brings must be on the disk first. The answer names what it answers: should it be out of date by then, it is not used (rules R6.2).
    if (reset === undefined) this.#step({ input })
    else if (this.core.role === 'follower') this.#outlets.prepareReset(this, reset, () => this.#step({ input }))
  }

  /** Most replicas are quiet most of the time: only those that are due are stepped. */
  tick(): void {
    this.#untoldTicks += 1
    if (this.#held !== undefined) return
    if (this.#quietTicks > 0) {
      this.#quietTicks -= 1
      return
    }
    this.#tellTicks()
    this.#quietTicks = this.core.quietTicks
  }

  #tellTicks(): void {
    const ticks = this.#untoldTicks
    this.#untoldTicks = 0
    this.#step({ input: { type: 'tick', ticks } })
  }

  /** Whatever comes, the machine knows first what time it is; and what was quiet may not be so any more. */
  #step(queued: QueuedInput): void {
    if (this.#untoldTicks > 0) this.#tellTicks()
    this.#quietTicks = 0
    this.#inputs.push(queued)
    if (this.#running) return
    this.#running = true
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      const { role, leaderEpoch } = this.core
      const { endOffset } = this.#log
      for (const effect of this.core.step(next.input)) this.#perform(effect)
      if (next.input.type === 'produce' && this.#log.endOffset > endOffset) this.#holdUnsynced(next.input.bytes.length, next.unsynced)
      this.#settleSynced()
      if (this.core.role !== role || this.core.leaderEpoch !== leaderEpoch) this.#wakeReaders()
    }
    this.#running = false
  }

  /**
   * Steps a produce; `done` is called at most once: never with acks 0. `unsynced` is told of its bytes, answered or not. Returns its id, for
   * `forgetProduce`.
   */
  produce(
    input: Omit<Extract<PartitionInput, { type: 'produce' }>, 'type' | 'produceId'>,
    done: (outcome: ProduceOutcome) => void,
    unsynced?: UnsyncedBytes,
  ): number {
    const produceId = this.#nextProduceId++
    if (input.acks !== 0) this.#produces.set(produceId, done)
    const start = (): void => this.#step({ input: { type: 'produce', produceId, ...input }, unsynced })
    if (this.#held === undefined) start()
    else this.#held.push(start)
    return produceId
  }

  /** It waited for as long as it may: answered now, indefinite, if it was appended and not answered. */
  expireProduce(produceId: number): void {
    this.step({ type: 'expire', produceIds: [produceId] })
  }

  /** Nobody waits for this answer any more; what was appended stays. */
  forgetProduce(produceId: number): void {
    if (this.#produces.delete(produceId)) this.expireProduce(produceId)
  }

  /** Calls `wake` whenever the high watermark, the log start or the role moves, until removed. */
  addReader(wake: () => void): void {
    this.#readers.add(wake)
  }

  removeReader(wake: () => void): void {
    this.#readers.delete(wake)
  }

  /** The log is dead or damaged: nothing is served from it any more. */
  kill(trouble: Trouble): void {
    if (this.dead) return
    const { reason } = trouble
    this.dead = true
    this.trouble = trouble
    this.logger.error({ reason }, `replica offline: ${reason}`)
    const end = (): void => this.step({ type: 'offline', reason })
    // Before all that waits: nothing more is appended.
    if (this.#held === undefined) end()
    else this.#held.unshift(end)
    this.#wakeReaders()
  }

  view(): ReplicaView {
    const { role, leaderEpoch, partitionEpoch, logStartOffset, highWatermark, isr } = this.core
    const { topic, topicId, partition, log, suspect, damaged } = this
    return { topic, topicId, partition, log, role, leaderEpoch, partitionEpoch, logStartOffset, highWatermark, isr, suspect, damaged }
  }

  #holdUnsynced(bytes: number, unsynced: UnsyncedBytes | undefined): void {
    if (unsynced === undefined) return
    this.#unsynced.push({ endOffset: this.#log.endOffset, bytes, unsynced })
    unsynced.appended(bytes)
  }

  /** What is synced, or all of it once nothing more is written here. */
  #settleSynced(): void {
    const syncedEndOffset = this.core.role === 'offline' ? Number.POSITIVE_INFINITY : this.#log.syncedEndOffset
    let count = 0
    while (count < this.#unsynced.length && (this.#unsynced[count]?.endOffset ?? 0) <= syncedEndOffset) count += 1
    if (count === 0) return
    for (const { bytes, unsynced } of this.#unsynced.splice(0, count)) unsynced.settled(bytes)
  }

  #settleCut(endOffset: number): void {
    while ((this.#unsynced.at(-1)?.endOffset ?? 0) > endOffset) {
      const { bytes, unsynced } = this.#unsynced.pop() as { bytes: number; unsynced: UnsyncedBytes }
      unsynced.settled(bytes)
    }
  }

  #wakeReaders(): void {
    for (const wake of [...this.#readers]) wake()
  }

  #perform(effect: PartitionEffect): void {
    switch (effect.type) {
      case 'append':
        this.#log.appendAsLeader(effect.bytes, effect)
        break
      case 'appendFetched':
        this.#log.appendFetched(effect.bytes, effect.headers)
        this.#outlets.fetched(this, effect.bytes.length)
        break
      case 'truncate':
        this.#log.truncate(effect.endOffset)
        this.#settleCut(effect.endOffset)
        break
      case 'advanceStart':
        this.#outlets.advanceStart(this)
        this.#wakeReaders()
        break
      case 'resetLog':
        this.#log.resetTo(effect.offset)
        this.#settleCut(0)
        break
      case 'lowWatermark':
        this.#wakeReaders()
        break
      case 'produceReply': {
        const done = this.#produces.get(effect.produceId)
        this.#produces.delete(effect.produceId)
        done?.(effect)
        break
      }
      case 'answerFetch':
        this.#outlets.answerFetch(this, effect)
        break
      case 'sendFetch':
        this.#outlets.sendFetch(this, effect)
        break
      case 'proposeIsr':
        this.#outlets.proposeIsr(this, effect)
        break
      case 'highWatermark':
        this.#wakeReaders()
        break
      case 'quarantine':
        this.#outlets.quarantine(this, effect.reason)
        break
      case 'event':
        this.#report(effect.event)
        break
      default:
        unreachable(effect)
    }
  }

  #tell(change: ReplicaChange, fields: LogFields, message: string): void {
    if (this.#outlets.isTold(change)) this.logger.info(fields, message)
    else this.logger.debug(fields, message)
  }

  #report(event: Extract<PartitionEffect, { type: 'event' }>['event']): void {
    switch (event.type) {
      case 'becameLeader':
        this.#tell(event.type, { leaderEpoch: event.leaderEpoch, startOffset: event.startOffset }, 'leader: this node leads the partition')
        break
      case 'becameFollower':
        this.#tell(event.type, { leaderEpoch: event.leaderEpoch, leader: event.leader }, 'follower: another node leads the partition')
        break
      case 'isrChanged':
        this.#tell(event.type, { isr: event.isr, partitionEpoch: event.partitionEpoch }, 'ISR changed')
        break
      case 'cut':
        this.logger.warn(
          { from: event.from, to: event.to, leaderEpoch: event.leaderEpoch },
          `log cut from ${event.from} to ${event.to}: the leader of epoch ${event.leaderEpoch} parts from it there`,
        )
        break
      case 'reset':
        this.logger.warn(
          { from: event.from, to: event.to, leaderEpoch: event.leaderEpoch },
          `log dropped at ${event.from} and begun anew at ${event.to}: the leader of epoch ${event.leaderEpoch} keeps nothing before that`,
        )
        break
      case 'restarted':
        this.logger.warn(
          { startOffset: event.startOffset, endOffset: event.endOffset, leaderEpoch: event.leaderEpoch },
          `log dropped from ${event.startOffset} to ${event.endOffset}, and fetched anew from the leader of epoch ${event.leaderEpoch}: nothing of it can be gone on with`,
        )
        break
      default:
        unreachable(event)
    }
  }
}

/** Whether this broker epoch of this node is in the ISR. */
export function isInIsr(isr: readonly IsrMember[], nodeId: number, brokerEpoch: number): boolean {
  return isr.some((member) => member.nodeId === nodeId && member.brokerEpoch === brokerEpoch)
}
