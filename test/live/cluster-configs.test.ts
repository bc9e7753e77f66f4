import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findPortBase } from '../../chaos/live/cluster-process.ts'
import { startsAndStops } from '../../chaos/live/random-configs.ts'
import { OxbowClient } from '../../src/client/client.ts'

const LONG_MS = 300_000
/** Ports of a cluster file lie between these, in three hundreds: Kafka, gRPC, HTTP. */
const FIRST_PORT = 9_091

describe('cluster files that come with Oxbow, as processes', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oxbow-configs-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  /** The same file with ports that are free, and folders of its own. */
  async function copyOf(name: string): Promise<string> {
    const base = await findPortBase(20)
    const text = readFileSync(join(import.meta.dirname, '../../cluster-configs', `${name}.yaml`), 'utf8')
    const path = join(folder, `${name}.yaml`)
    writeFileSync(
      path,
      text.replaceAll(/(Port: )(\d+)/g, (_, key, port) => `${key}${Number(port) - FIRST_PORT + base}`),
    )
    return path
  }

  it('several-folders: partitions stand on all folders of a node, and are found there again', { timeout: LONG_MS }, async () => {
    const path = await copyOf('several-folders')
    expect(await startsAndStops(path, join(folder, 'dev'))).toBeUndefined()
    const standing = (): string[][] => ['a', 'b', 'c'].map((part) => readdirSync(join(folder, 'data/1', part, 'partitions')).sort())
    const before = standing()
    expect(before.map((names) => names.length)).toEqual([2, 2, 2])
    expect(await startsAndStops(path, join(folder, 'dev'))).toBeUndefined()
    expect(standing()).toEqual(before)
  })

  it('split-roles: controllers hold no records, brokers have no vote', { timeout: LONG_MS }, async () => {
    const path = await copyOf('split-roles')
    const ports = [...readFileSync(path, 'utf8').matchAll(/grpcPort: (\d+)/g)].map(([, port]) => Number(port))
    const controllers = [1, 2, 3]
    const whileUp = async (): Promise<void> => {
      // Whoever is asked: a node without the broker role leads, and answers no less than a broker does.
      for (const port of ports) {
        const client = new OxbowClient({ bootstrap: [`127.0.0.1:${port}`] })
        const { status } = await client.admin().describeQuorum()
        expect(controllers).toContain(status.leaderId)
        expect(status.voters.toSorted()).toEqual(controllers)
        expect((await client.admin().describeCluster()).brokers.map(({ state }) => state)).toEqual(['running', 'running', 'running'])
        await client.close()
      }
    }
    expect(await startsAndStops(path, join(folder, 'dev'), whileUp)).toBeUndefined()
    expect(readdirSync(join(folder, 'data/11/partitions')).length).toBeGreaterThan(0)
    expect(readdirSync(join(folder, 'data/1'))).not.toContain('partitions')
  })
})
