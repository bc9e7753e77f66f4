import type { ControllerCommand, ControllerReply } from '../controller/commands.ts'
import type { ControllerHost } from './controller-host.ts'
import { TICK_MS } from './ticks.ts'
import type { Transport } from './transport.ts'

/** Ticks after which an unanswered command is sent again: commands may be repeated (each says what it belongs to). */
const RESEND_TICKS = 20
/** Ticks before a command is tried again that no active controller took. */
const RETRY_TICKS = 1

export interface CommandHandle {
  /** Forgets the command: it is not repeated, its answer is not wanted. */
  cancel(): void
}

interface Pending {
  readonly command: ControllerCommand
  readonly done: (reply: ControllerReply) => void
  /** Ticks until it is given up; undefined: never. */
  ticksLeft: number | undefined
  ticksUntilSend: number
}

const timedOut: ControllerReply = { type: 'error', code: 'REQUEST_TIMED_OUT', message: 'the active controller did not answer in time', definite: false }

/**
 * Brings a broker's commands to the active controller, wherever it is: repeats them until they are answered, follows a change of
 * controller at once. A command that ran out of time is indefinite.
 */
export class ControllerClient {
  readonly #transport: Transport
  readonly #host: ControllerHost
  readonly #leaderId: () => number | null
  readonly #nodeId: number
  readonly #pending = new Map<number, Pending>()
  #nextRequestId: number

  constructor(options: {
    readonly transport: Transport
    readonly host: ControllerHost
    readonly nodeId: number
    readonly leaderId: () => number | null
    readonly firstRequestId?: number
  }) {
    this.#transport = options.transport
    this.#host = options.host
    this.#nodeId = options.nodeId
    this.#leaderId = options.leaderId
    this.#nextRequestId = options.firstRequestId ?? 1
  }

  /** `timeoutMs` null: repeated until answered or cancelled. */
  request(command: ControllerCommand, timeoutMs: number | null, done: (reply: ControllerReply) => void): CommandHandle {
    const requestId = this.#nextRequestId++
    const ticksLeft = timeoutMs === null ? undefined : Math.max(1, Math.ceil(timeoutMs / TICK_MS))
    this.#pending.set(requestId, { command, done, ticksLeft, ticksUntilSend: 0 })
    this.#send(requestId)
    return { cancel: () => this.#pending.delete(requestId) }
  }

  tick(): void {
    for (const [requestId, pending] of [...this.#pending]) {
      if (pending.ticksLeft !== undefined && --pending.ticksLeft <= 0) {
        this.#pending.delete(requestId)
        pending.done(timedOut)
      } else if (--pending.ticksUntilSend <= 0) this.#send(requestId)
    }
  }

  /** A leader became known or can be reached again, or the controller here became active: what waits goes there now. */
  controllerChanged(): void {
    for (const requestId of [...this.#pending.keys()]) this.#send(requestId)
  }

  reply(requestId: number, reply: ControllerReply): void {
    const pending = this.#pending.get(requestId)
    if (pending === undefined) return
    if (reply.type === 'error' && (reply.code === 'NOT_CONTROLLER' || reply.code === 'THROTTLING_QUOTA_EXCEEDED')) {
      pending.ticksUntilSend = RETRY_TICKS
      return
    }
    this.#pending.delete(requestId)
    pending.done(reply)
  }

  #send(requestId: number): void {
    const pending = this.#pending.get(requestId)
    if (pending === undefined) return
    const leaderId = this.#leaderId()
    pending.ticksUntilSend = leaderId === null ? RETRY_TICKS : RESEND_TICKS
    if (leaderId === null) return
    if (leaderId === this.#nodeId) this.#host.submit(pending.command, (reply) => this.reply(requestId, reply))
    else this.#transport.send(leaderId, { type: 'command', requestId, command: pending.command })
  }
}
