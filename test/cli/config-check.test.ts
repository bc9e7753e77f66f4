import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { configKeys } from '../../src/node/config-keys.ts'
import { oxbow } from './harness.ts'

describe('config check', () => {
  let folder = ''
  let path = ''

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oxbow-test-'))
    path = join(folder, 'cluster.yaml')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('says what each node would run as', async () => {
    writeFileSync(
      path,
      'nodes:\n  - { nodeId: 1, dataDirs: [one] }\n  - { nodeId: 2, roles: [broker], httpPort: null, rack: b, config: { segment.bytes: 2097152 } }\n',
    )
    const table = await oxbow(['config', 'check', path])
    expect(table.code).toBe(0)
    const lines = table.stdout.split('\n').map((line) => line.replace(folder, 'DIR'))
    // How wide the columns are is said by the longest config.
    const rows = lines.map((line) => line.replace(/ {2,}/g, '  '))
    expect(lines.slice(0, 4)).toEqual([
      'Node  Roles              Grpc            Http            Rack  Folders',
      '   1  controller,broker  127.0.0.1:9192  127.0.0.1:9292  -     DIR/one',
      '   2  broker             127.0.0.1:9193  -               b     DIR/data/2',
      '',
    ])
    expect(rows).toContain('Config  Value  Source  Nodes')
    expect(rows).toContain('message.max.bytes  1048588  default  1,2')
    expect(rows).toContain('log.segment.bytes  536870912  default  1')
    expect(rows).toContain('log.segment.bytes  2097152  file  2')
    expect(lines).toHaveLength(4 + 1 + configKeys.length + 1 + 1)
    const json = await oxbow(['config', 'check', path, '-o', 'json'])
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: true,
      clusterName: 'oxbow',
      nodes: [
        { nodeId: 1, kafka: null, dataDir: join(folder, 'one'), config: { 'min.insync.replicas': null, 'message.max.bytes': 1_048_588 } },
        {
          nodeId: 2,
          roles: ['broker'],
          http: null,
          rack: 'b',
          config: { 'log.segment.bytes': 2_097_152 },
          sources: { rack: 'file', config: { 'log.segment.bytes': 'file' } },
        },
      ],
    })
  })

  it('says every fault with its key, value and line, and ends with 2', async () => {
    writeFileSync(path, 'nodes:\n  - nodeId: 1\n    grpcPort: 99999\n    htpPort: 1\n')
    const table = await oxbow(['config', 'check', path])
    expect(table.code).toBe(2)
    expect(table.stdout).toBe(
      `${path}:3: nodes[0].grpcPort is 99999, expected a port from 1 to 65535\n${path}:4: nodes[0].htpPort is 1, expected another key (did you mean httpPort?)\n`,
    )
    expect(table.stderr).toBe(`error: INVALID_CONFIG: ${path} has 2 faults (mend what is named above)\n`)
    const json = await oxbow(['config', 'check', path, '-o', 'json'])
    expect(json.code).toBe(2)
    expect(JSON.parse(json.stderr.split('\n')[1] ?? '')).toEqual({
      error: { code: 'INVALID_CONFIG', message: `${path} has 2 faults`, retriable: false, definite: true },
    })
    expect(JSON.parse(json.stdout)).toEqual({
      valid: false,
      faults: [
        { key: 'nodes[0].grpcPort', value: 99999, expected: 'a port from 1 to 65535', line: 3 },
        { key: 'nodes[0].htpPort', value: 1, expected: 'another key (did you mean httpPort?)', line: 4 },
      ],
    })
  })

  it('prints null as the value of a key that is missing', async () => {
    writeFileSync(path, 'nodes:\n  - host: a\n')
    const json = await oxbow(['config', 'check', path, '-o', 'json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ faults: [{ key: 'nodes[0].nodeId', value: null, line: 2 }] })
  })

  it('says that there is no such file', async () => {
    const run = await oxbow(['config', 'check', 'nope.yaml', '-o', 'json'])
    expect(run).toMatchObject({ code: 2, stdout: '' })
    expect(run.stderr.split('\n')[0]).toBe(
      'error: INVALID_CONFIG: there is no file at nope.yaml (name a cluster file; cluster-configs/three-node.yaml is an example)',
    )
    expect(JSON.parse(run.stderr.split('\n')[1] ?? '')).toMatchObject({ error: { code: 'INVALID_CONFIG', message: 'there is no file at nope.yaml' } })
  })

  it('shows what the environment says, of the node that is named, and warns of what is doubtful', async () => {
    writeFileSync(path, 'nodes:\n  - { nodeId: 1, rack: a }\n  - { nodeId: 2 }\n')
    const env = { OXBOW_HOST: 'localhost', OXBOW_CONFIG_LOG_RETENTION_MS: '5' }
    const all = await oxbow(['config', 'check', path], { env })
    expect(all.stderr.split('\n')).toEqual([
      expect.stringMatching(/^warning: .*:1: nodes is 2, expected an odd number of nodes with the role controller/),
      expect.stringMatching(/^warning: .*:3: nodes\[1\]\.rack is null, expected a rack/),
      'notice: OXBOW_HOST is for one node: name it with --node or OXBOW_NODE_ID to see it here',
      '',
    ])
    expect(all.stdout).toMatch(/log\.retention\.ms +5 {2}environment {2}1,2\n/)
    const one = await oxbow(['config', 'check', '--node', '2', '-o', 'json'], { env: { ...env, OXBOW_CONFIG: path } })
    expect(JSON.parse(one.stdout)).toMatchObject({
      nodes: [{ grpc: '127.0.0.1:9192' }, { grpc: 'localhost:9193', sources: { host: 'environment', grpcPort: 'default' } }],
      warnings: [
        { key: 'nodes', line: 1 },
        { key: 'nodes[1].rack', line: 3 },
      ],
    })
    expect(await oxbow(['config', 'check', path, '--node', '7'], { env })).toMatchObject({ code: 2, stdout: '' })
    expect(await oxbow(['config', 'check'], {})).toMatchObject({ code: 2, stdout: '' })
  })

  it('says faults of the environment with those of the file; a node and oxbow dev refuse them too', async () => {
    writeFileSync(path, 'nodes: [{ nodeId: 1, htpPort: 1 }]\n')
    const env = { OXBOW_GRCP_PORT: '1' }
    const check = await oxbow(['config', 'check', path, '-o', 'json'], { env })
    expect(JSON.parse(check.stdout)).toMatchObject({
      faults: [
        { key: 'OXBOW_GRCP_PORT', value: '1', line: null },
        { key: 'nodes[0].htpPort', line: 1 },
      ],
    })
    const said = 'OXBOW_GRCP_PORT is "1", expected another variable (did you mean OXBOW_GRPC_PORT?)'
    for (const command of [
      ['dev', '--data', join(folder, 'data')],
      ['topic', 'list'],
    ]) {
      const run = await oxbow(command, { env })
      expect([run.code, run.stdout, run.stderr]).toEqual([2, '', `error: USAGE: environment: ${said} (correct it, or unset it)\n`])
    }
    const dev = await oxbow(['dev', '--data', join(folder, 'data')], { env: { OXBOW_GRPC_PORT: '7000' } })
    expect([dev.code, dev.stderr]).toEqual([2, expect.stringMatching(/^error: USAGE: OXBOW_GRPC_PORT is for one node, and oxbow dev starts several/)])
  })

  it('names the first fault when a server is to start with such a file', async () => {
    writeFileSync(path, 'nodes:\n  - nodeId: 1\n    grpcPort: 99999\n    htpPort: 1\n')
    const run = await oxbow(['dev', '--config', path, '--data', join(folder, 'data')])
    expect(run).toMatchObject({ code: 2, stdout: '' })
    expect(run.stderr).toBe(
      `error: INVALID_CONFIG: ${path}:3: nodes[0].grpcPort is 99999, expected a port from 1 to 65535 (and 1 more; all of them: oxbow config check ${path})\n`,
    )
  })
})
