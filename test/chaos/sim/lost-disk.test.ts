import { expect, it } from 'vitest'
import { withPoison } from '../../../chaos/sim/poison.ts'
import { METADATA_LOG } from '../../../src/log/surface.ts'
import { Story } from '../../scenario/story.ts'

it('what a node had on its disk counts until its next process: a leader may commit by what that node said before it lost it (seed 861)', async () => {
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
    expect(held()).toBe(0)
  })
})
