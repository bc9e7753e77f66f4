import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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
    expect(table.stdout.split('\n').map((line) => line.replace(folder, 'DIR'))).toEqual([
      'Node  Roles              Grpc            Http            Rack  Folder',
      '   1  controller,broker  127.0.0.1:9192  127.0.0.1:9292  -     DIR/one',
      '   2  broker             127.0.0.1:9193  -               b     DIR/data/2',
      '',
      'Config                                             Value  Nodes',
      'min.insync.replicas                                    -  1,2',
      'message.max.bytes                                1048588  1,2',
      'log.segment.bytes                              536870912  1',
      'log.segment.bytes                                2097152  2',
      'log.index.interval.bytes                            4096  1,2',
      'replica.lag.time.max.ms                             5000  1,2',
      'tail.cache.bytes                                67108864  1,2',
      'queued.max.request.bytes                        67108864  1,2',
      'replica.high.watermark.checkpoint.interval.ms       5000  1,2',
      'producer.id.expiration.ms                       86400000  1,2',
      'log.segment.delete.delay.ms                        60000  1,2',
      '',
    ])
    const json = await oxbow(['config', 'check', path, '-o', 'json'])
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: true,
      clusterName: 'oxbow',
      nodes: [
        { nodeId: 1, kafka: null, dataDir: join(folder, 'one'), config: { 'min.insync.replicas': null, 'message.max.bytes': 1_048_588 } },
        { nodeId: 2, roles: ['broker'], http: null, rack: 'b', config: { 'log.segment.bytes': 2_097_152 } },
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

  it('tells of keys that do nothing yet', async () => {
    writeFileSync(path, 'defaults: { config: { log.retention.ms: 1 } }\nnodes: [{ nodeId: 1 }]\n')
    expect((await oxbow(['config', 'check', path])).stderr).toBe('notice: log.retention.ms: nothing is deleted by age in this version\n')
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
