import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadCluster } from '../../src/node/config.ts'

const FOLDER = join(import.meta.dirname, '../../cluster-configs')
const names = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'))

describe('the cluster files that come with Oxbow', () => {
  it('are these', () => {
    expect(names.sort()).toEqual([
      'chaos.yaml',
      'five-node.yaml',
      'racks.yaml',
      'several-folders.yaml',
      'single-node.yaml',
      'split-roles.yaml',
      'three-node.yaml',
    ])
  })

  it.each(names)('%s is right, raises no doubt, and says how it is started', async (name) => {
    const { clusterName, nodes, warnings } = await loadCluster(join(FOLDER, name))
    expect(warnings).toEqual([])
    expect(`${clusterName}.yaml`).toBe(name)
    const text = readFileSync(join(FOLDER, name), 'utf8')
    expect(text).toContain(`npx oxbow server --config cluster-configs/${name}`)
    expect(nodes.every(({ options }) => options.config.minInSyncReplicas === null || options.config.minInSyncReplicas === 2)).toBe(true)
  })

  it('are what their names say', async () => {
    const load = async (name: string) => (await loadCluster(join(FOLDER, `${name}.yaml`))).nodes
    expect([(await load('single-node')).length, (await load('three-node')).length, (await load('five-node')).length]).toEqual([1, 3, 5])
    expect((await load('split-roles')).map(({ options: { roles } }) => [roles.controller, roles.broker])).toEqual([
      ...Array(3).fill([true, false]),
      ...Array(3).fill([false, true]),
    ])
    expect(new Set((await load('racks')).map(({ options }) => options.address.rack)).size).toBe(3)
    expect((await load('several-folders')).map(({ dataDirs }) => dataDirs.length)).toEqual([3, 3, 3])
    const [chaos, usual] = [(await load('chaos'))[0]?.options.config, (await load('three-node'))[0]?.options.config]
    for (const key of [
      'sessionTimeoutMs',
      'electionTimeoutMs',
      'replicaLagTimeMaxMs',
      'segmentMs',
      'retentionMs',
      'quarantineMs',
      'checkpointIntervalMs',
    ] as const)
      expect(chaos?.[key], key).toBeLessThan(usual?.[key] ?? 0)
  })
})
