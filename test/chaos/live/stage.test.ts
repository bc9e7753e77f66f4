import { expect, it, vi } from 'vitest'
import type { AttachedCluster } from '../../../chaos/live/attached-cluster.ts'
import { ChaosCluster } from '../../../chaos/live/chaos-cluster.ts'
import { Namespaces } from '../../../chaos/live/netns/namespaces.ts'
import { openStage } from '../../../chaos/live/stage.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import { OxbowClient } from '../../../src/client/client.ts'
import { CliCluster } from '../../cli/harness.ts'

const options = { faults: [], timeMs: 1_000, nodes: 3, rate: 10, seed: 1, out: 'nowhere', producer: {}, topicConfigs: {} }

it('leaves no namespaces where the cluster could not be made', async () => {
  const remove = vi.fn()
  vi.spyOn(Namespaces, 'create').mockReturnValue({ remove } as unknown as Namespaces)
  vi.spyOn(ChaosCluster, 'create').mockRejectedValue(new Error('no free ports were found'))
  await expect(openStage({ ...options, namespaces: true }, new SeededRandom(1))).rejects.toThrow('no free ports were found')
  expect(remove).toHaveBeenCalledOnce()
})

it('deletes all topics of its own that can be deleted, no other one, and says which stays', async () => {
  const cluster = new CliCluster()
  const stage = await openStage({ ...options, attached: {} as AttachedCluster }, new SeededRandom(1))
  const name = (which: string): string => `${stage.topicPrefix}${which}`
  for (const topic of [name('a'), name('b'), name('c'), 'theirs']) cluster.fake.addTopic(topic, 1)
  cluster.fake.publish(0)
  cluster.undeletable.add(name('a'))
  const client = new OxbowClient({ bootstrap: cluster.fake.bootstrap, transport: cluster, requestTimeoutMs: 1_000 })
  await expect(stage.clear(client)).rejects.toThrow(`topic "${name('a')}" stays`)
  expect([...cluster.fake.topics.keys()].sort()).toEqual([name('a'), 'theirs'])
  await client.close()
})
