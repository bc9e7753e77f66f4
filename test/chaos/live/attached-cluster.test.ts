import { afterEach, expect, it, vi } from 'vitest'
import { AttachedCluster, AttachError } from '../../../chaos/live/attached-cluster.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import { Admin } from '../../../src/client/admin.ts'
import type { BrokerState } from '../../../src/wire/api.ts'

afterEach(() => void vi.restoreAllMocks())

function brokersAre(...states: readonly BrokerState[]): void {
  const broker = { host: 'localhost', grpcPort: 9192, kafkaPort: null, httpPort: null, rack: null, leaders: 1, replicas: 1, maintenance: false }
  const brokers = states.map((state, at) => ({ ...broker, nodeId: at + 1, state }))
  vi.spyOn(Admin.prototype, 'describeCluster').mockResolvedValue({ clusterId: null, controllerId: 1, brokers })
}

const attach = (): Promise<AttachedCluster> => AttachedCluster.attach({ bootstrap: ['localhost:1'], random: new SeededRandom(1) })

it.each<BrokerState>(['offline', 'fenced', 'draining'])('is not attached to where a broker is %s: that would be held against the cluster', async (state) => {
  brokersAre('running', state, 'running')
  const error = await attach().catch((thrown) => thrown as Error)
  expect(error).toBeInstanceOf(AttachError)
  expect((error as Error).message).toBe(`broker 2 is ${state}: every broker that is registered has to run`)
})

it('is attached to where all run', async () => {
  brokersAre('running', 'running')
  const cluster = await attach()
  expect(cluster.nodeIds).toEqual([1, 2])
  await cluster.close()
})
