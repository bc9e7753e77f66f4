import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ConfiguredCluster, parseCluster } from '../../src/node/config.ts'
import { ConfigError } from '../../src/node/config-faults.ts'
import { nodeVariables, otherVariables, readEnvironment, unknownVariables, variableOf } from '../../src/node/environment.ts'

const PATH = '/etc/oxbow/cluster.yaml'
const TEXT = `defaults: { config: { log.retention.ms: 5000 } }
nodes:
  - { nodeId: 1, host: 10.0.0.1, dataDirs: [a], config: { segment.bytes: 100000 } }
  - { nodeId: 2, host: 10.0.0.2, dataDirs: [a] }
  - { nodeId: 3, host: 10.0.0.3, dataDirs: [a] }
`

function load(env: Record<string, string>, nodeId?: number): Promise<ConfiguredCluster> {
  return parseCluster(PATH, TEXT, { environment: readEnvironment(env), nodeId })
}

async function faultsOf(env: Record<string, string>): Promise<string[]> {
  try {
    await load(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
  return []
}

describe('the environment', () => {
  it('says more than the file: configs to every node, and what is of one node to that one', async () => {
    const env = {
      OXBOW_NODE_ID: '2',
      OXBOW_HOST: 'b.example',
      OXBOW_GRPC_PORT: '7000',
      OXBOW_HTTP_PORT: 'none',
      OXBOW_RACK: 'east',
      OXBOW_DATA: '/x/1, y',
      OXBOW_CONFIG_LOG_RETENTION_MS: '1000',
      OXBOW_CONFIG_SEGMENT_BYTES: '200000',
    }
    const { nodes } = await load(env)
    expect(nodes.map(({ options: { config } }) => [config.retentionMs, config.segmentBytes])).toEqual(Array(3).fill([1000, 200_000]))
    expect(nodes[1]?.options.address).toEqual({ host: 'b.example', grpcPort: 7000, kafkaPort: null, httpPort: null, rack: 'east' })
    expect(nodes[1]?.dataDirs).toEqual(['/x/1', resolve('y')])
    expect(nodes[0]?.options.peers[0]).toEqual({ nodeId: 2, host: 'b.example', grpcPort: 7000 })
    expect(nodes[1]?.sources.node).toMatchObject({ host: 'environment', httpPort: 'environment', dataDirs: 'environment', kafkaPort: 'default' })
    expect(nodes[0]?.sources.node).toMatchObject({ host: 'file', httpPort: 'default', dataDirs: 'file' })
    expect(nodes[0]?.options.address).toMatchObject({ host: '10.0.0.1', grpcPort: 9192, rack: null })
    const entries = new Map(nodes[0]?.options.configEntries?.map((entry) => [entry.name, entry]))
    expect(entries.get('log.retention.ms')).toMatchObject({ value: '1000', defaultValue: '604800000', source: 'STATIC_BROKER_CONFIG', unit: 'ms' })
    expect(entries.get('tail.cache.bytes')).toMatchObject({ source: 'DEFAULT_CONFIG', unit: 'bytes' })
  })

  it('is about the node that was named, whatever OXBOW_NODE_ID says; an empty variable is none', async () => {
    const { nodes } = await load({ OXBOW_NODE_ID: '2', OXBOW_HOST: 'other', OXBOW_GRPC_PORT: '' }, 3)
    expect(nodes.map(({ options: { address } }) => address.host)).toEqual(['10.0.0.1', '10.0.0.2', 'other'])
  })

  it('names the variable that is at fault', async () => {
    expect(await faultsOf({ OXBOW_NODE_ID: '1', OXBOW_GRPC_PORT: '70000', OXBOW_CONFIG_LOG_RETENTION_MS: '7d', OXBOW_LOG_LEVEL: 'loud' })).toEqual([
      'environment: OXBOW_GRPC_PORT is "70000", expected a port from 1 to 65535',
      expect.stringMatching(/^environment: OXBOW_CONFIG_LOG_RETENTION_MS is "7d", expected a whole number of at least -1 .*; 7d is 604800000$/),
      'environment: OXBOW_LOG_LEVEL is "loud", expected one of debug, info, warn, error',
    ])
    expect(await faultsOf({ OXBOW_NODE_ID: '1', OXBOW_HOST: '10.0.0.2', OXBOW_GRPC_PORT: '9193' })).toEqual([
      `${PATH}:4: nodes[1].grpcPort is 9193, expected a port of its own (OXBOW_GRPC_PORT has this one)`,
      `${PATH}:4: nodes[1].dataDirs is "a", expected a data folder of its own (nodes[0].dataDirs has this one)`,
    ])
    expect(await faultsOf({ OXBOW_CONFIG_MIN_INSYNC_REPLICAS: '4' })).toEqual([
      'environment: OXBOW_CONFIG_MIN_INSYNC_REPLICAS is 4, expected at most 3, the number of brokers',
    ])
    expect(await faultsOf({ OXBOW_CONFIG_RETENTION_MS: '1', OXBOW_CONFIG_LOG_RETENTION_MS: '2' })).toEqual([
      'environment: OXBOW_CONFIG_RETENTION_MS is "1", expected to be unset: OXBOW_CONFIG_LOG_RETENTION_MS is the same and is set too',
    ])
  })

  it.each([
    ['OXBOW_BOOTSTRP', 'OXBOW_BOOTSTRAP'],
    ['OXBOW_GRCP_PORT', 'OXBOW_GRPC_PORT'],
    ['OXBOW_NODEID', 'OXBOW_NODE_ID'],
    ['OXBOW_CONFIG_LOG_RETENTON_MS', 'OXBOW_CONFIG_LOG_RETENTION_MS'],
    ['OXBOW_LOG_RETENTION_MS', 'OXBOW_CONFIG_LOG_RETENTION_MS'],
  ])('does not ignore what is misspelt: %s', (name, meant) => {
    expect(unknownVariables({ [name]: '1', [meant]: '1', PATH: '/bin' })).toEqual([
      { key: name, value: '1', expected: `another variable (did you mean ${meant}?)`, line: null },
    ])
  })

  it('leaves alone what container systems put beside a service of that name', () => {
    const links = {
      OXBOW_SERVICE_HOST: '10.0.0.1',
      OXBOW_SERVICE_PORT: '9192',
      OXBOW_SERVICE_PORT_GRPC: '9192',
      OXBOW_PORT: 'tcp://10.0.0.1:9192',
      OXBOW_PORT_9192_TCP: 'tcp://10.0.0.1:9192',
      OXBOW_PORT_9192_TCP_ADDR: '10.0.0.1',
      OXBOW_GRPC_PORT: 'tcp://10.0.0.1:9192',
      OXBOW_HEADLESS_SERVICE_HOST: '10.0.0.1',
    }
    expect(readEnvironment(links)).toEqual({ node: {}, config: new Map(), faults: [] })
  })

  it('leaves alone what tests name for themselves, set to whatever it is', () => {
    expect(readEnvironment({ OXBOW_TEST_SEED: '7', OXBOW_TEST_NODE_ID: 'x' })).toEqual({ node: {}, config: new Map(), faults: [] })
    expect(unknownVariables({ OXBOW_TESTS: '1', OXBOW_TEST: '1' }).map(({ key }) => key)).toEqual(['OXBOW_TESTS', 'OXBOW_TEST'])
  })

  it('takes what the files of deploy/ set', () => {
    const root = join(import.meta.dirname, '../../deploy')
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
    const names = files.flatMap((file) => readFileSync(join(file.parentPath, file.name), 'utf8').match(/OXBOW_[A-Z_]+/g) ?? [])
    expect(names).toContain('OXBOW_READYZ')
    expect(unknownVariables(Object.fromEntries(names.map((name) => [name, '1'])))).toEqual([])
  })

  it('has every variable that the sources read in its tables', () => {
    const known = new Set([...nodeVariables, ...otherVariables].map(({ name }) => name))
    const root = join(import.meta.dirname, '../../src')
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    const read = new Set(
      files.flatMap((file) => [...readFileSync(join(root, file), 'utf8').matchAll(/env\.(OXBOW_[A-Z_]+)/g)].map((match) => match[1] as string)),
    )
    expect(read.size).toBeGreaterThan(2)
    expect([...read].filter((name) => !known.has(name))).toEqual([])
    expect(variableOf('log.retention.ms')).toBe('OXBOW_CONFIG_LOG_RETENTION_MS')
  })
})
