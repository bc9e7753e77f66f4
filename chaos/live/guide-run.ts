import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onLines, whenEnded } from './cli-process.ts'
import { sleep, waitFor } from './cluster-process.ts'
import { reasonNotToRun } from './guide-needs.ts'
import { type GuideCommand, type GuideStep, matchesOutput } from './guide-text.ts'

const COMMAND_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 10_000

interface Running {
  readonly child: ChildProcess
  readonly lines: string[]
  readonly ended: Promise<number | null>
}

/** As a terminal runs it: stdout and stderr together, a process group of its own. */
export function runInTerminal(command: string, folder: string, env: NodeJS.ProcessEnv = {}): Running {
  const whole = { ...process.env, NO_COLOR: '1', npm_config_loglevel: 'error', OXBOW_BOOTSTRAP: undefined, ...env }
  const child = spawn('bash', ['-c', `exec 2>&1\n${command}`], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], detached: true, env: whole })
  const lines: string[] = []
  onLines(child.stdout, (line) => lines.push(line))
  return { child, lines, ended: whenEnded(child) }
}

function signal({ child }: Running, name: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  process.kill(-child.pid, name)
}

/** Ctrl-C, and harder when that is not enough. Answers whether Ctrl-C was. */
async function stop(running: Running, timeoutMs: number): Promise<boolean> {
  signal(running, 'SIGINT')
  const obeyed = await Promise.race([running.ended.then(() => true), sleep(timeoutMs).then(() => false)])
  if (!obeyed) signal(running, 'SIGKILL')
  await running.ended
  return obeyed
}

/** One page, followed by a reader who does what it says, in its order. */
export interface PageRun {
  /** As it is named in what is said. */
  readonly path: string
  readonly steps: readonly GuideStep[]
  /** The folder that the reader is in. */
  readonly folder: string
  readonly env?: NodeJS.ProcessEnv
  /** Commands that need no second time in this folder; those that were run are added. */
  readonly once?: Map<string, boolean>
  /** Why a block with this need is passed over; undefined: it is not. */
  readonly passOver?: (need: string) => string | undefined
  readonly timeoutMs?: number
  readonly stopTimeoutMs?: number
  readonly say?: (line: string) => void
}

class Page {
  readonly #run: PageRun
  readonly #terminals: Running[] = []

  constructor(run: PageRun) {
    this.#run = run
  }

  /** What went wrong with one command; undefined: it did what the guide says. */
  async play(step: GuideCommand): Promise<string | undefined> {
    const running = runInTerminal(step.command, this.#run.folder, this.#run.env)
    if (step.stays) return this.#leave(step, running)
    const timeoutMs = this.#run.timeoutMs ?? COMMAND_TIMEOUT_MS
    const timer = setTimeout(() => signal(running, 'SIGKILL'), timeoutMs)
    const code = await running.ended
    clearTimeout(timer)
    if (code === null) return `was not done within ${timeoutMs} ms:\n${running.lines.join('\n')}`
    if (code !== step.exitCode) return `ended with ${code}, not ${step.exitCode}:\n${running.lines.join('\n')}`
    if (step.expected.length > 0 && !matchesOutput(step.expected, running.lines)) {
      return `printed\n${running.lines.join('\n')}\nbut the guide shows\n${step.expected.join('\n')}`
    }
    return undefined
  }

  /** Goes on once the command that stays in its terminal has printed what is shown. */
  async #leave(step: GuideCommand, running: Running): Promise<string | undefined> {
    this.#terminals.push(running)
    const expected = step.expected.length === 0 ? [] : ['…', ...step.expected, '…']
    const seen = waitFor('what the guide shows', this.#run.timeoutMs ?? COMMAND_TIMEOUT_MS, () =>
      expected.length === 0 || matchesOutput(expected, running.lines) ? 'shown' : running.child.exitCode !== null ? 'ended' : undefined,
    ).catch(() => 'not shown')
    if ((await seen) === 'shown') return undefined
    return `${running.child.exitCode === null ? 'goes on' : `ended with ${running.child.exitCode}`} and printed\n${running.lines.join('\n')}\nbut the guide shows\n${step.expected.join('\n')}`
  }

  /** Ctrl-C in every terminal, the last one first. Answers whether that was enough. */
  async close(): Promise<boolean> {
    let obeyed = true
    for (const running of this.#terminals.reverse()) obeyed = (await stop(running, this.#run.stopTimeoutMs ?? STOP_TIMEOUT_MS)) && obeyed
    return obeyed
  }
}

/** Does what a page says, and says of each command whether it did what the page shows. Answers whether all did. */
export async function followPage(run: PageRun): Promise<boolean> {
  const say = run.say ?? console.log
  const page = new Page(run)
  let holds = true
  try {
    for (const step of run.steps) {
      if (step.type === 'file') {
        writeFileSync(join(run.folder, step.name), step.content)
        continue
      }
      const where = `${run.path}:${step.line}: ${step.command.split('\n')[0]}`
      const reason = step.needs === undefined ? undefined : (run.passOver ?? reasonNotToRun)(step.needs)
      if (reason !== undefined || run.once?.get(step.command) === true) {
        say(`skip ${where} (${reason ?? 'done before'})`)
        continue
      }
      const began = performance.now()
      const fault = await page.play(step)
      say(fault === undefined ? `ok   ${where} (${Math.round(performance.now() - began)} ms)` : `FAIL ${where} ${fault}`)
      if (fault !== undefined) holds = false
      if (run.once?.has(step.command) === true) run.once.set(step.command, fault === undefined)
      // Without what should stay, all that follows would wait for it in vain.
      if (fault !== undefined && step.stays) break
    }
  } finally {
    if (!(await page.close())) {
      say(`FAIL ${run.path}: Ctrl-C did not stop what stays in its terminal`)
      holds = false
    }
  }
  return holds
}
