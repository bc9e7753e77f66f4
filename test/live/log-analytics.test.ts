import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LiveCluster, ROOT, waitFor, waitForBrokers } from '../../chaos/live/cluster-process.ts'
import { between, type Random, SeededRandom } from '../../src/base/random.ts'
import type { Admin } from '../../src/client/admin.ts'
import { logNames, writtenLines } from './log-lines.ts'

const SEED = Number(process.env.OXBOW_TEST_SEED ?? Date.now() % 1_000_000)
const LINES = 6_000
const STEP_LINES = 200
const WAIT_MS = 120_000
const PROGRAMS = ['collect', 'clean', 'analyse', 'show'] as const
type Program = (typeof PROGRAMS)[number]

/** What the page's `/counts.json` says of one log. */
interface Totals {
  readonly name: string
  readonly counts: Readonly<Record<string, number>>
  readonly late: number
  readonly malformed: number
}

interface Counts {
  readonly totals: readonly Totals[]
  readonly windows: readonly { readonly name: string; readonly start: number; readonly counts: Readonly<Record<string, number>> }[]
  readonly alerts: readonly { readonly id: string }[]
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items]
  return items.map(() => left.splice(random.integer(left.length), 1)[0] as T)
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** The four programs as a supervisor runs them: whatever ends is started again, unless the test is over. */
class Pipeline {
  readonly #folder: string
  readonly #bootstrap: string
  readonly #arguments: Readonly<Record<Program, readonly string[]>>
  readonly #children = new Map<Program, ChildProcess>()
  readonly lives = new Map<Program, number>()
  #isOver = false

  constructor(folder: string, bootstrap: string, port: number) {
    this.#folder = folder
    this.#bootstrap = bootstrap
    this.#arguments = { collect: [join(folder, 'input')], clean: [], analyse: [join(folder, 'state.json')], show: [String(port)] }
  }

