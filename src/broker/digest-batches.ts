import { crc32c } from '../base/crc32c.ts'
import type { DoneVoid } from '../base/done.ts'
import { BrokerError, codeOf } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import { call, type Task } from '../base/task.ts'
import type { StoredBatches } from '../log/surface.ts'
import { readBatchHeader } from '../record/batch.ts'
import type { BatchDigest, BatchDigests, DigestBatchesRequest } from '../wire/api.ts'
import type { Replica } from './replica.ts'

export interface DigestContext {
  readonly find: (topicId: Uuid, partition: number) => Replica | undefined
  readonly knowsTopic: (topicId: Uuid) => boolean
  /** The data folder of the replica, as an operator knows it. */
  readonly folderOf: (replica: Replica) => string
  readonly readFailed: (replica: Replica, error: Error) => void
  /** Asks that it may leave the ISR; an error: it may not, and goes on serving (leave-isr.ts). */
  readonly leave: (replica: Replica, done: DoneVoid) => void
}

/**
 * Digests of the batches that this node's disk has of a replica, from the one that holds the offset on, below its high watermark and its synced end. There
 * all replicas hold the same bytes (rules I1, I2), batch by batch, whoever leads. A bad batch makes the replica damaged (R3.3), unless it is needed: nobody was
 * going to be served it, and who looks for damage on all replicas must not take the last ones out of service.
 */
export function* digestBatches(context: DigestContext, request: DigestBatchesRequest): Task<BatchDigests> {
  const { topicId, partition, maxBytes } = request
  const replica = context.find(topicId, partition)
  if (replica === undefined) {
    if (context.knowsTopic(topicId)) throw new BrokerError('NOT_LEADER_OR_FOLLOWER', 'this node holds no replica of the partition')
    throw new BrokerError('UNKNOWN_TOPIC_ID', `no topic has the id ${topicId}`)
  }
  for (;;) {
    if (replica.dead || replica.core.role === 'offline') {
      const { reason } = replica.trouble ?? { reason: 'the node is stopping' }
      throw new BrokerError('KAFKA_STORAGE_ERROR', `the replica is offline on this node: ${reason}`)
    }
    const { core, log } = replica
    const logStartOffset = Math.max(core.logStartOffset, log.startOffset)
    const comparable = Math.min(core.highWatermark, log.syncedEndOffset)
    const offset = Math.max(request.startOffset, logStartOffset)
    const endOffset = Math.min(request.endOffset, comparable)
    const none = { logStartOffset, endOffset: comparable, file: '', position: 0, digests: [], nextOffset: offset, fault: null }
    if (offset >= endOffset) return none
    try {
      const stored = yield* call<StoredBatches>((done) => log.readStored({ offset, endOffset, maxBytes }, done))
      const fault = stored.fault === null ? null : `${stored.fault.detail}; ${yield* noteBad(context, replica, stored.fault)}`
      const digests = digestsOf(stored.bytes).filter(({ lastOffset }) => lastOffset < comparable)
      const last = digests.at(-1)
      const file = `${context.folderOf(replica)}/${stored.path}`
      const nextOffset = last === undefined ? offset : last.lastOffset + 1
      return { ...none, file, position: stored.position, digests, nextOffset, fault }
    } catch (error) {
      // The start moved on meanwhile: from there, then.
      if (error instanceof BrokerError && error.code === 'OFFSET_OUT_OF_RANGE' && log.startOffset > offset) continue
      if (error instanceof BrokerError) yield* noteBad(context, replica, error)
      throw error
    }
  }
}

/** Answers how the replica goes on, as part of a sentence. */
function* noteBad(context: DigestContext, replica: Replica, error: BrokerError): Task<string> {
  const refusal = yield* call<Error | undefined>((done) => context.leave(replica, (refused) => done(undefined, refused)))
  if (refusal === undefined) {
    context.readFailed(replica, error)
    return 'it serves nothing any more'
  }
  const why = codeOf(refusal) === 'NOT_ENOUGH_REPLICAS' ? 'without it fewer than min.insync.replicas would be in sync' : `it may not leave: ${refusal.message}`
  const goesOn = `it goes on serving, for ${why}`
  replica.logger.error({ error: error.message }, `replica found bad by an audit: ${error.message}; ${goesOn}`)
  return goesOn
}

function digestsOf(bytes: Buffer): BatchDigest[] {
  const digests: BatchDigest[] = []
  for (let at = 0; at < bytes.length; at += digests.at(-1)?.sizeBytes ?? 0) {
    const { baseOffset, lastOffset, leaderEpoch, sizeBytes } = readBatchHeader(bytes, at)
    digests.push({ baseOffset, lastOffset, leaderEpoch, sizeBytes, checksum: crc32c(bytes.subarray(at, at + sizeBytes)) })
  }
  return digests
}
