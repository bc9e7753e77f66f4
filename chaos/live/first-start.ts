import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onLines, runCli, whenEnded } from './cli-process.ts'
import { findPortBase, ROOT, waitFor } from './cluster-process.ts'
import { isAlive } from './is-alive.ts'

/** Printed as met or missed; the machine decides as much as the code. */
const AIM_FIRST_RECORD_MS = 1_500
const STOP_LIMIT_MS = 5_000
const START_TIMEOUT_MS = 120_000
const TOPIC = 'hello'

async function run(command: string, args: readonly string[], folder: string): Promise<void> {
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
  const code = await whenEnded(child)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`)
}

interface Fact {
  readonly what: string
  readonly holds: boolean
}

/** What `oxbow dev` has printed so far; the command in a process group of its own, as a terminal has it. */
interface Dev {
  readonly child: ChildProcess
  readonly lines: string[]
  readonly ended: Promise<number | null>
}

function startDev(folder: string, portBase: number): Dev {
  const child = spawn('npm', ['start', '--', '--port-base', String(portBase)], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const lines: string[] = []
  onLines(child.stdout, (line) => lines.push(line))
  onLines(child.stderr, (line) => lines.push(line))
  return { child, lines, ended: whenEnded(child) }
}

/** Ctrl-C as a terminal sends it: to the whole group. Answers the milliseconds until the command is over. */
async function interrupt({ child, ended }: Dev): Promise<number> {
  const beganMs = performance.now()
  process.kill(-(child.pid as number), 'SIGINT')
  await ended
  return performance.now() - beganMs
}

async function tryOut(folder: string, dev: Dev): Promise<Fact[]> {
  const ready = await waitFor('oxbow dev acknowledged a record', START_TIMEOUT_MS, () => {
    if (dev.child.exitCode !== null) throw new Error(`npm start ended: ${dev.lines.join('\n')}`)
    return dev.lines.map((line) => /First acknowledged record after (\d+) ms/.exec(line)?.[1]).find((found) => found !== undefined)
  })
  console.log(
    `first acknowledged record after ${ready} ms from the start of oxbow dev (aim: under ${AIM_FIRST_RECORD_MS}): ${Number(ready) < AIM_FIRST_RECORD_MS ? 'met' : 'missed'}`,
  )
  const state = JSON.parse(readFileSync(join(folder, 'data', 'cluster.json'), 'utf8')) as { nodes: { pid: number; grpc: string }[] }
  const bootstrap = ['--bootstrap', state.nodes.map((node) => node.grpc).join(',')]
  const lines = Array.from({ length: 1_000 }, (_, at) => `line ${at + 1}`)
  const produced = await runCli(['produce', TOPIC, ...bootstrap], { input: `${lines.join('\n')}\n`, folder })
  const consumed = await runCli(['consume', TOPIC, '--from-beginning', '--exit-at-end', ...bootstrap], { folder })
  const found = consumed.stdout.split('\n').filter((line) => line.startsWith('line '))
  const stoppedMs = await interrupt(dev)
  console.log(`Ctrl-C to the end: ${Math.round(stoppedMs)} ms`)
  return [
    { what: 'three nodes with pids of their own', holds: new Set(state.nodes.map((node) => node.pid)).size === 3 },
    { what: `produce ends with 0 (${produced.code}) ${produced.stderr.trim()}`, holds: produced.code === 0 },
    { what: `consume ends with 0 (${consumed.code})`, holds: consumed.code === 0 },
    { what: `1,000 lines come back, each once (${found.length})`, holds: found.length === lines.length && new Set(found).size === lines.length },
    { what: `Ctrl-C stops all in under ${STOP_LIMIT_MS} ms`, holds: stoppedMs < STOP_LIMIT_MS },
    { what: 'no node is left running', holds: state.nodes.every((node) => !isAlive(node.pid)) },
  ]
}

/** What a stranger does: clone, two commands, wait, produce, consume, Ctrl-C. Tests what is committed. */
export async function firstStart(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-first-start-'))
  let dev: Dev | undefined
  try {
    await run('git', ['clone', '--quiet', '--no-hardlinks', ROOT, folder], ROOT)
    await run('npm', ['ci', '--no-audit', '--no-fund'], folder)
    dev = startDev(folder, await findPortBase(3))
    const facts = await tryOut(folder, dev)
    for (const { what, holds } of facts) console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}`)
    return facts.every((fact) => fact.holds)
  } finally {
    if (dev?.child.exitCode === null && dev.child.signalCode === null) await interrupt(dev)
    rmSync(folder, { recursive: true, force: true })
  }
}
