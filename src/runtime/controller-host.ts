import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log-line.ts'
import type { ControllerCommand, ControllerReply, InternalCommand } from '../controller/commands.ts'
import { type ControllerDefaults, handle } from '../controller/controller.ts'
import type { QuorumView } from '../controller/quorum-view.ts'
import { leadersToMoveBack } from '../controller/leader-balance.ts'
import { Sessions } from '../controller/sessions.ts'
import type { BrokerStatus } from '../controller/status.ts'
import { applyEntries } from '../metadata/apply.ts'
import type { MetadataDelta, MetadataImage } from '../metadata/image.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { warnOfUncleanElections } from './unclean-warning.ts'

/** Why a command was not decided here; the asker tries the active controller again. */
const notController: ControllerReply = { type: 'error', code: 'NOT_CONTROLLER', message: 'this node is not the active controller', definite: true }
/** Leadership was lost after the append: the entry may yet be committed (rules R1.3). */
const lostLeadership: ControllerReply = {
  type: 'error',
  code: 'NOT_CONTROLLER',
  message: 'the active controller changed before the decision was committed',
  definite: false,
}

interface Waiting {
  /** The reply leaves when the applied image has reached this offset. */
  readonly offset: number
  readonly reply: ControllerReply
  readonly answer: (reply: ControllerReply) => void
}

/** What the host asks of the log: one entry, appended at once or refused. */
export type ProposeRecords = (
  records: readonly MetadataRecord[],
) => { readonly type: 'accepted'; readonly offset: number } | { readonly type: 'refused'; readonly code: 'NOT_CONTROLLER' | 'THROTTLING_QUOTA_EXCEEDED' }

/**
 * The one host of the controller (architecture 2): decide on the image with all appended decisions, append the records, wait for the
 * commit, and release the reply once they are applied. It is active from the moment its own term's first entry is applied until the
 * role changes; what it knows of brokers (sessions) is born empty with each term.
 */
export class ControllerHost {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #nodeId: number
  readonly #defaults: ControllerDefaults
  readonly #propose: ProposeRecords
  readonly #quorum: QuorumView
  readonly #fenceTicks: number | undefined
  readonly #leaderBalanceMs: number
  #nextBalanceMs = 0
  #active: { readonly term: number; readonly sessions: Sessions; image: MetadataImage } | undefined
  #electedTerm: number | undefined
  #waiting: Waiting[] = []
  #image: MetadataImage

  constructor(options: {
    readonly clock: Clock
    readonly logger: Logger
    readonly nodeId: number
    readonly defaults: ControllerDefaults
    readonly propose: ProposeRecords
    readonly quorum: QuorumView
    readonly image: MetadataImage
    /** A broker that was silent for so long is fenced. */
    readonly fenceTicks?: number | undefined
    /** Between looks whether leaderships should move back to where they belong; 0: never. */
    readonly leaderBalanceMs: number
  }) {
    this.#clock = options.clock
    this.#logger = options.logger
    this.#nodeId = options.nodeId
    this.#defaults = options.defaults
    this.#propose = options.propose
    this.#quorum = options.quorum
    this.#fenceTicks = options.fenceTicks
    this.#leaderBalanceMs = options.leaderBalanceMs
    this.#image = options.image
  }

  get isActive(): boolean {
    return this.#active !== undefined
  }

  /** The committed image, and that of this turn's delta. */
  get image(): MetadataImage {
    return this.#image
  }

  /** Raft elected this node, in a term whose first entry is not committed yet. */
  elected(term: number): void {
    this.#electedTerm = term
  }

