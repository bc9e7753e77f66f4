import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { Story } from '../scenario/story.ts'

/** Collects what nobody holds. */
function collectGarbage(): void {
  v8.setFlagsFromString('--expose_gc')
  ;(runInNewContext('gc') as () => void)()
}

it('R4.5: the image that a node started from is let go once it is an old one', async () => {
  const story = new Story(() => undefined, { config: { metadataSnapshotBytes: 4_000 }, controller: 2 })
  await story.begin()
  await story.topic()
  await story.outgrowMetadata()
  story.kill(3)
  await story.untilIsr([1, 2])
  await story.start(3)
  const first = new WeakRef(story.cluster.node(3).image)
  const { offset } = story.cluster.node(3).image
  expect(offset).toBeGreaterThan(0)
  await story.untilIsr([1, 2, 3])
  await story.wait(2_000)
  expect(story.cluster.node(3).image.offset).toBeGreaterThan(offset)
  await new Promise((resolve) => setTimeout(resolve, 10))
  collectGarbage()
  expect(first.deref()).toBeUndefined()
  await story.end()
})
