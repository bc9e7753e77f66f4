import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../../src/base/errors.ts'
import { type AuditedPartition, type BatchDigest, type BatchDigests, type OffsetRange, PartitionAudit } from '../../../src/cli/audit/partition-audit.ts'

const BATCH_BYTES = 100

/** What one node's disk has: batches of two records, three of them a page. */
class FakeNode {
  readonly batches: BatchDigest[] = []
  logStartOffset = 0
  endOffset = 0
  /** Base offset of a batch that is bad. */
  bad = -1
  error: BrokerError | undefined
  asked = 0
  onAsk: (range: OffsetRange) => void = () => undefined

  constructor(count: number) {
    for (let at = 0; at < count; at++) this.add()
  }

  add(changes: Partial<BatchDigest> = {}): void {
    const baseOffset = this.endOffset
    this.batches.push({ baseOffset, lastOffset: baseOffset + 1, leaderEpoch: 0, sizeBytes: BATCH_BYTES, checksum: 7 * baseOffset, ...changes })
    this.endOffset = (this.batches.at(-1)?.lastOffset ?? -1) + 1
  }

  change(at: number, changes: Partial<BatchDigest>): void {
    this.batches[at] = { ...(this.batches[at] as BatchDigest), ...changes }
  }

  ask({ startOffset, endOffset }: OffsetRange): BatchDigests {
    this.asked++
    this.onAsk({ startOffset, endOffset })
    if (this.error !== undefined) throw this.error
    const from = Math.max(startOffset, this.logStartOffset)
    const isAsked = ({ baseOffset, lastOffset }: BatchDigest): boolean => lastOffset >= from && baseOffset < endOffset && lastOffset < this.endOffset
    const there = from < endOffset ? this.batches.filter(isAsked).slice(0, 3) : []
    const bad = there.findIndex(({ baseOffset }) => baseOffset === this.bad)
    const digests = bad === -1 ? there : there.slice(0, bad)
    const position = (digests[0]?.baseOffset ?? 0) * 50
    const nextOffset = (digests.at(-1)?.lastOffset ?? from - 1) + 1
    return { logStartOffset: this.logStartOffset, endOffset: this.endOffset, file: 'log', position, digests, nextOffset, fault: bad === -1 ? null : 'bad' }
  }
}

interface Setting {
  readonly isr?: readonly number[]
  readonly leader?: number
  readonly isInterrupted?: () => boolean
}

function audit(nodes: readonly FakeNode[], setting: Setting = {}): Promise<AuditedPartition> & { readonly paced: number[]; readonly slept: number[] } {
  const paced: number[] = []
  const slept: number[] = []
  const replicas = nodes.map((_, at) => at + 1)
  const { leader = 1, isr = replicas, isInterrupted = () => false } = setting
  const running = new PartitionAudit(
    { topic: 'orders', partition: 0, leader, replicas, isr },
    {
      ask: async (nodeId, range) => (nodes[nodeId - 1] as FakeNode).ask(range),
      sleep: async (ms) => void slept.push(ms),
      pace: async (bytes) => void paced.push(bytes),
      isInterrupted,
    },
  )
  return Object.assign(running.run(), { paced, slept })
}

function outcomes({ audited }: AuditedPartition): string[] {
  return (audited ?? []).map(({ outcome, comparedTo, reason }) => `${outcome} ${comparedTo}${reason === null ? '' : `: ${reason}`}`)
}

const offline = new BrokerError('KAFKA_STORAGE_ERROR', 'the replica is offline on this node: EIO')

