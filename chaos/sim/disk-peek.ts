import type { Log } from '../../src/log/surface.ts'
import { BATCH_HEADER_BYTES, peekBatchSize, readBatchHeader } from '../../src/record/batch.ts'
import type { LogPeek } from '../check/log-mirror.ts'
import type { SimDisk } from './disk.ts'

const PEEK_BYTES = 1_048_576

/** Reads a log for the checkers: from its tail cache, else from what its disk holds for sure. No event of the simulation comes of it. */
export function peekThrough(diskOf: (logName: string) => SimDisk): LogPeek {
  return (log, offset) => {
    const cached = log.readCached(offset, PEEK_BYTES)
    if (cached !== undefined && cached.length > 0) return cached
    return offset < log.endOffset ? readFiles(diskOf(log.name), log, offset) : []
  }
}

function readFiles(disk: SimDisk, log: Log, offset: number): readonly Buffer[] | undefined {
  const segments = disk.durableNames(log.name).filter((name) => name.endsWith('.log') && Number(name.slice(0, -4)) <= offset)
  const last = segments.sort().at(-1)
  const content = last === undefined ? undefined : disk.durableContent(`${log.name}/${last}`)
  if (content === undefined) return undefined
  for (let at = 0; at < content.length; ) {
    const sizeBytes = peekBatchSize(content, at)
    if (sizeBytes === undefined || sizeBytes < BATCH_HEADER_BYTES || at + sizeBytes > content.length) return undefined
    const header = readBatchHeader(content, at)
    if (header.lastOffset >= offset) return header.baseOffset <= offset ? wholeBatches(content, at) : undefined
    at += sizeBytes
  }
  return undefined
}

/** Without what is not a whole batch at the end. */
function wholeBatches(content: Buffer, from: number): readonly Buffer[] {
  let at = from
  for (;;) {
    const sizeBytes = peekBatchSize(content, at)
    if (sizeBytes === undefined || sizeBytes < BATCH_HEADER_BYTES || at + sizeBytes > content.length) break
    at += sizeBytes
  }
  return [content.subarray(from, at)]
}
