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
    writeFileSync(path, 'nodes:\n  - { nodeId: 1, dataDirs: [one] }\n  - { nodeId: 2, roles: [broker], httpPort: null, rack: b }\n')
    const table = await oxbow(['config', 'check', path])
    expect(table.code).toBe(0)
    expect(table.stdout.split('\n').map((line) => line.replace(folder, 'DIR'))).toEqual([
      'Node  Roles              Grpc            Http            Rack  Folder',
      '   1  controller,broker  127.0.0.1:9192  127.0.0.1:9292  -     DIR/one',
      '   2  broker             127.0.0.1:9193  -               b     DIR/data/2',
      '',
    ])
    const json = await oxbow(['config', 'check', path, '-o', 'json'])
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: true,
      clusterName: 'oxbow',
      nodes: [
        { nodeId: 1, kafka: null, dataDir: join(folder, 'one'), config: { maxMessageBytes: 1_048_588 } },
        { nodeId: 2, roles: ['broker'], http: null, rack: 'b' },
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
    expect(JSON.parse(json.stdout)).toEqual({
      valid: false,
      faults: [
        { key: 'nodes[0].grpcPort', value: 99999, expected: 'a port from 1 to 65535', line: 3 },
        { key: 'nodes[0].htpPort', value: 1, expected: 'another key (did you mean httpPort?)', line: 4 },
      ],
    })
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