describe('the audit of a partition', () => {
  it('compares every replica with the leader page by page, and paces itself by what each was read', async () => {
    const nodes = [new FakeNode(7), new FakeNode(7), new FakeNode(7)]
    const run = audit(nodes)
    const result = await run
    expect(result).toMatchObject({ startOffset: 0, endOffset: 14, batches: 7, bytes: 700, differences: [] })
    expect(outcomes(result)).toEqual(['agrees 14', 'agrees 14', 'agrees 14'])
    expect(run.paced).toEqual([300, 300, 100])
    expect(run.slept).toEqual([])
    expect(nodes.map(({ asked }) => asked)).toEqual([4, 4, 4])
  })

  it('ends where the high watermark stood at its beginning, though more is written', async () => {
    const nodes = [new FakeNode(4), new FakeNode(4)]
    for (const node of nodes) node.onAsk = () => node.add()
    expect(await audit(nodes)).toMatchObject({ endOffset: 10, batches: 5, differences: [] })
  })

  it.each([
    ['checksum', { checksum: 1 }],
    ['leader epoch', { leaderEpoch: 3 }],
    ['last offset', { lastOffset: 10 }],
    ['size', { sizeBytes: 101 }],
  ])('names the first offset where the %s of a batch differs, what each node has there, and who is alone with it', async (_, changes) => {
    const nodes = [new FakeNode(7), new FakeNode(7), new FakeNode(7)]
    nodes[1]?.change(4, changes)
    nodes[1]?.change(5, { checksum: 2 })
    const result = await audit(nodes)
    expect(outcomes(result)).toEqual(['agrees 14', 'differs 8: it first differs from node 1 at offset 8', 'agrees 14'])
    expect(result.differences).toMatchObject([
      { offset: 8, minority: [2], versions: [{ nodeId: 1, position: 400 }, { nodeId: 2, batch: changes }, { nodeId: 3 }] },
    ])
    expect(result.differences[0]?.versions[0]?.batch).toEqual(nodes[0]?.batches[4])
  })

  it('sees that the leader is the one that is alone', async () => {
    const nodes = [new FakeNode(3), new FakeNode(3), new FakeNode(3)]
    nodes[0]?.change(1, { checksum: 1 })
    const result = await audit(nodes)
    expect(outcomes(result).map((text) => text.split(' ')[0])).toEqual(['agrees', 'differs', 'differs'])
    expect(result.differences).toMatchObject([{ offset: 2, minority: [1] }])
    const two = [new FakeNode(3), new FakeNode(3)]
    two[0]?.change(1, { checksum: 1 })
    expect((await audit(two)).differences).toMatchObject([{ offset: 2, minority: [] }])
  })

  it('sees a batch that is missing in the middle', async () => {
    const nodes = [new FakeNode(7), new FakeNode(7)]
    nodes[1]?.batches.splice(2, 1)
    expect(outcomes(await audit(nodes))[1]).toBe('differs 4: it has no batch that holds offset 4')
  })

  it('takes for a difference only what is there again when both are asked anew', async () => {
    const nodes = [new FakeNode(3), new FakeNode(3)]
    const [, second] = nodes as [FakeNode, FakeNode]
    second.change(1, { checksum: 1 })
    second.onAsk = () => {
      if (second.asked === 3) second.change(1, { checksum: 14 })
    }
    expect(outcomes(await audit(nodes))).toEqual(['agrees 6', 'agrees 6'])
    expect(second.asked).toBe(4)
  })

  it('gives up on what is another one each time it is asked for', async () => {
    const nodes = [new FakeNode(3), new FakeNode(3)]
    const [first, second] = nodes as [FakeNode, FakeNode]
    second.change(1, { checksum: 1 })
    // Both are asked from there to there only to confirm.
    const isConfirming = ({ startOffset, endOffset }: OffsetRange): boolean => startOffset === 2 && endOffset === 3
    second.onAsk = (range) => second.change(1, { checksum: isConfirming(range) ? 14 : 1 })
    const result = await audit(nodes)
    expect(outcomes(result)[1]).toMatch(/^notCompared 2: it changed at offset 2 again and again/)
    expect(first.asked).toBe(2 + 5)
  })

  it('names a replica that its node finds bad, compares up to there, and the others on', async () => {
    const nodes = [new FakeNode(7), new FakeNode(7), new FakeNode(7)]
    ;(nodes[2] as FakeNode).bad = 8
    const run = audit(nodes)
    expect(outcomes(await run)).toEqual(['agrees 14', 'agrees 14', 'damaged 8: bad'])
    expect(run.slept).toEqual([1_000])
    const led = [new FakeNode(7), new FakeNode(7), new FakeNode(7)]
    ;(led[0] as FakeNode).bad = 8
    led[2]?.change(5, { checksum: 1 })
    const result = await audit(led)
    expect(outcomes(result)).toEqual(['damaged 8: bad', 'agrees 14', 'differs 10: it first differs from node 2 at offset 10'])
  })

  it('says who does not answer, from the beginning or from some page on, and compares the others', async () => {
    const nodes = [new FakeNode(7), new FakeNode(7), new FakeNode(7)]
    const [first, second] = nodes as [FakeNode, FakeNode]
    first.error = offline
    second.onAsk = ({ startOffset }) => {
      if (startOffset >= 6) second.error = offline
    }
    const why = 'KAFKA_STORAGE_ERROR: the replica is offline on this node: EIO'
    expect(outcomes(await audit(nodes))).toEqual([`notCompared 0: ${why}`, `notCompared 6: ${why}`, 'agrees 14'])
  })

  it('waits for a replica in sync that has not heard of the high watermark, for one that is behind it does not', async () => {
    const late = new FakeNode(7)
    const { endOffset } = late
    late.endOffset = 8
    late.onAsk = () => {
      if (late.asked === 6) late.endOffset = endOffset
    }
    const run = audit([new FakeNode(7), late])
    expect(outcomes(await run)).toEqual(['agrees 14', 'agrees 14'])
    expect(run.slept.length).toBeGreaterThan(2)
    const behind = new FakeNode(4)
    const other = audit([new FakeNode(7), behind], { isr: [1] })
    expect(outcomes(await other)).toEqual(['agrees 14', 'notCompared 8: what is committed there ends at offset 8'])
    expect(other.slept).toEqual([])
    const stuck = audit([new FakeNode(7), new FakeNode(4)])
    expect(outcomes(await stuck)[1]).toBe('notCompared 8: what is committed there ends at offset 8')
    expect(stuck.slept).toHaveLength(50)
  })

  it('compares what is left where log starts move meanwhile, in the middle of a batch too', async () => {
    const nodes = [new FakeNode(7), new FakeNode(7), new FakeNode(7)]
    nodes.forEach((node, at) => {
      node.onAsk = ({ startOffset }) => {
        if (startOffset >= 6) node.logStartOffset = 9
        if (at === 1 && startOffset >= 8) node.logStartOffset = 12
        if (node.asked === 5) node.logStartOffset = 12
      }
    })
    const result = await audit(nodes)
    expect(outcomes(result)).toEqual(['agrees 14', 'agrees 14', 'agrees 14'])
    const gone = [new FakeNode(7), new FakeNode(7)]
    ;(gone[1] as FakeNode).logStartOffset = 8
    ;(gone[0] as FakeNode).onAsk = ({ startOffset }) => {
      if (startOffset >= 12) (gone[0] as FakeNode).logStartOffset = 8
    }
    expect(outcomes(await audit(gone))).toEqual(['agrees 14', 'agrees 14'])
    const all = [new FakeNode(3), new FakeNode(3)]
    ;(all[0] as FakeNode).onAsk = () => {
      if (all[0]?.asked === 2) (all[0] as FakeNode).logStartOffset = 6
    }
    expect(outcomes(await audit(all))).toEqual(['agrees 6', 'agrees 6'])
  })

  it('says of a replica that begins behind the others that this was not compared', async () => {
    const nodes = [new FakeNode(7), new FakeNode(7), new FakeNode(7)]
    ;(nodes[1] as FakeNode).logStartOffset = 4
    const result = await audit(nodes)
    expect(outcomes(result)).toEqual(['agrees 14', 'notCompared 14: its log begins at offset 4, the others at 0', 'agrees 14'])
  })

  it('reads a replica that is the only one, and one without a leader', async () => {
    const only = new FakeNode(7)
    only.bad = 8
    expect(outcomes(await audit([only], { leader: -1 }))).toEqual(['damaged 8: bad'])
    expect(outcomes(await audit([new FakeNode(2)]))).toEqual(['agrees 4'])
    expect(outcomes(await audit([new FakeNode(0), new FakeNode(0)]))).toEqual(['agrees 0', 'agrees 0'])
  })

  it('has nothing to say of a topic that is deleted meanwhile', async () => {
    const nodes = [new FakeNode(7), new FakeNode(7)]
    for (const node of nodes) {
      node.onAsk = ({ startOffset }) => {
        if (startOffset >= 6) node.error = new BrokerError('UNKNOWN_TOPIC_ID', 'gone')
      }
    }
    expect((await audit(nodes)).audited).toBeUndefined()
  })

  it('says from where on it was interrupted', async () => {
    const nodes = [new FakeNode(7), new FakeNode(7)]
    const isInterrupted = (): boolean => (nodes[0]?.asked ?? 0) > 1
    expect(outcomes(await audit(nodes, { isInterrupted }))).toEqual(['notCompared 6: the audit was interrupted', 'notCompared 6: the audit was interrupted'])
  })
})
