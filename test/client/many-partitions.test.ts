import { expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { OxbowClient } from '../../src/client/client.ts'
import { encodeBatch } from '../../src/record/records.ts'
import { FakeCluster } from './fake-cluster.ts'
import { VirtualClock } from './virtual-clock.ts'

/** As grpc/checks.ts has it. */
const A_REQUEST = 10_000

/** One node that leads them all. */
function build(partitions: number): { readonly clock: VirtualClock; readonly cluster: FakeCluster; readonly client: OxbowClient } {
  const clock = new VirtualClock()
  const cluster = new FakeCluster({ clock, random: new SeededRandom(1), nodes: 1 })
  cluster.addTopic('t', partitions)
  const client = new OxbowClient({ bootstrap: cluster.bootstrap, transport: cluster, clock, random: new SeededRandom(2) })
  return { clock, cluster, client }
}

function sizesOf(seen: readonly { readonly request: { readonly partitions: readonly unknown[] } }[]): number[] {
  return seen.map(({ request }) => request.partitions.length)
}

it('a producer sends no more batches in a request than a node takes', async () => {
  const { clock, cluster, client } = build(A_REQUEST + 50)
  const producer = client.producer({ acks: 1 })
  let sent = 0
  for (let partition = 0; partition < A_REQUEST + 50; partition++) producer.trySend({ topic: 't', partition, value: 'x' }, () => sent++)
  await clock.runWithPromises(200)
  expect(sent).toBe(A_REQUEST + 50)
  expect(sizesOf(cluster.produced)).toEqual([A_REQUEST, 50])
})

it('a consumer asks for no more partitions in a request than a node takes, and for all in turn', async () => {
  const partitions = 2 * A_REQUEST + 50
  const { clock, cluster, client } = build(partitions)
  const consumer = client.consumer({ maxWaitMs: 10 })
  void consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic: 't', partition, offset: 0 })))
  await clock.runWithPromises(10)
  const state = cluster.partition('t', partitions - 1)
  state.append(encodeBatch([{ timestamp: 1, key: null, value: Buffer.from('found') }]))
  state.highWatermark = 1
  let found: string[] = []
  void consumer.poll({ timeoutMs: 1_000 }).then((records) => (found = records.map(({ value }) => `${value}`)))
  for (let ms = 0; ms < 100 && found.length === 0; ms += 5) await clock.runWithPromises(5, 5)
  expect(found).toEqual(['found'])
  expect(Math.max(...sizesOf(cluster.fetched))).toBe(A_REQUEST)
  await client.close()
})

it('offsets are looked up in as many requests as it takes', async () => {
  const { clock, cluster, client } = build(A_REQUEST + 50)
  const asked: number[] = []
  const connect = cluster.connect.bind(cluster)
  cluster.connect = (address) => {
    const connection = connect(address)
    const listOffsets: typeof connection.listOffsets = (request, timeoutMs, done) => {
      asked.push(request.partitions.length)
      connection.listOffsets(request, timeoutMs, done)
    }
    return { ...connection, listOffsets }
  }
  let count = 0
  void client
    .admin()
    .listOffsets('t', 'latest')
    .then(({ length }) => (count = length))
  await clock.runWithPromises(200)
  expect([count, asked]).toEqual([A_REQUEST + 50, [A_REQUEST, 50]])
})
