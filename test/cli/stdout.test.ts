import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'

function cluster(): CliCluster {
  const made = new CliCluster()
  made.fake.addTopic('logs', 1)
  return made
}

/** Lines without end, a few at a time. */
async function* endless(): AsyncGenerator<string> {
  for (;;) {
    yield 'a\nb\n'
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a reader that has seen enough', () => {
  it('is no failure: not when the answer is written at the end, not while following', async () => {
    expect(await oxbow(['topic', 'list'], { cluster: cluster(), stdoutFails: 'EPIPE' })).toEqual({ code: 0, stdout: '', stderr: '' })
    const made = cluster()
    await oxbow(['produce', 'logs'], { cluster: made, stdin: ['a\n'] })
    expect(await oxbow(['consume', 'logs', '--from-beginning'], { cluster: made, stdoutFails: 'EPIPE' })).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('does not turn a failure of the command into a success', async () => {
    const run = await oxbow(['topic', 'describe', 'nope'], { stdoutFails: 'EPIPE' })
    expect(run.code).toBe(1)
  })

  it('ends produce with 1 and its summary while there are lines to send', async () => {
    const run = await oxbow(['produce', 'logs', '-o', 'json'], { cluster: cluster(), stdin: endless(), stdoutFails: 'EPIPE' })
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(
      /^\d+ records acknowledged in .*\nerror: OUTPUT_FAILED: stdout takes no more \(EPIPE: write\): nothing was sent after line \d+\n/,
    )
  })

  it('is no failure of produce once everything was sent', async () => {
    const run = await oxbow(['produce', 'logs', '-o', 'json'], { cluster: cluster(), stdin: ['a\nb\n'], stdoutFails: 'EPIPE' })
    expect(run).toMatchObject({ code: 0, stderr: expect.stringMatching(/^2 records acknowledged in .*\n$/) })
  })
})

describe('a stdout that cannot be written', () => {
  it('is 1, in one line', async () => {
    const run = await oxbow(['topic', 'list'], { cluster: cluster(), stdoutFails: 'ENOSPC' })
    expect(run).toEqual({ code: 1, stdout: '', stderr: 'error: OUTPUT_FAILED: stdout takes no more (ENOSPC: write): the answer is not complete\n' })
  })

  it('ends what follows', async () => {
    const made = cluster()
    await oxbow(['produce', 'logs'], { cluster: made, stdin: ['a\n'] })
    const run = await oxbow(['consume', 'logs', '--from-beginning', '-o', 'json'], { cluster: made, stdoutFails: 'ENOSPC' })
    expect(run.code).toBe(1)
    expect(JSON.parse(run.stderr.split('\n')[1] ?? '')).toMatchObject({ error: { code: 'OUTPUT_FAILED', definite: false } })
  })

  it('ends produce with its summary, even when everything was sent', async () => {
    const run = await oxbow(['produce', 'logs', '-o', 'json'], { cluster: cluster(), stdin: ['a\nb\n'], stdoutFails: 'ENOSPC' })
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/^2 records acknowledged in .*\nerror: OUTPUT_FAILED: stdout takes no more \(ENOSPC: write\): the answer is not complete\n/)
  })
})
