import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clusterFilePath, prepareFolder, readClusterJson, wipeFolder, writeClusterJson } from '../../src/cli/dev-folder.ts'
import { loadCluster } from '../../src/node/config.ts'

const UNSAID = { nodes: undefined, portBase: undefined }

describe('the folder of oxbow dev', () => {
  let root = ''
  let folder = ''

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'oxbow-test-'))
    folder = join(root, 'data')
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  it('begins with three nodes on the ports of the contract, and runs exactly what its file says', async () => {
    const cluster = await prepareFolder(folder, UNSAID, undefined)
    expect(cluster.nodes.map(({ options: { nodeId, address } }) => [nodeId, address.grpcPort, address.httpPort])).toEqual([
      [1, 9192, 9292],
      [2, 9193, 9293],
      [3, 9194, 9294],
    ])
    expect(readFileSync(clusterFilePath(folder), 'utf8')).toContain('kafkaPort: 9092')
    expect(await loadCluster(clusterFilePath(folder))).toEqual(cluster)
    expect(cluster.nodes[0]?.dataDir).toBe(join(folder, '1'))
  })

  it('moves all ports with the port base, and keeps them for the next start', async () => {
    const cluster = await prepareFolder(folder, { nodes: 1, portBase: 20_000 }, undefined)
    expect(cluster.nodes.map((node) => node.options.address)).toMatchObject([{ grpcPort: 20_101, httpPort: 20_201 }])
    expect(await prepareFolder(folder, UNSAID, undefined)).toEqual(cluster)
  })

  it('does not turn a cluster of three into one of five', async () => {
    await prepareFolder(folder, UNSAID, undefined)
    await expect(prepareFolder(folder, { nodes: 5, portBase: undefined }, undefined)).rejects.toThrow('holds a cluster of 3 nodes, not 5')
  })

  it('leaves a folder alone that it did not make', async () => {
    mkdirSync(folder)
    writeFileSync(join(folder, 'thesis.txt'), 'years of work')
    await expect(prepareFolder(folder, UNSAID, undefined)).rejects.toThrow('was not made by oxbow dev')
    await expect(wipeFolder(folder)).rejects.toThrow('--fresh does not touch it')
    writeFileSync(clusterFilePath(folder), 'nodes: [{ nodeId: 1 }]')
    await expect(wipeFolder(folder)).rejects.toThrow('--fresh does not touch it')
    expect(existsSync(join(folder, 'thesis.txt'))).toBe(true)
  })

  it('wipes what it made, and only that', async () => {
    await prepareFolder(folder, UNSAID, undefined)
    mkdirSync(join(folder, '2', 'metadata'), { recursive: true })
    writeFileSync(join(folder, 'notes.txt'), 'mine')
    await wipeFolder(folder)
    expect(existsSync(join(folder, '2'))).toBe(false)
    expect(existsSync(clusterFilePath(folder))).toBe(false)
    expect(existsSync(join(folder, 'notes.txt'))).toBe(true)
    await wipeFolder(join(root, 'nothing-here'))
  })

  it('runs the nodes of a given file, whose folders stay where they are', async () => {
    const given = join(root, 'given.yaml')
    writeFileSync(given, 'clusterName: mine\nnodes:\n  - { nodeId: 7, grpcPort: 20301, kafkaPort: 20302, httpPort: null, dataDirs: [seven] }\n')
    const cluster = await prepareFolder(folder, UNSAID, given)
    expect(cluster.nodes.map((node) => [node.options.nodeId, node.dataDir])).toEqual([[7, join(root, 'seven')]])
    expect(cluster.clusterName).toBe('mine')
    await expect(prepareFolder(folder, { nodes: 3, portBase: undefined }, given)).rejects.toThrow('--config says which nodes')
    await expect(prepareFolder(folder, UNSAID, undefined)).rejects.toThrow('was started with --config')
  })

  it('keeps cluster.json whole', async () => {
    await prepareFolder(folder, UNSAID, undefined)
    expect(await readClusterJson(folder)).toBeUndefined()
    const state = { clusterId: 'c'.repeat(32), nodes: [{ nodeId: 1, pid: 42, grpc: '127.0.0.1:9192', kafka: null, http: null, dataDir: join(folder, '1') }] }
    await writeClusterJson(folder, state)
    expect(await readClusterJson(folder)).toEqual(state)
  })
})
