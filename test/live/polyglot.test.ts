import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LiveCluster, ROOT } from '../../chaos/live/cluster-process.ts'
import { runThroughKill } from '../../chaos/live/exactly-once.ts'

/** The same in Python and Go, whose packages are not here: `npm run conformance`. */
describe('a program that knows nothing of Oxbow but its .proto files', () => {
  let cluster: LiveCluster
  beforeAll(async () => {
    cluster = await LiveCluster.create('polyglot')
    cluster.startAll()
  })
  afterAll(() => cluster.dispose({ keep: false }))

  it('in Node: records survive the kill of their leader, each once and in order', { timeout: 600_000 }, async () => {
    const program = { name: 'node', command: process.execPath, args: ['exactly-once.mjs'], folder: join(ROOT, 'examples/grpc/node') }
    expect(await runThroughKill(cluster, program)).toEqual([])
  })
})
