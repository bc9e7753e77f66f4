import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/node/config-faults.ts'
import { loadCluster, parseCluster } from '../../src/node/config.ts'
import { configKeysMarkdown, variablesMarkdown } from '../../src/node/config-doc.ts'
import { configKeys, defaultNodeConfig } from '../../src/node/config-keys.ts'

const PATH = '/etc/oxbow/cluster.yaml'

async function faultsOf(text: string): Promise<string[]> {
  try {
    await parseCluster(PATH, text)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n').map((line) => line.replace(`${PATH}:`, ''))
    throw error
  }
  return []
}

const ONE = '  - { nodeId: 1, grpcPort: 9192, kafkaPort: 9092, httpPort: 9292, dataDirs: [data/1] }'

describe('a cluster file', () => {
  it('is read into what each node runs as', async () => {
    const text = `clusterName: orders
defaults: { rack: east, config: { min.insync.replicas: 2, log.segment.bytes: 1048576, log.retention.ms: 3600000 } }
nodes:
  - { nodeId: 1, host: 10.0.0.1, grpcPort: 9192, httpPort: 9292, dataDirs: [data/1] }
  - { nodeId: 2, host: 10.0.0.2, grpcPort: 9192, httpPort: null, dataDirs: [/var/oxbow], roles: [controller], rack: null }
  - { nodeId: 3, host: 10.0.0.3, grpcPort: 9192, dataDirs: [data/1], roles: [broker], config: { segment.bytes: "2097152" } }
`
    const { clusterName, nodes } = await parseCluster(PATH, text)
    expect(clusterName).toBe('orders')
    expect(nodes.map((node) => node.dataDir)).toEqual(['/etc/oxbow/data/1', '/var/oxbow', '/etc/oxbow/data/1'])
    expect(nodes[0]?.options).toMatchObject({
      nodeId: 1,
      roles: { controller: true, broker: true },
      address: { host: '10.0.0.1', grpcPort: 9192, kafkaPort: null, httpPort: 9292, rack: 'east' },
      peers: [
        { nodeId: 2, host: '10.0.0.2', grpcPort: 9192 },
        { nodeId: 3, host: '10.0.0.3', grpcPort: 9192 },
      ],
      voterIds: [1, 2],
      clusterName: 'orders',
      config: { ...defaultNodeConfig(), minInSyncReplicas: 2, segmentBytes: 1_048_576, retentionMs: 3_600_000 },
    })
    expect(nodes[0]?.options.configEntries?.filter(({ source }) => source === 'STATIC_BROKER_CONFIG').map(({ name, value }) => [name, value])).toEqual([
      ['min.insync.replicas', '2'],
      ['log.segment.bytes', '1048576'],
      ['log.retention.ms', '3600000'],
    ])
    expect(nodes[1]?.options.roles).toEqual({ controller: true, broker: false })
    expect(nodes[1]?.options.address).toMatchObject({ httpPort: null, rack: null })
    expect(nodes[2]?.options.config.segmentBytes).toBe(2_097_152)
    expect(nodes[2]?.options.address.httpPort).toBe(9294)
  })

  it('needs nothing but node ids: ports and folders follow from them as in `oxbow dev`', async () => {
    const { nodes } = await parseCluster(PATH, 'nodes: [{ nodeId: 1 }, { nodeId: 2 }]')
    expect(nodes.map((node) => [node.options.address.grpcPort, node.options.address.httpPort, node.dataDir])).toEqual([
      [9192, 9292, '/etc/oxbow/data/1'],
      [9193, 9293, '/etc/oxbow/data/2'],
    ])
  })

  it.each([
    ['not YAML', 'nodes: [', [/^1: the file is "nodes: \[", expected YAML/]],
    ['empty', '', ['1: the file is null, expected a mapping with the key nodes']],
    ['no nodes', 'clusterName: a', ['1: nodes is missing, expected a list of nodes']],
    ['an empty list', 'clusterName: a\nnodes: []', ['2: nodes is [], expected at least one node']],
    ['a misspelt key', `nodes:\n${ONE}\nclustername: a`, ['3: clustername is "a", expected another key (did you mean clusterName?)']],
    ['a misspelt key of a node', 'nodes:\n  - nodeId: 1\n    grpcport: 9192', ['3: nodes[0].grpcport is 9192, expected another key (did you mean grpcPort?)']],
    [
      'an unknown key of a node',
      'nodes:\n  - nodeId: 1\n    zzz: 9192',
      ['3: nodes[0].zzz is 9192, expected one of nodeId, host, grpcPort, kafkaPort, httpPort, dataDirs, firstVoter, roles, rack, config'],
    ],
    ['a node without id', 'nodes:\n\n  - host: a', ['3: nodes[0].nodeId is missing, expected a whole number from 0 to 2147483647']],
    ['a port out of range', 'nodes:\n  - nodeId: 1\n    grpcPort: 70000', ['3: nodes[0].grpcPort is 70000, expected a port from 1 to 65535']],
    ['a port as text', 'nodes:\n  - nodeId: 1\n    httpPort: "http"', ['3: nodes[0].httpPort is "http", expected a port from 1 to 65535, or null for none']],
    ['a node id as text', 'nodes: [{ nodeId: one }]', ['1: nodes[0].nodeId is "one", expected a whole number from 0 to 2147483647']],
    ['an unknown role', 'nodes:\n  - nodeId: 1\n    roles: [broker, boss]', ['3: nodes[0].roles[1] is "boss", expected "controller" or "broker"']],
    ['folders that are no list', 'nodes:\n  - nodeId: 1\n    dataDirs: data', ['3: nodes[0].dataDirs is "data", expected a list of folders']],
    [
      'a folder in another one',
      'nodes:\n  - nodeId: 1\n    dataDirs: [a, b/../a/c]',
      ['3: nodes[0].dataDirs[1] is "b/../a/c", expected a data folder of its own (nodes[0].dataDirs[0] lies around it)'],
    ],
    [
      'the same node id twice',
      `nodes:\n  - nodeId: 1\n  - nodeId: 1\n    grpcPort: 1\n    kafkaPort: 2\n    httpPort: 3\n    dataDirs: [b]`,
      ['3: nodes[1].nodeId is 1, expected a node id of its own (nodes[0].nodeId has this one)'],
    ],
    [
      'the same port twice',
      `nodes:\n${ONE}\n  - nodeId: 2\n    httpPort: 9192`,
      ['4: nodes[1].httpPort is 9192, expected a port of its own (nodes[0].grpcPort has this one)'],
    ],
    [
      'the same folder twice',
      `nodes:\n${ONE}\n  - nodeId: 2\n    dataDirs: [./data/1/]`,
      ['4: nodes[1].dataDirs is "./data/1/", expected a data folder of its own (nodes[0].dataDirs has this one)'],
    ],
    ['no voter', 'defaults: { roles: [broker] }\nnodes: [{ nodeId: 1 }]', ['2: nodes is ["broker"], expected at least one node with the role controller']],
    [
      'controllers that all come later',
      'nodes:\n  - { nodeId: 1, firstVoter: false }',
      ['1: nodes is ["controller+broker"], expected at least one controller without firstVoter: false, which begins the cluster'],
    ],
    [
      'a firstVoter that is neither true nor false',
      `nodes:\n${ONE}\n  - nodeId: 2\n    firstVoter: later`,
      ['4: nodes[1].firstVoter is "later", expected true, or false for a controller that joins later by quorum add-voter'],
    ],
    [
      'a misspelt config key',
      `nodes:\n${ONE}\ndefaults:\n  config:\n    min.insync.replica: 2`,
      ['5: defaults.config.min.insync.replica is 2, expected another key (did you mean min.insync.replicas?)'],
    ],
    [
      'a config value out of range',
      'nodes:\n  - nodeId: 1\n    config:\n      log.segment.bytes: 12',
      ['4: nodes[0].config.log.segment.bytes is 12, expected a whole number from 65536 to 2147483647 (size at which a log begins a new file)'],
    ],
    [
      'more in-sync replicas than brokers',
      'nodes: [{ nodeId: 1 }, { nodeId: 2 }]\ndefaults:\n  config: { min.insync.replicas: 3 }',
      ['3: defaults.config.min.insync.replicas is 3, expected at most 2, the number of brokers'],
    ],
    ['a config that is no mapping', 'nodes: [{ nodeId: 1, config: 7 }]', ['1: nodes[0].config is 7, expected a mapping of config keys']],
  ] as const)('names key, value, line and what is expected: %s', async (_, text, expected) => {
    const faults = await faultsOf(text)
    expect(faults).toEqual(expected.map((one) => (typeof one === 'string' ? one : expect.stringMatching(one))))
  })

  it.each([
    [
      'a key written as mappings',
      'config:\n    log: { retention: { ms: 5 } }',
      '3: defaults.config.log is {"retention":{"ms":5}}, expected one key with dots: log.retention.ms',
    ],
    ['a length of time', 'config: { log.retention.ms: 7d }', /^2: defaults.config.log.retention.ms is "7d", expected a whole number .*; 7d is 604800000$/],
    ['a size', 'config: { log.segment.bytes: 1GB }', /; 1GB is 1073741824$/],
    [
      'a key of Kafka that has another place',
      'config: { log.dirs: /data }',
      '2: defaults.config.log.dirs is "/data", expected another place: dataDirs of the node',
    ],
    ['one key by two names', 'config: { retention.ms: 5, log.retention.hours: 1 }', /expected to be left out: retention.ms is the same and stands here too$/],
    ['a word that is none of its key', 'config: { log.message.timestamp.type: createtime }', /expected one of CreateTime, LogAppendTime/],
    ['a role twice', 'roles: [broker, controller, broker]', '2: defaults.roles is ["broker","controller","broker"], expected each role once'],
    ['no broker', 'roles: [controller]', '3: nodes is ["controller"], expected at least one node with the role broker'],
    ['a key twice', 'rack: a\n  rack: b', '3: defaults.rack is "b", expected to be named once (it is in line 2 already)'],
    ['a key of a node', 'host: a', '2: defaults.host is "a", expected in a node (host is of one node)'],
    ['a mapping that holds itself', 'rack: &loop { inner: *loop }', '2: defaults.rack is a value that holds itself, expected a name, or null for none'],
  ])('names what was probably meant: %s', async (_, defaults, expected) => {
    const faults = await faultsOf(`defaults:\n  ${defaults}\nnodes: [{ nodeId: 1 }]`)
    expect(faults).toEqual([typeof expected === 'string' ? expected : expect.stringMatching(expected)])
  })

  it.each([
    ['every address', '0.0.0.0'],
    ['a port', '"a:9192"'],
    ['a blank', '"a b"'],
    ['nothing', '""'],
  ])('R2.1: refuses a host that nobody could dial: %s', async (_, host) => {
    expect(await faultsOf(`nodes:\n  - nodeId: 1\n    host: ${host}`)).toEqual([
      expect.stringMatching(/^3: nodes\[0\]\.host is .*, expected a host name or address that others can reach, without a port$/),
    ])
  })

  it('is no trap: aliases without end, and tags that are none, are faults too', async () => {
    const bomb = [
      'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
      ...Array.from({ length: 9 }, (_, at) => `a${at + 1}: &a${at + 1} [${Array(10).fill(`*a${at}`).join()}]`),
    ].join('\n')
    expect(await faultsOf(bomb)).toEqual([expect.stringMatching(/expected YAML \(Excessive alias count/)])
    expect(await faultsOf('nodes: *nobody')).toEqual([expect.stringMatching(/expected YAML/)])
  })

  it('knows one machine by its several names', async () => {
    const faults = await faultsOf('nodes:\n  - { nodeId: 1, host: localhost, grpcPort: 5000 }\n  - { nodeId: 2, host: 127.0.0.1, grpcPort: 5000 }')
    expect(faults).toEqual(['3: nodes[1].grpcPort is 5000, expected a port of its own (nodes[0].grpcPort has this one)'])
  })

  it('takes the lengths of time that Kafka has in minutes and hours', async () => {
    const { nodes } = await parseCluster(
      PATH,
      'defaults: { config: { log.retention.hours: 168, log.roll.hours: 2 } }\nnodes: [{ nodeId: 1, config: { log.retention.minutes: -1 } }]',
    )
    expect(nodes[0]?.options.config).toMatchObject({ retentionMs: -1, segmentMs: 7_200_000 })
  })

  it.each([
    ['an even number of voters', 'nodes: [{ nodeId: 1 }, { nodeId: 2 }]', ['nodes']],
    ['racks of some brokers only', 'nodes:\n  - { nodeId: 1, rack: a }\n  - { nodeId: 2 }\n  - { nodeId: 3, rack: b }', ['nodes[1].rack']],
    ['a loopback host among others', 'nodes:\n  - { nodeId: 1, host: a }\n  - { nodeId: 2, host: b }\n  - { nodeId: 3 }', ['nodes[2].host']],
    [
      'as many in-sync replicas as a topic has',
      'defaults: { config: { min.insync.replicas: 3 } }\nnodes: [{ nodeId: 1 }, { nodeId: 2 }, { nodeId: 3 }]',
      ['defaults.config.min.insync.replicas'],
    ],
    ['nothing', 'defaults: { config: { min.insync.replicas: 2 } }\nnodes: [{ nodeId: 1 }, { nodeId: 2 }, { nodeId: 3 }]', []],
  ])('warns of what is probably not meant: %s', async (_, text, keys) => {
    expect((await parseCluster(PATH, text)).warnings.map((warning) => warning.key)).toEqual(keys)
  })

  it('names every fault at once', async () => {
    const faults = await faultsOf('clusterNam: a\nnodes:\n  - nodeId: -1\n    grpcPort: 0\n')
    expect(faults).toHaveLength(3)
  })

  it('names faults of form, of configs and of the nodes taken together at once, by line', async () => {
    const text = `defaults:
  config: { min.insync.replicas: 9, log.segment.byte: 1 }
  rack: 7
nodes:
  - { nodeId: 1, dataDirs: [a] }
  - { nodeId: 1, grpcPort: 99999, kafkaPort: 2, httpPort: 3, dataDirs: [a] }
`
    expect(await faultsOf(text)).toEqual([
      '2: defaults.config.log.segment.byte is 1, expected another key (did you mean log.segment.bytes?)',
      '2: defaults.config.min.insync.replicas is 9, expected at most 2, the number of brokers',
      '3: defaults.rack is 7, expected a name, or null for none',
      '6: nodes[1].grpcPort is 99999, expected a port from 1 to 65535',
      '6: nodes[1].nodeId is 1, expected a node id of its own (nodes[0].nodeId has this one)',
      '6: nodes[1].dataDirs is "a", expected a data folder of its own (nodes[0].dataDirs has this one)',
    ])
  })

  it('finds what a node has twice though its host is wrong, and takes it for no other node', async () => {
    const wrong = '{ nodeId: 1, host: 0.0.0.0, grpcPort: 9192, kafkaPort: 9192, dataDirs: [a, a] }'
    expect(await faultsOf(`nodes:\n  - ${wrong}\n  - { nodeId: 2, grpcPort: 9192, dataDirs: [a] }\n`)).toEqual([
      '2: nodes[0].host is "0.0.0.0", expected a host name or address that others can reach, without a port',
      '2: nodes[0].kafkaPort is 9192, expected a port of its own (nodes[0].grpcPort has this one)',
      '2: nodes[0].dataDirs[1] is "a", expected a data folder of its own (nodes[0].dataDirs[0] has this one)',
    ])
  })

  it.each([
    ['a port', '{ nodeId: 2, grpcPort: 99999 }, { nodeId: 3, grpcPort: 9193 }'],
    ['a host', '{ nodeId: 2, host: 7, grpcPort: 9192 }'],
    ['a folder', '{ nodeId: 2, dataDirs: [{}] }, { nodeId: 3, dataDirs: [data/2] }'],
    ['roles', '{ nodeId: 2, roles: [boss] }'],
    ['a node id', '{ nodeId: two, rack: b }, { nodeId: 3 }'],
    ['a node', '7, { nodeId: 2 }'],
    ['a config', '{ nodeId: 2, config: { min.insync.replicas: 40000 } }'],
  ])('makes nothing of %s that is wrong: one fault', async (_, nodes) => {
    expect(await faultsOf(`nodes: [{ nodeId: 1, roles: [broker] }, ${nodes}, { nodeId: 9, roles: [controller] }]`)).toHaveLength(1)
  })

  it('says so when there is none', async () => {
    await expect(loadCluster('/no/such/file.yaml')).rejects.toThrow('there is no file at /no/such/file.yaml')
  })

  it('comes with an example that is right', async () => {
    const { nodes } = await loadCluster(join(import.meta.dirname, '../../cluster-configs/three-node.yaml'))
    expect(nodes.map((node) => node.options.address.grpcPort)).toEqual([9192, 9193, 9194])
  })
})

describe('the table of config keys', () => {
  it('docs/configuration.md is fresh (made anew by: npm run build && node scripts/docs.mjs)', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8')
    const section = (name: string): string | undefined => new RegExp(`<!-- ${name} -->\\n([\\s\\S]*?)\\n<!-- end of ${name} -->`).exec(page)?.[1]
    expect(section('config keys')).toBe(configKeysMarkdown())
    expect(section('variables')).toBe(variablesMarkdown())
    for (const name of readdirSync(join(import.meta.dirname, '../../cluster-configs'))) expect(page).toContain(`](../cluster-configs/${name})`)
  })

  it('covers every number of NodeConfig once, each default within its bounds (rules 8)', () => {
    const defaults = defaultNodeConfig()
    expect(Object.keys(defaults)).toHaveLength(configKeys.length)
    for (const key of configKeys) {
      if (key.type === 'int' && key.default !== null) expect(key.default >= key.min && key.default <= key.max, key.field).toBe(true)
    }
    expect(defaults).toEqual({
      minInSyncReplicas: null,
      maxMessageBytes: 1_048_588,
      segmentBytes: 536_870_912,
      indexIntervalBytes: 4_096,
      replicaLagTimeMaxMs: 5_000,
      tailCacheBytes: 67_108_864,
      produceInFlightBytes: 67_108_864,
      checkpointIntervalMs: 5_000,
      producerIdExpirationMs: 86_400_000,
      quarantineMs: 60_000,
      retentionMs: 604_800_000,
      retentionBytes: -1,
      segmentMs: 604_800_000,
      timestampType: 'CreateTime',
      timestampBeforeMaxMs: 9_007_199_254_740_991,
      timestampAfterMaxMs: 3_600_000,
      retentionCheckIntervalMs: 300_000,
      metadataSnapshotBytes: 20_971_520,
      metadataSnapshotMs: 3_600_000,
      leaderBalanceMs: 300_000,
      sessionTimeoutMs: 3_000,
      electionTimeoutMs: 1_000,
    })
  })
})
