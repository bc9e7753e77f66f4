import type { Uuid } from '../base/ids.ts'
import type { ControllerCommand, ControllerReply } from '../controller/commands.ts'
import type { ControllerHost } from './controller-host.ts'
import { isOnceOnly } from './once-only.ts'
import { TICK_MS } from './ticks.ts'
import type { Transport } from './transport.ts'

/** Ticks after which an unanswered command is sent again: whoever gets it twice knows it again, or it says what it belongs to. */
const RESEND_TICKS = 20
/** Ticks before a command is tried again that no active controller took. */
const RETRY_TICKS = 1

export interface CommandHandle {
  /** Forgets the command: it is not repeated, its answer is not wanted. */
  cancel(): void
}

/** A process that may have got a command; incarnationId null: this one. */
interface Asked {
  readonly nodeId: number
  readonly incarnationId: Uuid | null
}

interface Pending {
  requestId: number
  readonly command: ControllerCommand
  readonly done: (reply: ControllerReply) => void
  /** Ticks until it is given up; undefined: never. */
  ticksLeft: number | undefined
  ticksUntilSend: number
  /** Of what is decided once only: who got it, and nobody else will, unless that one says that it took no copy. */
  asked: Asked | undefined
}

const timedOut: ControllerReply = { type: 'error', code: 'REQUEST_TIMED_OUT', message: 'the active controller did not answer in time', definite: false }
const askedAnother: ControllerReply = {
  type: 'error',
  code: 'NOT_CONTROLLER',
  message: 'the active controller changed before it answered: whether this was decided is not known',
  definite: false,
}

/**
 * Brings a broker's commands to the active controller, wherever it is: repeats them until they are answered, follows a change of
 * controller at once. A command that ran out of time is indefinite; so is one that is decided once only and whose controller is another one now.
 */
export class ControllerClient {
  readonly #transport: Transport
  readonly #host: ControllerHost
  readonly #leaderId: () => number | null
  readonly #processOf: (nodeId: number) => Uuid | undefined
  readonly #nodeId: number
  readonly #pending = new Map<number, Pending>()
  #nextRequestId: number

  constructor(options: {
    readonly transport: Transport
    readonly host: ControllerHost
    readonly nodeId: number
    readonly leaderId: () => number | null
    /** The process that what is sent to a node reaches now; undefined: none, or this one. */
    readonly processOf: (nodeId: number) => Uuid | undefined
    readonly firstRequestId?: number
  }) {
    this.#transport = options.transport
    this.#host = options.host
    this.#nodeId = options.nodeId
    this.#leaderId = options.leaderId
    this.#processOf = options.processOf
    this.#nextRequestId = options.firstRequestId ?? 1
  }

  /** `timeoutMs` null: repeated until answered or cancelled. */
  request(command: ControllerCommand, timeoutMs: number | null, done: (reply: ControllerReply) => void): CommandHandle {
    const ticksLeft = timeoutMs === null ? undefined : Math.max(1, Math.ceil(timeoutMs / TICK_MS))
    const pending: Pending = { requestId: this.#nextRequestId++, command, done, ticksLeft, ticksUntilSend: 0, asked: undefined }
    this.#pending.set(pending.requestId, pending)
    this.#send(pending)
    return { cancel: () => this.#pending.delete(pending.requestId) }
  }

  tick(): void {
    for (const pending of [...this.#pending.values()]) {
      if (!this.#isPending(pending)) continue
      if (pending.ticksLeft !== undefined && --pending.ticksLeft <= 0) this.#end(pending, timedOut)
      else if (--pending.ticksUntilSend <= 0) this.#send(pending)
    }
  }

  /** A leader became known or can be reached again, or the controller here became active: what waits goes there now. */
  controllerChanged(): void {
    for (const pending of [...this.#pending.values()]) if (this.#isPending(pending)) this.#send(pending)
  }

  reply(requestId: number, reply: ControllerReply): void {
    const pending = this.#pending.get(requestId)
    if (pending === undefined) return
    const isRefused = reply.type === 'error' && (reply.code === 'NOT_CONTROLLER' || reply.code === 'THROTTLING_QUOTA_EXCEEDED')
    if (!isRefused || (pending.asked !== undefined && !reply.definite)) {
      this.#end(pending, reply)
      return
    }
    if (pending.asked !== undefined) this.#renew(pending)
    pending.ticksUntilSend = RETRY_TICKS
  }

  /** Whoever hears the outcome of one may cancel another. */
  #isPending(pending: Pending): boolean {
    return this.#pending.get(pending.requestId) === pending
  }

  #end(pending: Pending, reply: ControllerReply): void {
    this.#pending.delete(pending.requestId)
    pending.done(reply)
  }

  /** Whoever refused the first copy refuses every other one: it takes another id. */
  #renew(pending: Pending): void {
    this.#pending.delete(pending.requestId)
    pending.requestId = this.#nextRequestId++
    pending.asked = undefined
    this.#pending.set(pending.requestId, pending)
  }

  #send(pending: Pending): void {
    const leaderId = this.#leaderId()
    pending.ticksUntilSend = leaderId === null ? RETRY_TICKS : RESEND_TICKS
    if (leaderId === null || (isOnceOnly(pending.command) && !this.#mayAsk(pending, leaderId))) return
    const { requestId, command } = pending
    if (leaderId === this.#nodeId) this.#host.submit(command, (reply) => this.reply(requestId, reply))
    else this.#transport.send(leaderId, { type: 'command', requestId, command })
  }

  /** False: it is not sent now, or has come to its end. */
  #mayAsk(pending: Pending, leaderId: number): boolean {
    const { asked } = pending
    if (asked !== undefined && asked.nodeId !== leaderId) {
      this.#end(pending, askedAnother)
      return false
    }
    const incarnationId = leaderId === this.#nodeId ? null : this.#processOf(leaderId)
    if (incarnationId === undefined) return false
    if (asked === undefined) {
      pending.asked = { nodeId: leaderId, incarnationId }
      return true
    }
    if (asked.incarnationId !== incarnationId) this.#end(pending, askedAnother)
    // This process answers always: it needs no second copy.
    return asked.incarnationId === incarnationId && incarnationId !== null
  }
}
