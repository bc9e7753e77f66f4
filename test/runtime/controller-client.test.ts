import { describe, expect, it } from 'vitest'
import type { ControllerCommand, ControllerReply } from '../../src/controller/commands.ts'
import { ControllerClient } from '../../src/runtime/controller-client.ts'
import type { ControllerHost } from '../../src/runtime/controller-host.ts'
import type { Transport } from '../../src/runtime/transport.ts'
import type { PeerMessage } from '../../src/wire/peer.ts'

const command: ControllerCommand = { type: 'allocateProducerIds', count: 10 }
/** What an operator asks: no copy of it may be decided twice. */
const onceOnly: ControllerCommand = { type: 'alterMaintenance', nodeId: 4, maintenance: true }
const done: ControllerReply = { type: 'done' }

function refusal(definite: boolean): ControllerReply {
  return { type: 'error', code: 'NOT_CONTROLLER', message: 'not here', definite }
}

class Desk {
  leaderId: number | null = 2
  readonly processes = new Map([
    [2, 'a'],
    [3, 'b'],
  ])
  readonly sent: { readonly to: number; readonly requestId: number }[] = []
  readonly submitted: ((reply: ControllerReply) => void)[] = []
  readonly replies: ControllerReply[] = []
  readonly client: ControllerClient

  constructor(firstRequestId?: number) {
    const send = (to: number, message: PeerMessage): void => {
      if (message.type === 'command') this.sent.push({ to, requestId: message.requestId })
    }
    const submit = (_: ControllerCommand, answer: (reply: ControllerReply) => void): void => void this.submitted.push(answer)
    this.client = new ControllerClient({
      transport: { send } as unknown as Transport,
      host: { submit } as unknown as ControllerHost,
      nodeId: 1,
      leaderId: () => this.leaderId,
      processOf: (nodeId) => this.processes.get(nodeId),
      ...(firstRequestId !== undefined && { firstRequestId }),
    })
  }

  ask(timeoutMs: number | null, what = command): { cancel(): void } {
    return this.client.request(what, timeoutMs, (reply) => this.replies.push(reply))
  }

  tick(count: number): void {
    for (let at = 0; at < count; at++) this.client.tick()
  }
}

describe('controller client', () => {
  it('repeats what is not answered, under the same id, and answers once', () => {
    const desk = new Desk()
    desk.ask(null)
    desk.tick(60)
    expect(desk.sent.length).toBeGreaterThan(2)
    expect(new Set(desk.sent.map(({ requestId }) => requestId)).size).toBe(1)
    desk.client.reply(1, done)
    desk.client.reply(1, done)
    expect(desk.replies).toEqual([done])
    const sent = desk.sent.length
    desk.tick(60)
    expect(desk.sent).toHaveLength(sent)
  })

  it('follows the active controller at once, also when that is this node', () => {
    const desk = new Desk()
    desk.leaderId = null
    desk.ask(null)
    expect(desk.sent).toEqual([])
    desk.leaderId = 3
    desk.client.controllerChanged()
    expect(desk.sent).toEqual([{ to: 3, requestId: 1 }])
    desk.leaderId = 1
    desk.client.controllerChanged()
    desk.submitted[0]?.(done)
    expect(desk.replies).toEqual([done])
  })

  it('asks again where no controller was, whether it is sure or not, and says only at the end that it does not know (R1.3)', () => {
    const desk = new Desk()
    desk.ask(500)
    desk.client.reply(1, refusal(true))
    desk.tick(1)
    desk.client.reply(1, refusal(false))
    desk.tick(1)
    expect([desk.sent.length, desk.replies.length]).toEqual([3, 0])
    desk.tick(8)
    expect(desk.replies).toEqual([expect.objectContaining({ type: 'error', code: 'REQUEST_TIMED_OUT', definite: false })])
    desk.client.reply(1, done)
    expect(desk.replies).toHaveLength(1)
  })

  it('forgets what was cancelled', () => {
    const desk = new Desk()
    desk.ask(100).cancel()
    desk.tick(30)
    desk.client.reply(1, done)
    expect([desk.sent.length, desk.replies.length]).toEqual([1, 0])
  })

  it('forgets what is cancelled by whoever hears the outcome of another', () => {
    const desk = new Desk()
    let second: { cancel(): void } | undefined
    desk.client.request(command, 100, () => second?.cancel())
    second = desk.ask(100)
    desk.tick(5)
    expect([desk.sent.length, desk.replies.length]).toEqual([2, 0])
  })

  it('an answer to an earlier process of the node is not taken for its own', () => {
    const desk = new Desk(1_000_000)
    desk.ask(null)
    desk.client.reply(1, done)
    expect(desk.replies).toEqual([])
    desk.client.reply(1_000_000, done)
    expect(desk.replies).toEqual([done])
  })

  describe('with what is decided once only', () => {
    it('repeats it to the process that may have it, and to no other', () => {
      const desk = new Desk()
      desk.ask(null, onceOnly)
      desk.tick(25)
      desk.client.controllerChanged()
      expect(desk.sent).toEqual(Array.from({ length: 3 }, () => ({ to: 2, requestId: 1 })))
      desk.leaderId = null
      desk.tick(5)
      desk.leaderId = 2
      desk.processes.delete(2)
      desk.client.controllerChanged()
      expect([desk.sent.length, desk.replies.length]).toEqual([3, 0])
      desk.client.reply(1, done)
      expect(desk.replies).toEqual([done])
    })

    it.each<[string, (desk: Desk) => void]>([
      ['another node', (desk) => (desk.leaderId = 3)],
      ['this node', (desk) => (desk.leaderId = 1)],
      ['another process of the same node', (desk) => desk.processes.set(2, 'later')],
    ])('says that it does not know once the active controller is %s (R1.3)', (_, change) => {
      const desk = new Desk()
      desk.ask(null, onceOnly)
      change(desk)
      desk.client.controllerChanged()
      expect(desk.replies).toEqual([expect.objectContaining({ code: 'NOT_CONTROLLER', definite: false })])
      expect([desk.sent.length, desk.submitted.length]).toEqual([1, 0])
    })

    it('asks anew, under another id, who refused it for sure, and ends with whoever is not sure', () => {
      const desk = new Desk()
      desk.ask(null, onceOnly)
      desk.client.reply(1, refusal(true))
      desk.leaderId = 3
      desk.tick(1)
      expect(desk.sent).toEqual([
        { to: 2, requestId: 1 },
        { to: 3, requestId: 2 },
      ])
      desk.client.reply(1, done)
      expect(desk.replies).toEqual([])
      desk.client.reply(2, refusal(false))
      expect(desk.replies).toEqual([refusal(false)])
    })

    it('is sent once a controller can be reached, and decided once where that is this node', () => {
      const desk = new Desk()
      desk.processes.delete(2)
      desk.ask(null, onceOnly)
      expect(desk.sent).toEqual([])
      desk.leaderId = 1
      desk.client.controllerChanged()
      desk.tick(60)
      desk.client.controllerChanged()
      expect(desk.submitted).toHaveLength(1)
      desk.submitted[0]?.(refusal(true))
      desk.tick(1)
      desk.submitted[1]?.(done)
      expect(desk.replies).toEqual([done])
    })
  })
})
