import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BATCH_HEADER_BYTES, hasValidCrc, peekBatchSize, readBatchHeader } from '../../src/record/batch.ts'
import { visitRecords } from '../../src/record/records.ts'
import { decodeLogStart, LOG_START_NOTE } from '../../src/log/log-start.ts'
import { parseSegmentFileName } from '../../src/log/segment.ts'
import type { TopicInfo } from '../../src/wire/api.ts'
import type { Copies, NodeCopy } from '../workload/node-copy.ts'
import type { Place } from '../workload/places.ts'

/** The copies of partitions, read from the folders of their nodes once nothing is written any more: nobody is asked. */
export class NodeCopies implements Copies {
  readonly #topics: ReadonlyMap<string, TopicInfo>
  readonly #dataDir: (node: number) => string
  readonly #hurt: ReadonlySet<number>

  /** `hurt`: nodes whose files a fault has damaged; what is missing in the middle of one of theirs is damage, and else the node's own doing. */
  constructor(topics: readonly TopicInfo[], dataDir: (node: number) => string, hurt: ReadonlySet<number>) {
    this.#topics = new Map(topics.map((topic) => [topic.name, topic]))
    this.#dataDir = dataDir
    this.#hurt = hurt
  }

  of({ topic, partition }: Place): NodeCopy[] {
    const replicas = this.#topics.get(topic)?.partitions.find((one) => one.partition === partition)?.replicas ?? []
    return replicas.map((node) => {
      const isHurt = this.#hurt.has(node)
      const { records, damage } = readLog(join(this.#dataDir(node), 'partitions', `${topic}-${partition}`), isHurt)
      return { node, records, damage: damage === undefined ? undefined : { text: damage, isExplained: isHurt } }
    })
  }
}

/** A node may find damage only when it reads what is damaged: so a copy may have some, and still keep every promise. */
function readLog(folder: string, isHurt: boolean): { readonly records: NodeCopy['records']; readonly damage: string | undefined } {
  const records: [number, Buffer | null][] = []
  const first = existsSync(folder) ? firstSegment(folder) : 0
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => (parseSegmentFileName(name) ?? -1) >= first) : []
  let end: number | undefined
  for (const name of names.sort()) {
    const bytes = readFileSync(join(folder, name))
    for (let at = 0; at < bytes.length; ) {
      const size = peekBatchSize(bytes, at) ?? 0
      const batch = bytes.subarray(at, at + size)
      const isWhole = size >= BATCH_HEADER_BYTES && batch.length === size && hasValidCrc(batch)
      const header = isWhole ? readBatchHeader(batch, 0) : undefined
      if (header === undefined || header.baseOffset < (end ?? 0)) return { records, damage: `${name} is damaged at byte ${at}` }
      if (isHurt && header.baseOffset > (end ?? header.baseOffset))
        return { records, damage: `${name} goes on with ${header.baseOffset} at byte ${at}, not ${end}` }
      visitRecords(batch, header, (offset, _, _key, value) => void records.push([offset, value]))
      end = header.lastOffset + 1
      at += size
    }
  }
  return { records, damage: undefined }
}

/** Files that begin below are left over of what the log let go of. */
function firstSegment(folder: string): number {
  const path = join(folder, LOG_START_NOTE)
  const found = existsSync(path) ? decodeLogStart(readFileSync(path)) : 'unreadable'
  return found === 'unreadable' ? 0 : found.start.baseOffset
}
