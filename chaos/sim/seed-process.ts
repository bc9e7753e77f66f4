import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { SeedLine } from './seed-line.ts'

/** A stretch of seeds in a process of its own. */
export interface SeedProcess {
  /** Resolves when it has ended; rejects when it broke down instead of finding a verdict. */
  readonly ended: Promise<void>
  kill(): void
}

export interface SeedProcessOptions {
  /** A built chaos/sim/child.js: of this build, or of a mutated copy. */
  readonly script: string
  readonly fromSeed: number
  readonly toSeed: number
  /** Each seed that it divides is run a second time; 0: none. */
  readonly twice?: number
  /** A scripted scenario instead of what the seeds would draw. */
  readonly scenario?: string
  readonly line: (line: SeedLine) => void
}

/** Most of what a seed makes dies young: a larger nursery copies less of it. */
const YOUNG_OBJECTS = '--max-semi-space-size=64'

/** Starts a process that runs the seeds and says a line for each. */
export function startSeedProcess(options: SeedProcessOptions): SeedProcess {
  const { script, fromSeed, toSeed, twice = 0, scenario, line } = options
  const args = [script, String(fromSeed), String(toSeed), String(twice), ...(scenario === undefined ? [] : [scenario])]
  const child = spawn(process.execPath, [YOUNG_OBJECTS, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  createInterface({ input: child.stdout }).on('line', (text) => line(JSON.parse(text) as SeedLine))
  let killed = false
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0 || killed) resolve()
      else reject(new Error(`the process with seeds ${fromSeed}..${toSeed} ended with ${signal ?? `exit code ${code}`}`))
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
