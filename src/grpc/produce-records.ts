import { produceRecordsRequestCodec, produceRecordsResponseCodec } from '../wire/plain-codec.ts'
import { MAX_DATA_BYTES } from '../wire/services.ts'
import { checkRange, MAX_TIMEOUT_MS } from './checks.ts'
import type { ListenerContext } from './context.ts'
import { sessionUnary, type UnaryHandler } from './unary.ts'

const MAX_RECORDS = 10_000
const MAX_PARTITION = 2_147_483_647

/** Broker.ProduceRecords */
export function produceRecords(context: ListenerContext): UnaryHandler {
  return sessionUnary(context, {
    request: produceRecordsRequestCodec,
    response: produceRecordsResponseCodec,
    maxRequestBytes: MAX_DATA_BYTES,
    answer(session, request, done) {
      checkRange('partition', request.partition ?? -1, -1, MAX_PARTITION)
      checkRange('timeout_ms', request.timeoutMs, 0, MAX_TIMEOUT_MS)
      checkRange('the number of records', request.records.length, 1, MAX_RECORDS)
      session.produceRecords(request, done)
    },
  })
}
