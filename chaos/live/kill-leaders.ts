import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Admin } from '../../src/client/admin.ts'
import type { OxbowClient } from '../../src/client/client.ts'
import { onLines, runCli, startCli, whenEnded } from './cli-process.ts'
import { LiveCluster, ROOT, sleep, waitFor, waitForFullIsr, waitForBrokers } from './cluster-process.ts'
import { compareReadBack, lineNumber, type PlacedLine } from './read-back.ts'

const TOPIC = 'story'
const PARTITIONS = 6
/** A real file that most machines have; this project's lockfile where there is none. */
const DEFAULT_FILES = ['/var/log/dpkg.log', join(ROOT, 'package-lock.json')]
const SLICE_LINES = 200
const SLICE_PAUSE_MS = 10
/** Longer than a failover takes, so that the record after a kill is what is measured and not the story's patience. */
const RECOVERY_TIMEOUT_MS = 60_000

const targets = ['partition leader', 'active controller', 'both'] as const
type Target = (typeof targets)[number]

interface Kill {
  readonly target: Target
  readonly nodeId: number
  /** Lines fed and not acknowledged at that moment. */
  readonly unacknowledged: number
  /** From the kill to the acknowledgement of a line that was fed after it. */
  readonly nextAckMs: number
}

/** The lines of a real file, repeated, each prefixed with its number so that twice is seen. */
function makeLines(path: string, count: number): string[] {
  const source = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  if (source.length === 0) throw new Error(`${path} has no lines`)
  return Array.from({ length: count }, (_, at) => `${at + 1} ${source[at % source.length]}`)
}

/** `oxbow produce -o json` fed by hand, and what it said so far. */
class Flow {
  readonly acknowledged: PlacedLine[] = []
  readonly refused = new Set<number>()
  readonly errors: string[] = []
  highestAcknowledged = 0
  fed = 0
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  readonly #lines: readonly string[]

  constructor(lines: readonly string[], bootstrap: readonly string[]) {
    this.#lines = lines
    this.#child = startCli(['produce', TOPIC, '-o', 'json', '--bootstrap', bootstrap.join(',')])
    this.#ended = whenEnded(this.#child)
    onLines(this.#child.stdout, (line) => this.#acknowledge(JSON.parse(line) as PlacedLine))
    onLines(this.#child.stderr, (line) => this.#complaint(line))
  }

  get unacknowledged(): number {
    return this.fed - this.acknowledged.length - this.refused.size
  }

  #acknowledge({ partition, offset, value }: PlacedLine): void {
    this.acknowledged.push({ partition, offset, value })
    this.highestAcknowledged = Math.max(this.highestAcknowledged, lineNumber(value))
  }

  /** `error: CODE: line 17: … (it was not stored)` */
  #complaint(line: string): void {
    const match = /^error: [A-Z_]+: line (\d+): .*\((it was not stored|it may be stored or not)\)$/.exec(line)
    if (match?.[2] === 'it was not stored') this.refused.add(Number(match[1]))
    if (line.startsWith('error:')) this.errors.push(line)
  }

