import { describe, expect, it } from 'vitest'
import { vetHello } from '../../src/broker/hello.ts'
import type { NodeOptions } from '../../src/broker/surface.ts'
import type { Hello } from '../../src/wire/peer.ts'

const options = { nodeId: 1, peers: [{ nodeId: 2, host: 'n2', grpcPort: 9192 }] } as unknown as NodeOptions
const OURS = 'c'.repeat(32)

function hello(changes: Partial<Hello>): Hello {
  const base = { clusterId: null, nodeId: 2, directoryId: 'd'.repeat(32), incarnationId: 'e'.repeat(32), protocolVersion: 1, isController: true }
  return { ...base, endpoint: { host: 'n', grpcPort: 9192 }, ...changes }
}

describe('R2.1 a Hello', () => {
  it.each([
    ['a node of the file, before there is a cluster', null, {}, undefined],
    ['a node of the file, of this cluster', OURS, { clusterId: OURS }, undefined],
    ['another version', OURS, { protocolVersion: 9 }, 'run the same version'],
    ['its own id', OURS, { nodeId: 1 }, 'an id of its own'],
    ['another cluster', OURS, { clusterId: 'f'.repeat(32) }, 'belongs to cluster'],
    ['a node that came later, of this cluster', OURS, { nodeId: 4, clusterId: OURS }, undefined],
    ['a node that came later, of none yet', OURS, { nodeId: 4 }, undefined],
    ['a node that came later, of another cluster', OURS, { nodeId: 4, clusterId: 'f'.repeat(32) }, 'belongs to cluster'],
    ['a node that came later and does not say where it listens', OURS, { nodeId: 4, endpoint: null }, 'add it there'],
    ['a node that is not in the file, before there is a cluster', null, { nodeId: 4 }, 'node 4 is not in the cluster file of node 1: add it there'],
  ] as const)('%s', (_, clusterId, changes, refusal) => {
    const said = vetHello(options, clusterId, hello(changes))
    if (refusal === undefined) expect(said).toBeUndefined()
    else expect(said).toContain(refusal)
  })
})
