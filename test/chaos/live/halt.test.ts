import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { afterEach, expect, it } from 'vitest'
import { waitFor } from '../../../chaos/live/cluster-process.ts'
import { halt } from '../../../chaos/live/halt.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function sleeper(): number {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  children.push(child)
  return child.pid as number
}

function stateOf(pid: number): string {
  return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })[0] ?? ''
}

it('halts processes until they are woken', async () => {
  const pids = [sleeper(), sleeper()]
  const wake = halt(pids)
  await waitFor('they are halted', 5_000, () => (pids.every((pid) => stateOf(pid) === 'T') ? true : undefined))
  wake()
  await waitFor('they go on', 5_000, () => (pids.every((pid) => stateOf(pid) !== 'T') ? true : undefined))
})

it('halts none where one of them is not there', async () => {
  const [one, gone] = [sleeper(), spawn('true').pid as number]
  await waitFor('it is gone', 5_000, () => {
    try {
      process.kill(gone, 0)
      return undefined
    } catch {
      return true
    }
  })
  expect(() => halt([one, gone])).toThrow('ESRCH')
  await waitFor('the other one goes on', 5_000, () => (stateOf(one) === 'T' ? undefined : true))
})
