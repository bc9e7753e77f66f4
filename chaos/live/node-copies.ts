import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BATCH_HEADER_BYTES, hasValidCrc, peekBatchSize, readBatchHeader } from '../../src/record/batch.ts'
import { visitRecords } from '../../src/record/records.ts'
import { parseSegmentFileName } from '../../src/log/segment.ts'
import type { TopicInfo } from '../../src/wire/api.ts'
import type { Copies, NodeCopy } from '../workload/node-copy.ts'
import type { Place } from '../workload/places.ts'

/** The copies of partitions, read from the folders of their nodes once nothing is written any more: nobody is asked. */
export class NodeCopies implements Copies {
  readonly #topics: ReadonlyMap<string, TopicInfo>
  readonly #dataDir: (node: number) => string

  constructor(topics: readonly TopicInfo[], dataDir: (node: number) => string) {
    this.#topics = new Map(topics.map((topic) => [topic.name, topic]))
    this.#dataDir = dataDir
  }

  of({ topic, partition }: Place): NodeCopy[] {
    const replicas = this.#topics.get(topic)?.partitions.find((one) => one.partition === partition)?.replicas ?? []
    return replicas.map((node) => ({ node, ...readLog(join(this.#dataDir(node), 'partitions', `${topic}-${partition}`)) }))
  }
}

/** A node may find damage only when it reads what is damaged: so a copy may have some, and still keep every promise. */
function readLog(folder: string): Omit<NodeCopy, 'node'> {
  const records: [number, Buffer | null][] = []
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => parseSegmentFileName(name) !== undefined) : []
  let end: number | undefined
  for (const name of names.sort()) {
    const bytes = readFileSync(join(folder, name))
    for (let at = 0; at < bytes.length; ) {
      const size = peekBatchSize(bytes, at) ?? 0
      const batch = bytes.subarray(at, at + size)
      const isWhole = size >= BATCH_HEADER_BYTES && batch.length === size && hasValidCrc(batch)
      const header = isWhole ? readBatchHeader(batch, 0) : undefined
      if (header === undefined || header.baseOffset !== (end ?? header.baseOffset)) return { records, damage: `${name} is damaged at byte ${at}` }
      visitRecords(batch, header, (offset, _, _key, value) => void records.push([offset, value]))
      end = header.lastOffset + 1
      at += size
    }
  }
  return { records, damage: undefined }
}
