import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AttachedCluster, AttachError } from '../../chaos/live/attached-cluster.ts'
import { ChaosExperiment } from '../../chaos/live/chaos-run.ts'
import { NotBegunError, RefusedTopicError } from '../../chaos/live/not-begun.ts'
import { type CliRun, oxbow } from './harness.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-run-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

async function run(...args: readonly string[]): Promise<CliRun> {
  return await oxbow(['chaos', 'run', '--time', '1s', '--out', join(folder, 'out'), ...args])
}

describe('oxbow chaos run says that it was asked for what cannot be, and exits 2, where', () => {
  it.each([
    ['the folder is a file', 'file', 'ENOTDIR'],
    ['the folder is below a file', join('file', 'out'), 'ENOTDIR'],
  ])('%s', async (_, out, code) => {
    writeFileSync(join(folder, 'file'), '')
    const path = join(folder, out)
    const { code: exit, stderr } = await run('--out', path)
    expect([exit, stderr]).toEqual([2, expect.stringContaining(`error: USAGE: no folder can be at ${path}: ${code}`)])
    expect(readdirSync(folder)).toEqual(['file'])
  })

  it('no topic can be as asked', async () => {
    vi.spyOn(ChaosExperiment.prototype, 'run').mockRejectedValue(new RefusedTopicError('no topic can be as asked: "foo" is not a topic config'))
    expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining('error: USAGE: no topic can be as asked: "foo" is not a topic config (') })
  })

  it('a broker of a cluster that runs already does not run', async () => {
    vi.spyOn(AttachedCluster, 'attach').mockRejectedValue(new AttachError('broker 2 is offline: every broker that is registered has to run'))
    expect(await run('--bootstrap', 'localhost:1')).toMatchObject({ code: 2, stderr: expect.stringContaining('error: USAGE: broker 2 is offline: ') })
  })
})

describe('oxbow chaos run says that nothing is proved, and exits 4, where', () => {
  it.each([
    ['there was no cluster', new NotBegunError('there was no cluster to begin with: 5 brokers are alive: not within 60000 ms'), 'there was no cluster'],
    ['the disk of the history is full', Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' }), 'ENOSPC'],
  ])('%s', async (_, error, sentence) => {
    vi.spyOn(ChaosExperiment.prototype, 'run').mockRejectedValue(error)
    const { code, stdout, stderr } = await run('-o', 'json')
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toContain(`error: INCONCLUSIVE: ${sentence}`)
    expect(stderr).toContain('{"error":{"code":"INCONCLUSIVE","message":')
  })
})

it('oxbow chaos run is not in doubt of what a client may never throw', async () => {
  vi.spyOn(ChaosExperiment.prototype, 'run').mockRejectedValue(new TypeError('x is not a function'))
  expect(await run()).toMatchObject({ code: 1, stderr: expect.stringContaining('error: UNKNOWN_SERVER_ERROR: x is not a function') })
})

it('oxbow chaos run that is interrupted twice ends when all is undone, and says what is left', async () => {
  let fail: (error: Error) => void = () => undefined
  vi.spyOn(ChaosExperiment.prototype, 'run').mockReturnValue(
    new Promise((_, reject) => {
      fail = reject
    }),
  )
  let end: (left: readonly string[]) => void = () => undefined
  const breakOff = vi.spyOn(ChaosExperiment.prototype, 'breakOff').mockReturnValue(
    new Promise((resolve) => {
      end = resolve
    }),
  )
  let interrupt: (() => void) | undefined
  let code: number | undefined
  const ending = oxbow(['chaos', 'run', '--out', join(folder, 'out')], { interruptible: (how) => (interrupt = how) }).then((ended) => {
    code = ended.code
    return ended.stderr
  })
  await vi.waitFor(() => expect(interrupt).toBeDefined())
  interrupt?.()
  interrupt?.()
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(code).toBeUndefined()
  // The run itself may be over before the rest is.
  fail(new NotBegunError('it was broken off'))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(code).toBeUndefined()
  end(['node 3 has no vote'])
  expect((await ending).match(/Stopping|left as it is: node 3 has no vote/g)).toEqual(['Stopping', 'left as it is: node 3 has no vote'])
  expect(code).toBe(130)
  expect(breakOff).toHaveBeenCalledOnce()
})
