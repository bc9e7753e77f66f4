import type { Uuid } from '../base/ids.ts'
import type { ControllerReply } from '../controller/commands.ts'
import type { PeerMessage } from '../wire/peer.ts'
import type { ControllerHost } from './controller-host.ts'
import { isOnceOnly } from './once-only.ts'
import type { Transport } from './transport.ts'

/** Replies that are kept of a process: of more commands than that at a time none asks. */
const KEPT = 512
/** Processes of which replies are kept: what one has sent may come long after its end. */
const KEPT_PROCESSES = 256

const forgotten: ControllerReply = {
  type: 'error',
  code: 'REQUEST_TIMED_OUT',
  message: 'a copy of this came before, and what became of it is not known any more',
  definite: false,
}

type CommandMessage = Extract<PeerMessage, { readonly type: 'command' }>

/** A process that asks. */
interface Sender {
  readonly nodeId: number
  readonly incarnationId: Uuid
}

/** What one process of a broker asked for that is decided once only. */
interface Asked {
  /** By request id, in the order of their coming; null: not known yet. */
  readonly replies: Map<number, ControllerReply | null>
  /** The greatest request id of which nothing is kept any more. */
  forgottenTo: number
}

/** The end of commands at a node that may be the active controller. A message may come twice: what is decided once only is answered again as it was. */
export class CommandServer {
  readonly #transport: Pick<Transport, 'send'>
  readonly #host: Pick<ControllerHost, 'submit'>
  readonly #asked = new Map<Uuid, Asked>()

  constructor(options: { readonly transport: Pick<Transport, 'send'>; readonly host: Pick<ControllerHost, 'submit'> }) {
    this.#transport = options.transport
    this.#host = options.host
  }

  received(from: Sender, { requestId, command }: CommandMessage): void {
    const send = (reply: ControllerReply): void => this.#transport.send(from.nodeId, { type: 'commandReply', requestId, reply })
    if (!isOnceOnly(command)) {
      this.#host.submit(command, send)
      return
    }
    const asked = this.#of(from.incarnationId)
    const known = requestId <= asked.forgottenTo ? forgotten : asked.replies.get(requestId)
    if (known !== undefined) {
      if (known !== null) send(known)
      return
    }
    asked.replies.set(requestId, null)
    forgetFirst(asked)
    this.#host.submit(command, (reply) => {
      if (asked.replies.has(requestId)) asked.replies.set(requestId, reply)
      send(reply)
    })
  }

  #of(incarnationId: Uuid): Asked {
    const known = this.#asked.get(incarnationId)
    if (known !== undefined) return known
    const asked = { replies: new Map<number, ControllerReply | null>(), forgottenTo: 0 }
    this.#asked.set(incarnationId, asked)
    const [oldest] = this.#asked.keys()
    if (this.#asked.size > KEPT_PROCESSES && oldest !== undefined) this.#asked.delete(oldest)
    return asked
  }
}

function forgetFirst(asked: Asked): void {
  for (const requestId of asked.replies.keys()) {
    if (asked.replies.size <= KEPT) return
    asked.replies.delete(requestId)
    asked.forgottenTo = Math.max(asked.forgottenTo, requestId)
  }
}
