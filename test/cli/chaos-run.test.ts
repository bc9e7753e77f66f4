import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { oxbow } from './harness.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-run-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** What it does is tried on real processes: test/live/chaos.test.ts. */
describe('oxbow chaos run refuses, before anything is started,', () => {
  it.each([
    [['--faults', 'kil'], 'there is no fault "kil"'],
    [['--faults', 'partition-ring', '--nodes', '3'], 'partition-ring needs 5 nodes or more, not 3'],
    [['--faults', 'partition', '--nodes', '2'], 'no fault of "partition" can be done here, with 2 nodes'],
    [['--delivery-timeout', '5'], 'a time such as 90s, 5m or 1h is expected'],
    [['--time', '5'], 'a time such as 90s, 5m or 1h is expected'],
    [['--time', '0s'], 'a time such as 90s, 5m or 1h is expected'],
    [['--nodes', '10'], 'a whole number from 1 to 9 is expected'],
    [['--acks', '2'], "'2' is invalid"],
    [['--bootstrap', 'localhost:1', '--nodes', '3'], "option '--nodes <n>' cannot be used with option '--bootstrap <host:port,…>'"],
    [['--namespaces', '--faults', 'kill, delay'], 'delay needs links between the nodes, which there are not with --namespaces'],
    [['--bootstrap', 'localhost'], '"localhost" is not HOST:PORT'],
    [['--bootstrap', 'localhost:1', '--faults', 'reset,kill'], 'kill is done to nodes, and those of a cluster that runs already are not ours'],
  ])('%j', async (args, sentence) => {
    const out = join(folder, 'out')
    const { code, stdout, stderr } = await oxbow(['chaos', 'run', '--time', '1s', '--out', out, ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(sentence)
    expect(readdirSync(folder)).toEqual([])
  })

  it('a folder that has something in it', async () => {
    writeFileSync(join(folder, 'precious'), '')
    const { code, stderr } = await oxbow(['chaos', 'run', '--time', '1s', '--out', folder])
    expect(code).toBe(2)
    expect(stderr).toContain(`there is something in ${folder} already`)
    expect(readdirSync(folder)).toEqual(['precious'])
  })
})
