import { describe, expect, it } from 'vitest'
import { HeldMessages } from '../../../chaos/sim/held-messages.ts'
import type { PeerMessage } from '../../../src/wire/peer.ts'

const ask = (requestId: number): PeerMessage => ({ type: 'describeQuorum', requestId })

describe('messages that are held', () => {
  const setUp = () => {
    const messages = new HeldMessages()
    const sent: number[] = []
    const send = (to: number, requestId: number): void => messages.send(1, to, ask(requestId), () => sent.push(requestId))
    return { messages, sent, send }
  }

  it('go at once when no filter meets them', () => {
    const { messages, sent, send } = setUp()
    const hold = messages.hold((_, to) => to === 3)
    send(2, 7)
    expect([sent, hold.hits]).toEqual([[7], 0])
  })

  it('wait until they are released, then go in their order, and nothing waits any more', () => {
    const { messages, sent, send } = setUp()
    const hold = messages.hold((from, to) => from === 1 && to === 3)
    send(3, 1)
    send(2, 2)
    send(3, 3)
    expect([sent, hold.hits]).toEqual([[2], 2])
    hold.release()
    send(3, 4)
    expect(sent).toEqual([2, 1, 3, 4])
  })

  it('come twice when a copy goes before', () => {
    const { messages, sent, send } = setUp()
    const hold = messages.hold(() => true)
    send(2, 1)
    hold.sendCopies()
    send(2, 2)
    expect(sent).toEqual([1])
    hold.release()
    expect(sent).toEqual([1, 1, 2])
  })

  it('are lost when they are dropped, and what comes later is not', () => {
    const { messages, sent, send } = setUp()
    const hold = messages.hold(() => true)
    send(2, 1)
    hold.drop()
    send(2, 2)
    expect(sent).toEqual([2])
  })
})
