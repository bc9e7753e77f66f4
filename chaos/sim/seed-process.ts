import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { ChildOptions } from './child-options.ts'
import type { SeedLine } from './seed-line.ts'

/** A process that runs seeds. */
export interface SeedProcess {
  /** Resolves when it has ended; rejects when it broke down instead of finding a verdict. */
  readonly ended: Promise<void>
  kill(): void
}

export interface SeedProcessOptions extends ChildOptions {
  /** A built chaos/sim/child.js: of this build, or of a mutated copy. */
  readonly script: string
  /** Each is taken when the one before is done, so that several processes can share an iterator and end together. */
  readonly seeds: Iterable<number>
  readonly line: (line: SeedLine) => void
}

/**
 * Most of what a seed makes dies young: a larger nursery copies less of it, but does not fit into the caches of a processor. Threads that help to clear it are
 * not worth what they cost where each processor has a process of its own.
 */
const GARBAGE = ['--max-semi-space-size=16', '--single-threaded-gc']

/** Starts a process that runs the seeds and says a line for each. */
export function startSeedProcess(options: SeedProcessOptions): SeedProcess {
  const { script, seeds, line, ...told } = options
  const child = spawn(process.execPath, [...GARBAGE, script, JSON.stringify(told)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const left = seeds[Symbol.iterator]()
  let seed: number | undefined
  const next = (): void => {
    const { done, value } = left.next()
    seed = done === true ? undefined : value
    if (seed === undefined) child.stdin.end()
    else child.stdin.write(`${seed}\n`)
  }
  // What breaks the pipe is that the process ended: 'close' says how.
  child.stdin.on('error', () => undefined)
  createInterface({ input: child.stdout }).on('line', (text) => {
    line(JSON.parse(text) as SeedLine)
    next()
  })
  next()
  let killed = false
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0 || killed) resolve()
      else reject(new Error(`the process with seed ${seed} ended with ${signal ?? `exit code ${code}`}`))
    })
  })
  return {
    ended,
    kill: () => {
      killed = true
      child.kill('SIGKILL')
    },
  }
}
