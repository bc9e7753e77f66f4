import { fetchRecordsRequestCodec, fetchRecordsResponseCodec } from '../wire/plain-codec.ts'
import { checkRange, MAX_WAIT_MS } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { sessionUnary, type UnaryHandler } from './unary.ts'

const MAX_INT32 = 2_147_483_647

/** Broker.FetchRecords */
export function fetchRecords(context: ListenerContext): UnaryHandler {
  return sessionUnary(context, {
    request: fetchRecordsRequestCodec,
    response: fetchRecordsResponseCodec,
    answer(session, request, done) {
      checkRange('partition', request.partition, 0, MAX_INT32)
      checkRange('offset', request.offset, -2, Number.MAX_SAFE_INTEGER)
      checkRange('max_wait_ms', request.maxWaitMs, 0, MAX_WAIT_MS)
      checkRange('min_bytes', request.minBytes, 0, MAX_INT32)
      checkRange('max_bytes', request.maxBytes, 0, MAX_INT32)
      checkRange('max_records', request.maxRecords, 0, MAX_INT32)
      session.fetchRecords(request, done)
    },
  })
}
