import { expect, it } from 'vitest'
import { withPoison } from '../../../chaos/sim/poison.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import { Story } from '../../scenario/story.ts'

/** More for a thorough look. */
const SEEDS = Number(process.env.OXBOW_TEST_FOLDER_MOVES ?? 3)
const NAME = 'partitions/orders-0'
const STEPS = 8

/** Replicas that changed their folder. */
async function play(story: Story, random: SeededRandom): Promise<number> {
  let moved = 0
  const folders = (): number[] => [1, 2, 3].map((nodeId) => story.cluster.node(nodeId).durable.folderOf(NAME))
  await story.begin()
  await story.topic()
  const load = story.load(12)
  await story.pass(500)
  for (let step = 0; step < STEPS; step++) {
    const before = folders()
    const nodeId = 1 + random.integer(3)
    const path = `disk ${1 - (before[nodeId - 1] as number)}`
    story.asks(`orders-0 of node ${nodeId} to be on ${path}`, (admin) =>
      admin.alterReplicaLogDirs({ nodeId, partitions: [{ topic: 'orders', partition: 0 }], path }),
    )
    await story.pass(random.integer(60))
    if (random.integer(2) === 0) {
      const who = random.integer(4) === 0 ? [1, 2, 3] : [nodeId]
      if (random.integer(2) === 0) story.kill(...who)
      else story.powerLoss(...who)
      await story.pass(random.integer(300))
      await story.start(...who)
    }
    await story.pass(400)
    moved += folders().filter((folder, at) => folder !== before[at]).length
  }
  await story.endLoad(load)
  await story.end()
  return moved
}

it('KIP-113 replicas move between folders under load, and nodes die meanwhile: every invariant holds, and no acknowledged record is lost', async () => {
  let moved = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const lines: string[] = []
    const story = new Story((line) => lines.push(line), { seed, folders: 2, config: { segmentBytes: 3_000 } })
    try {
      await withPoison(async () => {
        moved += await play(story, new SeededRandom(seed))
      })
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}\n${lines.join('\n')}`, { cause: error })
    }
  }
  expect(moved).toBeGreaterThan(3 * SEEDS)
}, 600_000)