  async feed(count: number): Promise<void> {
    const slice = this.#lines.slice(this.fed, this.fed + count)
    if (slice.length === 0) return
    this.fed += slice.length
    if (this.#child.stdin?.write(`${slice.join('\n')}\n`) === false) await once(this.#child.stdin, 'drain')
  }

  /** No more input. Answers the exit code. */
  async end(): Promise<number | null> {
    this.#child.stdin?.end()
    return await this.#ended
  }
}

/** The node to kill: a leader that is not the controller, the controller, or one that is both. */
async function choose(admin: Admin, target: Target): Promise<number> {
  return await waitFor(`there is a node that is ${target}`, RECOVERY_TIMEOUT_MS, async () => {
    const [[topic], { controllerId }] = await Promise.all([admin.describeTopics([TOPIC]), admin.describeCluster()])
    const leaders = new Set(topic?.partitions.map((one) => one.leader) ?? [])
    if (controllerId === -1) return undefined
    if (target === 'active controller') return controllerId
    if (target === 'both') return leaders.has(controllerId) ? controllerId : undefined
    return [...leaders].find((leader) => leader !== controllerId && leader !== -1)
  })
}

/** One kill in the middle of a stretch of lines. Undefined: nothing was unacknowledged when it came, so it proves nothing. */
async function killDuring(
  story: { readonly cluster: LiveCluster; readonly client: OxbowClient; readonly flow: Flow },
  target: Target,
  lines: number,
): Promise<Kill | undefined> {
  const { cluster, client, flow } = story
  const until = flow.fed + lines
  const nodeId = await choose(client.admin(), target)
  while (flow.fed < until - lines / 2) {
    await flow.feed(SLICE_LINES)
    await sleep(SLICE_PAUSE_MS)
  }
  // The moment: lines are on their way that nobody has acknowledged.
  await flow.feed(SLICE_LINES)
  const unacknowledged = flow.unacknowledged
  const fedBefore = flow.fed
  const killedMs = performance.now()
  const killed = cluster.kill(nodeId)
  const later = waitFor('a line fed after the kill is acknowledged', RECOVERY_TIMEOUT_MS, () =>
    flow.highestAcknowledged > fedBefore ? performance.now() : undefined,
  )
  later.catch(() => undefined)
  while (flow.fed < until) {
    await flow.feed(Math.min(SLICE_LINES, until - flow.fed))
    await sleep(SLICE_PAUSE_MS)
  }
  const nextAckMs = (await later) - killedMs
  await killed
  cluster.start(nodeId)
  await waitForFullIsr(client, TOPIC, RECOVERY_TIMEOUT_MS)
  return unacknowledged > 0 ? { target, nodeId, unacknowledged, nextAckMs } : undefined
}

async function readAll(bootstrap: readonly string[]): Promise<PlacedLine[]> {
  const { code, stdout, stderr } = await runCli(['consume', TOPIC, '--from-beginning', '--exit-at-end', '-o', 'json', '--bootstrap', bootstrap.join(',')])
  if (code !== 0) throw new Error(`consume ended with ${code}: ${stderr}`)
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as PlacedLine]))
}

function report(lines: readonly string[], flow: Flow, read: readonly PlacedLine[]): boolean {
  const { violations, unknown } = compareReadBack({ sent: lines, acknowledged: flow.acknowledged, refused: flow.refused, read })
  console.log(
    `lines sent ${lines.length}, acknowledged ${flow.acknowledged.length}, surely refused ${flow.refused.size}, unknown ${unknown.length}, read back ${read.length}`,
  )
  for (const { number, stored } of unknown.slice(0, 20)) console.log(`  unknown: line ${number}, which is ${stored ? 'there' : 'not there'}`)
  for (const error of flow.errors.slice(0, 5)) console.log(`  ${error}`)
  for (const violation of violations) console.log(`  VIOLATION ${violation}`)
  return violations.length === 0
}

async function run(cluster: LiveCluster, lines: readonly string[], kills: number): Promise<boolean> {
  cluster.startAll()
  const client = cluster.client()
  await waitForBrokers(client, cluster.nodeIds.length, RECOVERY_TIMEOUT_MS)
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS, replicationFactor: 3 })
  const flow = new Flow(lines, cluster.bootstrap)
  const stretch = Math.floor(lines.length / (kills + 1))
  const done: Kill[] = []
  for (let at = 0; at < kills; at++) {
    const target = targets[at % targets.length] as Target
    const kill = await killDuring({ cluster, client, flow }, target, stretch)
    if (kill === undefined) continue
    done.push(kill)
    console.log(
      `kill ${at + 1}: node ${kill.nodeId} (${target}), ${kill.unacknowledged} lines unacknowledged, next acknowledged line after ${Math.round(kill.nextAckMs)} ms`,
    )
  }
  while (flow.fed < lines.length) await flow.feed(SLICE_LINES)
  const code = await flow.end()
  await client.close()
  console.log(`produce ended with ${code}; every node is killed at once and started again`)
  await cluster.killAll()
  cluster.startAll()
  const holds = report(lines, flow, await readAll(cluster.bootstrap))
  if (done.length < kills) console.log(`only ${done.length} of ${kills} kills came while lines were unacknowledged`)
  if (code !== 0) console.log('not every line was acknowledged, though no more than one node at a time was down')
  return holds && done.length === kills && code === 0
}

/** Leaders die by SIGKILL while a file flows in; then all nodes at once. What was acknowledged is there: once, unchanged, in order. */
export async function killLeaders(args: readonly string[]): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { lines: { type: 'string', default: '200000' }, kills: { type: 'string', default: '10' } },
    allowPositionals: true,
  })
  const path = positionals[0] ?? DEFAULT_FILES.find((file) => existsSync(file)) ?? ''
  const lines = makeLines(path, Number(values.lines))
  console.log(`${lines.length} lines of ${path}, ${values.kills} kills`)
  const cluster = await LiveCluster.create('kill-leaders')
  let holds = false
  try {
    holds = await run(cluster, lines, Number(values.kills))
  } finally {
    await cluster.dispose({ keep: !holds })
  }
  return holds
}
