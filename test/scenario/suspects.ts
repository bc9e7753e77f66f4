import { peekBatchSize } from '../../src/record/batch.ts'
import type { Story } from './story.ts'

/** Of what the disk of a node had synced of a partition the last batches are gone, without a trace, and nobody says so. The node is down. */
export function forgetSynced(story: Story, nodeId: number, batches: number, topic = 'orders'): void {
  story.says(`the disk of node ${nodeId} forgets the last ${batches} batches of ${topic}-0, which it had synced`)
  const node = story.cluster.node(nodeId)
  const name = `partitions/${topic}-0`
  const path = `${name}/${'0'.repeat(20)}.log`
  const bounds = batchBounds(node.disk.durableContent(path) ?? Buffer.alloc(0))
  node.noteHarmed(name)
  const sizeBytes = bounds.at(-1 - batches)
  if (sizeBytes === undefined || !node.disk.truncateFile(path, sizeBytes)) throw new Error(`${path} has no ${batches} batches`)
}

/** The note of where a log begins is garbage, and the first segment is gone. The node is down. */
export function loseStart(story: Story, nodeId: number, topic = 'orders'): void {
  story.says(`on the disk of node ${nodeId} nothing says any more where orders-0 begins, and its first segment is gone`)
  const node = story.cluster.node(nodeId)
  const name = `partitions/${topic}-0`
  node.noteHarmed(name)
  for (let at = (node.disk.sizeOf(`${name}/log-start`) ?? 0) - 1; at >= 0; at--) node.disk.flipByte(`${name}/log-start`, at)
  node.disk.removeTree(`${name}/${'0'.repeat(20)}.log`)
}

/** Of the last batch of a replica, on its disk. */
export function flipLastByte(story: Story, nodeId: number, topic = 'orders'): void {
  story.says(`the last byte of ${topic}-0 on the disk of node ${nodeId} is flipped`)
  const node = story.cluster.node(nodeId)
  const name = `partitions/${topic}-0`
  const path = `${name}/${'0'.repeat(20)}.log`
  node.noteHarmed(name)
  if (!node.disk.flipByte(path, (node.disk.sizeOf(path) ?? 0) - 1)) throw new Error(`there is no last byte of ${path}`)
}

function batchBounds(content: Buffer): readonly number[] {
  const bounds = [0]
  for (let at = 0; at < content.length; bounds.push(at)) at += peekBatchSize(content, at) ?? content.length
  return bounds
}
