import { spawn } from 'node:child_process'

/**
 * Halts processes, all or none, and answers how they are woken. Should this process be killed meanwhile, they are woken all the same: halted, they would not
 * notice that nobody is there any more, and stay for ever.
 */
export function halt(pids: readonly number[]): () => void {
  // Reads until the pipe from here ends, as it does with whoever holds it.
  const guard = spawn('sh', ['-c', 'read -r _; kill -CONT "$@"', 'sh', ...pids.map(String)], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  // Without it all goes on, but for that.
  guard.on('error', () => undefined)
  guard.unref()
  const wakeAll = (): void => {
    guard.kill('SIGKILL')
    for (const pid of pids) wake(pid)
  }
  try {
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
  } catch (error) {
    wakeAll()
    throw error
  }
  return wakeAll
}

function wake(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT')
  } catch {
    // It is not there any more.
  }
}
