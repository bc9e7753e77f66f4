import { expect, it, vi } from 'vitest'
import { ChaosCluster } from '../../../chaos/live/chaos-cluster.ts'
import { Namespaces } from '../../../chaos/live/netns/namespaces.ts'
import { openStage } from '../../../chaos/live/stage.ts'
import { SeededRandom } from '../../../src/base/random.ts'

it('leaves no namespaces where the cluster could not be made', async () => {
  const remove = vi.fn()
  vi.spyOn(Namespaces, 'create').mockReturnValue({ remove } as unknown as Namespaces)
  vi.spyOn(ChaosCluster, 'create').mockRejectedValue(new Error('no free ports were found'))
  const options = { faults: [], timeMs: 1_000, nodes: 3, rate: 10, seed: 1, out: 'nowhere', producer: {}, topicConfigs: {}, namespaces: true }
  await expect(openStage(options, new SeededRandom(1))).rejects.toThrow('no free ports were found')
  expect(remove).toHaveBeenCalledOnce()
})
