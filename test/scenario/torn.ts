import type { Foretold } from '../../chaos/sim/inode.ts'
import { hasValidCrc, peekBatchSize } from '../../src/record/batch.ts'
import type { Story } from './story.ts'

/** The power goes, with that fate of what the node's disk has in its cache and has not synced. */
export function losePower(story: Story, nodeId: number, fate: string, foretold: Foretold): void {
  story.says(`node ${nodeId} loses power: ${fate}`)
  story.cluster.node(nodeId).crash('powerLoss', foretold)
}

/** A segment of a partition. */
export function segmentOf(topic: string, baseOffset = 0): string {
  return `partitions/${topic}-0/${String(baseOffset).padStart(20, '0')}.log`
}

/** Of batches of one size, from a place in a file to its end, as its disk holds them: whether each is whole. */
export function wholeBatches(content: Buffer, { from, sizeBytes }: { readonly from: number; readonly sizeBytes: number }): readonly boolean[] {
  const isWhole: boolean[] = []
  for (let at = from; at < content.length; at += sizeBytes) {
    const batch = content.subarray(at, at + sizeBytes)
    isWhole.push(peekBatchSize(batch, 0) === sizeBytes && hasValidCrc(batch))
  }
  return isWhole
}
