import type { FetchRequest, FetchResponse } from '../wire/api.ts'
import { decodeFetchRequest, encodeFetchResponse } from '../wire/fetch-codec.ts'
import { MAX_CLIENT_ELEMENTS, MAX_DATA_BYTES } from '../wire/services.ts'
import { CountingWriter, counted } from '../wire/stream-writer.ts'
import { checkPartitions, checkRange, MAX_WAIT_MS } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { ReadGate } from './read-gate.ts'
import { runStream, type StreamCall } from './stream-call.ts'

/** What one stream may have asked for and not yet been sent; beyond it its next requests are not read. */
const MAX_AHEAD_BYTES = 16 * 1024 * 1024
/** What a request holds here while it waits, however few bytes it asks for. */
const REQUEST_BYTES = 2048
const PARTITION_BYTES = 256

/**
 * Broker.Fetch. A client that asks but does not read holds its own stream back: each request reserves its max_bytes until it is answered, or
 * what it holds itself where that is more; each answer reserves its bytes until they left.
 */
export function fetch(context: ListenerContext): (call: StreamCall) => void {
  return (call) => {
    const session = context.broker.openSession()
    const gate = new ReadGate(call)
    let reservedBytes = 0
    let outstanding = 0
    let halfClosed = false
    const judge = (): void => {
      if (reservedBytes + writer.unsentBytes >= MAX_AHEAD_BYTES) gate.hold('ahead')
      else gate.release('ahead')
      if (halfClosed && outstanding === 0 && writer.unsentBytes === 0) call.end()
    }
    const writer = new CountingWriter(counted(call, context.traffic), judge)
    call.on('end', () => {
      halfClosed = true
      judge()
    })
    runStream(context, call, 'Fetch', {
      received(bytes) {
        const request = bounded(decodeFetchRequest(bytes, MAX_CLIENT_ELEMENTS))
        const reserved = Math.max(request.maxBytes, REQUEST_BYTES + PARTITION_BYTES * request.partitions.length)
        reservedBytes += reserved
        outstanding += 1
        session.fetch(request, (response: FetchResponse) => {
          reservedBytes -= reserved
          outstanding -= 1
          writer.write(encodeFetchResponse(response))
          judge()
        })
        judge()
      },
      ended: () => session.close(),
    })
  }
}

/** Checks the shape, and holds the answer within what one data message may have. Throws INVALID_REQUEST. */
function bounded(request: FetchRequest): FetchRequest {
  checkRange('request_id', request.requestId, 0, Number.MAX_SAFE_INTEGER)
  checkRange('max_wait_ms', request.maxWaitMs, 0, MAX_WAIT_MS)
  checkRange('min_bytes', request.minBytes, 0, Number.MAX_SAFE_INTEGER)
  checkRange('max_bytes', request.maxBytes, 0, Number.MAX_SAFE_INTEGER)
  checkPartitions(request.partitions)
  for (const { maxBytes } of request.partitions) checkRange('max_bytes of a partition', maxBytes, 0, Number.MAX_SAFE_INTEGER)
  return request.maxBytes <= MAX_DATA_BYTES ? request : { ...request, maxBytes: MAX_DATA_BYTES }
}