  /** Any other role: replies that wait are indefinite from now on. */
  deposed(): void {
    this.#electedTerm = undefined
    if (this.#active !== undefined) this.#logger.info({ term: this.#active.term }, 'controller: no longer active')
    this.#active = undefined
    for (const { answer } of this.#waiting.splice(0)) answer(lostLeadership)
  }

  /** Committed entries were applied to the image; `lastTerm` is the term of the last of them. */
  applied(image: MetadataImage, delta: MetadataDelta, lastTerm: number): void {
    if (this.#active !== undefined) warnOfUncleanElections(this.#logger, this.#image, image, delta)
    this.#image = image
    if (this.#active === undefined && this.#electedTerm === lastTerm) this.#activate(lastTerm, image)
    const ready = this.#waiting.filter((waiting) => waiting.offset <= image.offset)
    this.#waiting = this.#waiting.filter((waiting) => waiting.offset > image.offset)
    for (const { answer, reply } of ready) answer(reply)
    if (this.#active !== undefined) this.#stepSessions({ type: 'image', image, delta })
  }

  tick(ownStatus: BrokerStatus | null): void {
    if (this.#active === undefined) return
    if (ownStatus !== null) this.#stepSessions({ type: 'heard', nodeId: this.#nodeId, status: ownStatus })
    this.#stepSessions({ type: 'tick' })
    this.#releaseDrained()
    this.#balanceLeaders()
  }

  /** Not at once after an election: brokers that have just come back join their ISRs first. */
  #balanceLeaders(): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#leaderBalanceMs === 0 || nowMs < this.#nextBalanceMs) return
    this.#nextBalanceMs = nowMs + this.#leaderBalanceMs
    const partitions = leadersToMoveBack(this.#image)
    if (partitions.length === 0) return
    this.#logger.info({ partitions: partitions.length }, 'controller: leaderships move back to the first of their replicas')
    this.submit({ type: 'electLeaders', unclean: false, partitions, validateOnly: false, metadataOffset: null }, () => undefined)
  }

  /** A drained broker is told that it may go by being fenced: it reads that in the log, like everything (rules R5.9). */
  #releaseDrained(): void {
    for (const broker of this.#image.brokers.values()) {
      if (!broker.draining || broker.fenced || this.#active?.sessions.mayStop(broker.nodeId, this.#image) !== true) continue
      this.submit({ type: 'fence', nodeId: broker.nodeId, brokerEpoch: broker.brokerEpoch }, () => undefined)
    }
  }

  heard(nodeId: number, status: BrokerStatus): void {
    this.#stepSessions({ type: 'heard', nodeId, status })
  }

  /** The process behind that node is gone by evidence (rules R5.5 a). */
  gone(nodeId: number): void {
    this.#stepSessions({ type: 'gone', nodeId })
  }

  submit(command: ControllerCommand | InternalCommand, answer: (reply: ControllerReply) => void): void {
    const active = this.#active
    if (active === undefined) {
      answer(notController)
      return
    }
    const decision = handle(command, {
      image: active.image,
      offset: active.image.offset,
      nowMs: this.#clock.wallMs(),
      defaults: this.#defaults,
      sessions: active.sessions.view(),
      quorum: this.#quorum,
    })
    if (decision.records.length > 0) {
      const proposed = this.#propose(decision.records)
      if (proposed.type === 'refused') {
        answer({ type: 'error', code: proposed.code, message: 'the metadata log does not take the decision now', definite: true })
        return
      }
      assert(proposed.offset === active.image.offset, 'a decision is appended at the offset it was made for')
      active.image = applyEntries(active.image, [{ offset: proposed.offset, records: decision.records }]).image
    }
    // Even a decision without records may rest on entries that are not committed yet.
    this.#waiting.push({ offset: active.image.offset, reply: decision.reply, answer })
    if (active.image.offset <= this.#image.offset) this.#clock.defer(() => this.#release())
  }

  #release(): void {
    const ready = this.#waiting.filter((waiting) => waiting.offset <= this.#image.offset)
    this.#waiting = this.#waiting.filter((waiting) => waiting.offset > this.#image.offset)
    for (const { answer, reply } of ready) answer(reply)
  }

  #activate(term: number, image: MetadataImage): void {
    this.#nextBalanceMs = this.#clock.monotonicMs() + this.#leaderBalanceMs
    this.#active = { term, sessions: new Sessions({ nodeId: this.#nodeId, fenceTicks: this.#fenceTicks }), image }
    this.#logger.info({ term, offset: image.offset }, 'controller: active')
  }

  #stepSessions(input: Parameters<Sessions['step']>[0]): void {
    const active = this.#active
    if (active === undefined) return
    for (const effect of active.sessions.step(input)) {
      this.submit(effect.command, (reply) => {
        if (reply.type === 'error' && reply.code !== 'NOT_CONTROLLER') {
          this.#logger.debug({ command: effect.command.type, code: reply.code, detail: reply.message }, 'controller: a decision of its own was refused')
        }
      })
    }
  }
}
