import type { Random } from '../../src/base/random.ts'
import type { Cluster } from '../../src/client/cluster.ts'
import { Connections, parseAddress } from '../../src/client/connections.ts'
import { MetadataCache } from '../../src/client/metadata-cache.ts'
import type { FakeCluster } from './fake-cluster.ts'

/** What a client's parts share, above a fake: so that cores are driven without a promise between their turns. */
export function shareCluster(fake: FakeCluster, random: Random, requestTimeoutMs: number): Cluster {
  const connections = new Connections()
  const { clock } = fake
  const metadata = new MetadataCache({ clock, random, connections, bootstrap: fake.bootstrap.map(parseAddress), maxAgeMs: 300_000 })
  connections.start(fake)
  return { clock, random, connections, metadata, requestTimeoutMs }
}