  start(program: Program): void {
    const log = openSync(join(this.#folder, 'logs', `${program}.log`), 'a')
    const script = join(ROOT, 'dist', 'examples', 'log-analytics', `${program}.js`)
    const env = { ...process.env, OXBOW_BOOTSTRAP: this.#bootstrap }
    const child = spawn(process.execPath, [script, ...this.#arguments[program]], { stdio: ['ignore', log, log], env })
    closeSync(log)
    this.#children.set(program, child)
    this.lives.set(program, (this.lives.get(program) ?? 0) + 1)
    child.once('exit', () => {
      if (!this.#isOver) this.start(program)
    })
  }

  kill(program: Program): void {
    this.#children.get(program)?.kill('SIGKILL')
  }

  async end(): Promise<void> {
    this.#isOver = true
    const ended = [...this.#children.values()].map(
      (child) => new Promise((resolve) => ((child.exitCode ?? child.signalCode) === null ? child.once('exit', resolve) : resolve(0))),
    )
    for (const child of this.#children.values()) child.kill('SIGKILL')
    await Promise.all(ended)
  }
}

/** Ends of a topic's partitions; undefined while a leader is away. */
function ends(admin: Admin, topic: string): Promise<number[] | undefined> {
  return admin.listOffsets(topic, 'latest').then(
    (partitions) => partitions.map(({ offset }) => offset),
    () => undefined,
  )
}

/** As logrotate does it. */
function rotate(path: string): void {
  if (existsSync(`${path}.1`)) renameSync(`${path}.1`, `${path}.2`)
  renameSync(path, `${path}.1`)
}

describe('examples/log-analytics', () => {
  let cluster: LiveCluster | undefined
  let pipeline: Pipeline | undefined
  let isHeld = false

  afterAll(async () => {
    await pipeline?.end()
    await cluster?.dispose({ keep: !isHeld })
  })

  it('each of the four and a node are killed: the counts are those of the input, none lost and none twice', async () => {
    process.stderr.write(`log-analytics: OXBOW_TEST_SEED=${SEED}\n`)
    const random = new SeededRandom(SEED)
    cluster = await LiveCluster.create('log-analytics')
    cluster.startAll()
    const client = cluster.client()
    await waitFor('the cluster is there', WAIT_MS, () =>
      waitForBrokers(client, 3).then(
        () => true,
        () => undefined,
      ),
    )
    const input = join(cluster.folder, 'input')
    mkdirSync(input)
    const port = await freePort()
    pipeline = new Pipeline(cluster.folder, cluster.bootstrap.join(','), port)
    for (const program of PROGRAMS) pipeline.start(program)

    const { lines, expected } = writtenLines(random.fork('lines'), LINES)
    const steps = LINES / STEP_LINES
    const rotateAt = between(random, 8, 22)
    const victims = shuffled<Program | 'node'>(random, [...PROGRAMS, 'node'])
    const killAt = new Map(victims.map((victim, at) => [2 + Math.floor(((at + random.integer(80) / 100) * (steps - 4)) / victims.length), victim]))
    const nodeId = 1 + random.integer(3)
    process.stderr.write(
      `log-analytics: kills ${[...killAt].map(([step, victim]) => `${victim === 'node' ? `node ${nodeId}` : victim} at ${step}`).join(', ')}\n`,
    )

    const admin = client.admin()
    await waitFor('the programs made their topics', WAIT_MS, () =>
      admin.describeTopics(['logs.raw', 'logs.alerts']).then(
        () => true,
        () => undefined,
      ),
    )
    for (let step = 0; step < steps; step++) {
      const batch = lines.slice(step * STEP_LINES, (step + 1) * STEP_LINES)
      for (const name of new Set(batch.map((line) => line.name))) {
        const text = batch.flatMap((line) => (line.name === name ? [line.text] : [])).join('\n')
        // A line is written in two parts: what is not a whole line yet is nobody's line.
        appendFileSync(join(input, name), text.slice(0, -3))
        appendFileSync(join(input, name), `${text.slice(-3)}\n`)
      }
      if (step === rotateAt || step === rotateAt + 5) for (const name of logNames) rotate(join(input, name))
      const victim = killAt.get(step)
      if (victim === undefined) continue
      // The kill falls into the work: some of what was written is in the log, the rest is on its way.
      const wanted = Math.floor((step + 1) * STEP_LINES * 0.6)
      await waitFor(`${wanted} records are collected`, WAIT_MS, async () => {
        const at = await ends(admin, 'logs.raw')
        return at !== undefined && at.reduce((sum, end) => sum + end, 0) >= wanted ? true : undefined
      })
      if (victim === 'node') {
        await cluster.kill(nodeId)
        cluster.start(nodeId)
      } else pipeline.kill(victim)
    }

    const totalsOf = async (): Promise<Counts | undefined> => {
      const answer = await fetch(`http://127.0.0.1:${port}/counts.json`).catch(() => undefined)
      return answer === undefined ? undefined : ((await answer.json()) as Counts)
    }
    const countOf = ({ totals }: Counts): number =>
      totals.reduce((sum, one) => sum + one.malformed + Object.values(one.counts).reduce((all, count) => all + count, 0), 0)
    await waitFor('all lines are counted', WAIT_MS, async () => {
      const counts = await totalsOf()
      return counts !== undefined && countOf(counts) >= LINES ? true : undefined
    })
    // Nothing is under way any more: what was written twice has been read too.
    const statePath = join(cluster.folder, 'state.json')
    await waitFor('analyse has read all there is', WAIT_MS, async () => {
      const { offsets } = JSON.parse(readFileSync(statePath, 'utf8')) as { offsets: Record<string, number> }
      const all = await Promise.all(['logs.clean', 'logs.dead'].map(async (topic) => [topic, await ends(admin, topic)] as const))
      return all.every(([topic, at]) => at?.every((end, partition) => (offsets[`${topic}:${partition}`] ?? 0) >= end) === true) ? true : undefined
    })
    const final = await waitFor('the last rows are shown', WAIT_MS, async () => {
      const state = JSON.parse(readFileSync(statePath, 'utf8')) as { windows: { totals: Totals[] } }
      const counts = await totalsOf()
      const byName = (totals: readonly Totals[]): string =>
        JSON.stringify(totals.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, counts: of, late, malformed }) => [name, of, late, malformed]))
      // Alerts go through the log before they are shown.
      const isShown = counts !== undefined && byName(counts.totals) === byName(state.windows.totals) && counts.alerts.length >= expected.alerts.length
      return isShown ? counts : undefined
    })
    expect(final.totals.map(({ name, counts, late, malformed }) => ({ name, counts, late, malformed }))).toEqual(expected.totals)
    expect(Object.fromEntries(final.windows.map(({ name, start, counts }) => [`${name} ${start}`, counts]))).toEqual(expected.windows)
    expect(final.alerts.map(({ id }) => id).toSorted()).toEqual(expected.alerts)
    for (const program of PROGRAMS) expect(pipeline.lives.get(program)).toBeGreaterThanOrEqual(2)
    await client.close()
    isHeld = true
  }, 600_000)
})
