import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onLines, whenEnded } from './cli-process.ts'
import { ROOT, sleep, waitFor } from './cluster-process.ts'
import { type GuideCommand, matchesOutput, readGuide } from './guide-text.ts'

/** What a newcomer reads first, in the order of reading. */
const GUIDES = ['README.md', 'docs/quickstart.md']
const COMMAND_TIMEOUT_MS = 180_000
const STOP_TIMEOUT_MS = 10_000

interface Running {
  readonly child: ChildProcess
  readonly lines: string[]
  readonly ended: Promise<number | null>
}

/** As a terminal runs it: stdout and stderr together, a process group of its own. */
function run(command: string, folder: string): Running {
  const env = { ...process.env, NO_COLOR: '1', npm_config_loglevel: 'error', OXBOW_BOOTSTRAP: undefined }
  const child = spawn('bash', ['-c', `exec 2>&1\n${command}`], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], detached: true, env })
  const lines: string[] = []
  onLines(child.stdout, (line) => lines.push(line))
  return { child, lines, ended: whenEnded(child) }
}

function signal({ child }: Running, name: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  process.kill(-child.pid, name)
}

/** Ctrl-C, and harder when that is not enough. Answers whether Ctrl-C was. */
async function stop(running: Running): Promise<boolean> {
  signal(running, 'SIGINT')
  const obeyed = await Promise.race([running.ended.then(() => true), sleep(STOP_TIMEOUT_MS).then(() => false)])
  if (!obeyed) signal(running, 'SIGKILL')
  await running.ended
  return obeyed
}

/** What went wrong with one command; undefined: it did what the guide says. What stays is added to `terminals`. */
async function play(step: GuideCommand, folder: string, terminals: Running[]): Promise<string | undefined> {
  const running = run(step.command, folder)
  if (step.stays) {
    terminals.push(running)
    const expected = step.expected.length === 0 ? [] : ['…', ...step.expected, '…']
    await waitFor(`what "${step.command}" prints`, COMMAND_TIMEOUT_MS, () => {
      if (running.child.exitCode !== null) throw new Error(`it ended with ${running.child.exitCode}: ${running.lines.join('\n')}`)
      return matchesOutput(expected, running.lines) ? true : undefined
    })
    return undefined
  }
  const timer = setTimeout(() => signal(running, 'SIGKILL'), COMMAND_TIMEOUT_MS)
  const code = await running.ended
  clearTimeout(timer)
  if (code !== step.exitCode) return `ended with ${code}, not ${step.exitCode}:\n${running.lines.join('\n')}`
  if (step.expected.length > 0 && !matchesOutput(step.expected, running.lines)) {
    return `printed\n${running.lines.join('\n')}\nbut the guide shows\n${step.expected.join('\n')}`
  }
  return undefined
}

async function follow(path: string, folder: string): Promise<boolean> {
  const terminals: Running[] = []
  let holds = true
  try {
    for (const step of readGuide(readFileSync(join(folder, path), 'utf8'))) {
      if (step.type === 'file') {
        writeFileSync(join(folder, step.name), step.content)
        continue
      }
      const began = performance.now()
      const fault = await play(step, folder, terminals)
      const where = `${path}:${step.line}: ${step.command.split('\n')[0]}`
      console.log(fault === undefined ? `ok   ${where} (${Math.round(performance.now() - began)} ms)` : `FAIL ${where} ${fault}`)
      if (fault !== undefined) holds = false
    }
  } finally {
    for (const running of terminals.reverse()) {
      const obeyed = await stop(running)
      if (!obeyed) console.log(`FAIL ${path}: Ctrl-C did not stop what stays in its terminal`)
      holds &&= obeyed
    }
  }
  return holds
}

/** Clones what is committed and does what its first pages say, command by command; compares what is printed where the page shows it. */
export async function firstTenMinutes(guides: readonly string[]): Promise<boolean> {
  const scratch = mkdtempSync(join(tmpdir(), 'oxbow-first-ten-minutes-'))
  const folder = join(scratch, 'oxbow')
  try {
    const clone = run(`git clone --quiet --no-hardlinks '${ROOT}' '${folder}'`, scratch)
    if ((await clone.ended) !== 0) throw new Error(clone.lines.join('\n'))
    let holds = true
    for (const path of guides.length > 0 ? guides : GUIDES) holds = (await follow(path, folder)) && holds
    return holds
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
