import { applyEntries, type MetadataEntry } from '../../src/metadata/apply.ts'
import type { MetadataImage } from '../../src/metadata/image.ts'
import { loadCluster } from '../../src/node/config.ts'
import { brokerEntries, isrEntry, TOPIC_PARTITIONS, topicEntry } from './image-source.ts'
import { QuorumOfOne } from './quorum-of-one.ts'

/*
 * A process of its own that fills the folder of a voter: arguments are the cluster file, partitions and further decisions. Prints, as JSON, how long the
 * decisions took, and ends as a kill would.
 */
const UNDECIDED = 4_096
const A_TURN = 256

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Decides what follows from what was proposed, without waiting for each. */
class Writer {
  readonly #quorum: QuorumOfOne
  /** With all that was proposed. */
  ahead: MetadataImage

  constructor(quorum: QuorumOfOne) {
    this.#quorum = quorum
    this.ahead = quorum.image
  }

  async decide(entry: MetadataEntry): Promise<void> {
    while (this.ahead.offset - this.#quorum.image.offset > UNDECIDED || !this.#quorum.propose(entry.records)) await turn()
    this.ahead = applyEntries(this.ahead, [entry]).image
    if (this.ahead.offset % A_TURN === 0) await turn()
  }

  async settled(): Promise<void> {
    while (this.#quorum.image.offset < this.ahead.offset) await turn()
  }
}

async function main(path: string, partitions: number, decisions: number): Promise<void> {
  const [node] = (await loadCluster(path)).nodes
  if (node === undefined) throw new Error('the cluster file names a node')
  const quorum = await QuorumOfOne.open(node)
  while (quorum.image.clusterId === null) await turn()
  const writer = new Writer(quorum)
  for (const entry of brokerEntries(writer.ahead.offset)) await writer.decide(entry)
  for (let topic = 0; topic < partitions / TOPIC_PARTITIONS; topic++) await writer.decide(topicEntry(writer.ahead, topic))
  await writer.settled()
  const from = performance.now()
  for (let made = 0; made < decisions; made++) {
    const at = (made * 7919) % partitions
    await writer.decide(isrEntry(writer.ahead, Math.floor(at / TOPIC_PARTITIONS), at % TOPIC_PARTITIONS))
  }
  await writer.settled()
  const { offset } = quorum.image
  const written = { offset, tookMs: performance.now() - from, snapshotEndOffset: quorum.snapshotEndOffset }
  process.stdout.write(`${JSON.stringify(written)}\n`, () => process.exit(0))
}

const [path = '', partitions = '0', decisions = '0'] = process.argv.slice(2)
await main(path, Number(partitions), Number(decisions))
