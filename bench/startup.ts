import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { BIN, findPortBase } from '../chaos/live/cluster-process.ts'
import { aim, heading, line, median } from './report.ts'

const AIM_FIRST_RECORD_MS = 1_000
const AIM_TOPIC_LIST_MS = 150
/** Clock ticks a second of /proc/PID/stat on Linux. */
const CLOCK_TICKS = 100
/** cutime and cstime, counted from the state of the process on. */
const CHILDREN_FIELDS = [13, 14] as const

interface Measured {
  readonly wallMs: number
  /** User and system time of the process and those it waited for; undefined where there is no /proc. */
  readonly cpuMs: number | undefined
}

/** CPU time of all children that have ended and were waited for. */
function childrenCpuMs(): number | undefined {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (CHILDREN_FIELDS.reduce((sum, at) => sum + Number(fields[at]), 0) * 1000) / CLOCK_TICKS
  } catch {
    return undefined
  }
}

async function measure(args: readonly string[], until?: (child: ChildProcess) => Promise<void>): Promise<Measured> {
  const cpuBefore = childrenCpuMs()
  const startedAt = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  let wallMs: number | undefined
  if (until === undefined) child.stdout?.resume()
  else {
    await Promise.race([until(child), ended.then((code) => Promise.reject(new Error(`${args.join(' ')} ended with ${code}`)))])
    wallMs = performance.now() - startedAt
    child.kill('SIGINT')
  }
  const code = await ended
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
  wallMs ??= performance.now() - startedAt
  const cpuAfter = childrenCpuMs()
  return { wallMs, cpuMs: cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore }
}

function firstRecord(child: ChildProcess): Promise<void> {
  const stdout = child.stdout as NodeJS.ReadableStream
  return new Promise((resolve) => {
    createInterface({ input: stdout }).on('line', (text) => {
      if (text.startsWith('First acknowledged record')) resolve()
    })
  })
}

function tell(name: string, runs: readonly Measured[], base: readonly Measured[]): number {
  const wallMs = median(runs.map((run) => run.wallMs))
  const cpus = runs.flatMap((run) => (run.cpuMs === undefined ? [] : [run.cpuMs]))
  const share = wallMs / median(base.map((run) => run.wallMs))
  line(name, `${Math.round(wallMs)} ms${cpus.length === 0 ? '' : `, CPU ${Math.round(median(cpus))} ms`}, ${share.toFixed(1)} times node -e 0`)
  return wallMs
}

/** What a person waits for, each beside the same measured for Node alone: they take turns, so that a busy machine is the same to all. */
export async function benchStartup(options: { readonly runs: number }): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-startup-'))
  const portBase = await findPortBase(6)
  const dev = (name: string, base: number): string[] => [BIN, 'dev', '--data', join(folder, name), '--port-base', String(base)]
  const node: Measured[] = []
  const list: Measured[] = []
  const first: Measured[] = []
  const cluster = spawn(process.execPath, dev('cluster', portBase), { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => cluster.once('close', resolve))
  try {
    await firstRecord(cluster)
    for (let run = 0; run < options.runs; run++) {
      node.push(await measure(['-e', '0']))
      list.push(await measure([BIN, 'topic', 'list', '--bootstrap', `127.0.0.1:${portBase + 101}`]))
      first.push(await measure(dev(`run-${run}`, portBase + 3), firstRecord))
    }
  } finally {
    cluster.kill('SIGINT')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  heading(`Startup, median of ${options.runs} (CPU of dev includes its three nodes, and their clean stop)`)
  tell('node -e 0', node, node)
  const listMs = tell('oxbow topic list', list, node)
  const firstMs = tell('oxbow dev to the first record', first, node)
  aim(`oxbow topic list < ${AIM_TOPIC_LIST_MS} ms`, listMs < AIM_TOPIC_LIST_MS)
  aim(`oxbow dev to the first acknowledged record < ${AIM_FIRST_RECORD_MS} ms`, firstMs < AIM_FIRST_RECORD_MS)
}
