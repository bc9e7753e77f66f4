import { describe, expect, it } from 'vitest'
import type { ControllerCommand, ControllerReply } from '../../src/controller/commands.ts'
import { CommandServer } from '../../src/runtime/command-server.ts'

const onceOnly: ControllerCommand = { type: 'alterMaintenance', nodeId: 4, maintenance: true }
const done: ControllerReply = { type: 'done' }
const from = { nodeId: 2, incarnationId: 'a' }

class Desk {
  readonly decided: ((reply: ControllerReply) => void)[] = []
  readonly sent: { readonly to: number; readonly requestId: number; readonly reply: ControllerReply }[] = []
  readonly server = new CommandServer({
    host: { submit: (_, answer) => void this.decided.push(answer) },
    transport: {
      send: (to, message) => {
        if (message.type === 'commandReply') this.sent.push({ to, requestId: message.requestId, reply: message.reply })
      },
    },
  })

  ask(requestId: number, sender = from, command = onceOnly): void {
    this.server.received(sender, { type: 'command', requestId, command })
  }
}

describe('CommandServer', () => {
  it('decides one copy of what is decided once only, and answers each as that was', () => {
    const desk = new Desk()
    desk.ask(7)
    desk.ask(7)
    expect([desk.decided.length, desk.sent.length]).toEqual([1, 0])
    desk.decided[0]?.(done)
    desk.ask(7)
    expect(desk.decided).toHaveLength(1)
    expect(desk.sent).toEqual(Array.from({ length: 2 }, () => ({ to: 2, requestId: 7, reply: done })))
    // Another process may use the same number.
    desk.ask(7, { nodeId: 2, incarnationId: 'b' })
    desk.ask(7, { nodeId: 3, incarnationId: 'c' })
    expect(desk.decided).toHaveLength(3)
    // What a process has sent may come after its end, and after its successor was heard.
    desk.ask(7)
    expect(desk.decided).toHaveLength(3)
  })

  it('decides anew what says by itself what it belongs to', () => {
    const desk = new Desk()
    const command: ControllerCommand = { type: 'allocateProducerIds', count: 10 }
    desk.ask(7, from, command)
    desk.ask(7, from, command)
    expect(desk.decided).toHaveLength(2)
  })

  it('keeps so many replies, and says of older ones that it does not know (R1.3)', () => {
    const desk = new Desk()
    for (let requestId = 1; requestId <= 600; requestId++) {
      desk.ask(requestId)
      desk.decided.at(-1)?.(done)
    }
    desk.ask(1)
    expect(desk.sent.at(-1)).toMatchObject({ requestId: 1, reply: { type: 'error', definite: false } })
    desk.ask(600)
    expect(desk.sent.at(-1)).toMatchObject({ requestId: 600, reply: done })
    expect(desk.decided).toHaveLength(600)
  })
})
