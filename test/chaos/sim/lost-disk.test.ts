import { expect, it } from 'vitest'
import { withPoison } from '../../../chaos/sim/poison.ts'
import { METADATA_LOG } from '../../../src/log/surface.ts'
import { Story } from '../../scenario/story.ts'

it('what a node had on its disk counts until its next process, and as what it once had for good: a leader may commit by what it said before it lost it (seeds 861, 27840)', async () => {
  const story = new Story(() => {}, { seed: 1 })
  await withPoison(async () => {
    await story.begin()
    const node = story.cluster.node(3)
    const held = (): number => node.durable.endOffset(METADATA_LOG)
    story.kill(3)
    const before = held()
    node.wipe()
    expect([before > 0, held()]).toEqual([true, before])
    node.start()
    expect([held(), node.decisionsHeld]).toEqual([0, before])
  })
})

it('a log may be found without a note, and said to be damaged, on a folder that was away, and on no other (seed 1422)', async () => {
  const story = new Story(() => {}, { seed: 1, folders: 2 })
  await withPoison(async () => {
    await story.begin()
    await story.topic('a')
    await story.topic('b')
    const node = story.cluster.node(3)
    const logs = ['partitions/a-0', 'partitions/b-0']
    const isOnLast = logs.map((name) => node.diskOf(name) === node.disks.at(-1))
    expect([...isOnLast].sort()).toEqual([false, true])
    expect(logs.map((name) => node.mayBeDamaged(name))).toEqual([false, false])
    node.breakFolder('broken')
    node.breakFolder('mended')
    expect(logs.map((name) => node.mayBeDamaged(name))).toEqual(isOnLast)
  })
})

it('a log that was moved away and back may be said to be damaged by a node with old checkpoints (hour-long seed 8)', async () => {
  const story = new Story(() => {}, { seed: 1 })
  await withPoison(async () => {
    await story.begin()
    const node = story.cluster.node(3)
    story.kill(3)
    node.loseCheckpoints('lose')
    expect(node.mayBeDamaged('partitions/a-0')).toBe(false)
    node.loseCheckpoints('rollBack')
    expect(node.mayBeDamaged('partitions/a-0')).toBe(true)
  })
})
