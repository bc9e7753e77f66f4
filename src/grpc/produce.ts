import type { ProduceRequest, ProduceResponse } from '../wire/api.ts'
import { decodeProduceRequest, encodeProduceReplies } from '../wire/produce-codec.ts'
import { MAX_CLIENT_ELEMENTS } from '../wire/services.ts'
import { counted, GatheringWriter } from '../wire/stream-writer.ts'
import { checkPartitions, checkRange, MAX_TIMEOUT_MS } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { ReadGate } from './read-gate.ts'
import { runStream, type StreamCall } from './stream-call.ts'

/** Replies that wait for a client that does not read them: beyond it nothing more is read from it. */
const MAX_HELD_REPLY_BYTES = 1024 * 1024
const MAX_REPLIES_BYTES = 256 * 1024
/** About what one partition's reply takes, its error detail included. */
const REPLY_BYTES = 64

/**
 * Broker.Produce. The stream is not read while the node holds more bytes of produce than rules 8 allow, nor while the client lets its replies
 * pile up. When the client half-closes, what is outstanding is still answered.
 */
export function produce(context: ListenerContext): (call: StreamCall) => void {
  return (call) => {
    const session = context.broker.openSession()
    const gate = new ReadGate(call)
    let outstanding = 0
    let halfClosed = false
    const endWhenDone = (): void => {
      if (halfClosed && outstanding === 0 && writer.heldBytes === 0) call.end()
    }
    const writer = new GatheringWriter<ProduceResponse>({
      sink: counted(call, context.traffic),
      encode: encodeProduceReplies,
      sizeOf: (response) => REPLY_BYTES * (1 + response.partitions.length),
      maxMessageBytes: MAX_REPLIES_BYTES,
      onWritten: () => {
        if (writer.heldBytes <= MAX_HELD_REPLY_BYTES / 2) gate.release('replies')
        endWhenDone()
      },
    })
    const reply = (response: ProduceResponse): void => {
      outstanding -= 1
      writer.add(response)
      if (writer.heldBytes > MAX_HELD_REPLY_BYTES) gate.hold('replies')
    }
    const holdWhilePaused = (): void => {
      if (!session.paused || gate.isHeldFor('budget')) return
      gate.hold('budget')
      session.onResume(() => gate.release('budget'))
    }
    // Before its first message too: who comes again and again would bring one past the limit each time.
    holdWhilePaused()
    call.on('end', () => {
      halfClosed = true
      endWhenDone()
    })
    runStream(context, call, 'Produce', {
      received(bytes) {
        const request = decodeProduceRequest(bytes, MAX_CLIENT_ELEMENTS)
        check(request)
        if (request.acks !== 0) outstanding += 1
        session.produce(request, reply)
        holdWhilePaused()
      },
      ended: () => session.close(),
    })
  }
}

/** The shape alone: acks and batches are the Broker's to judge, a partition each. */
function check(request: ProduceRequest): void {
  checkRange('request_id', request.requestId, 0, Number.MAX_SAFE_INTEGER)
  checkRange('timeout_ms', request.timeoutMs, 0, MAX_TIMEOUT_MS)
  checkPartitions(request.partitions)
}
