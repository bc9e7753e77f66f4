import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BrokerError } from '../../src/base/errors.ts'
import type { NodeAddress } from '../../src/client/transport.ts'
import { OxbowClient } from '../../src/client/client.ts'

/** The stories run from dist/chaos/live, the tests from chaos/live. */
const ABOVE = existsSync(new URL('../../package.json', import.meta.url)) ? '../../' : '../../../'
export const ROOT = fileURLToPath(new URL(ABOVE, import.meta.url))
export const BIN = join(ROOT, 'bin', 'oxbow.cjs')
const HOST = '127.0.0.1'
const POLL_MS = 25
const LAST_LINES = 8
/** A node gives itself 10 s to stop. */
const END_LIMIT_MS = 30_000

export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}

/** Polls until `look` answers something. Throws with `what` when it does not in time. */
export async function waitFor<T>(what: string, timeoutMs: number, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await sleep(POLL_MS)
  }
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: HOST, port }, () => server.close(() => resolve(true)))
  })
}

/** A base N such that the ports of `nodes` nodes (N+i, N+100+i, N+200+i) are free now. Below those that Linux gives to outgoing
 * connections: a node that starts later would find its port taken by one of them. */
export async function findPortBase(nodes: number): Promise<number> {
  for (let base = 10_400 + (process.pid % 40) * 400; base < 32_000; base += 400) {
    const ports = Array.from({ length: nodes }, (_, at) => [base + at + 1, base + 101 + at, base + 201 + at]).flat()
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return base
  }
  throw new Error('no free ports were found')
}

export interface LogLine {
  readonly msg: string
  readonly [field: string]: unknown
}

export interface LiveClusterOptions {
  readonly nodes?: number
  /** Config keys of the cluster file. */
  readonly config?: Readonly<Record<string, number | string>>
  /** The nodes after the first so many join later. */
  readonly firstVoters?: number
  /** Where everything goes; default: a new folder among the temporary ones. */
  readonly folder?: string
  /** Nodes do not hear the Ctrl-C of this process, and end when it does. */
  readonly endsWithHarness?: boolean
  /** The script and the arguments that Node runs as a node; default: `oxbow server`. */
  readonly command?: (configPath: string, nodeId: number) => readonly string[]
  /** Where each node listens, and what comes before the command of its process; default: on this machine, as it is. */
  readonly places?: { host(nodeId: number): string; wrap(nodeId: number): readonly string[] }
}

const here: NonNullable<LiveClusterOptions['places']> = { host: () => HOST, wrap: () => [] }

function serverCommand(configPath: string, nodeId: number): readonly string[] {
  return [BIN, 'server', '--config', configPath, '--node', String(nodeId)]
}

/** A cluster of real `oxbow server` processes in a folder of its own, each of which can be killed and started again. */
export class LiveCluster {
  readonly folder: string
  readonly nodeIds: readonly number[]
  readonly bootstrap: readonly string[]
  readonly portBase: number
  readonly #children = new Map<number, ChildProcess>()
  readonly #endsWithHarness: boolean
  readonly #command: NonNullable<LiveClusterOptions['command']>
  readonly #places: NonNullable<LiveClusterOptions['places']>

  private constructor(folder: string, portBase: number, options: LiveClusterOptions) {
    const { nodes = 3, config = {}, firstVoters = nodes, endsWithHarness = false, command = serverCommand, places = here } = options
    this.folder = folder
    this.#endsWithHarness = endsWithHarness
    this.#command = command
    this.#places = places
    this.portBase = portBase
    this.nodeIds = Array.from({ length: nodes }, (_, at) => at + 1)
    this.bootstrap = this.nodeIds.map((id) => `${places.host(id)}:${this.grpcPort(id)}`)
    mkdirSync(join(folder, 'logs'), { recursive: true })
    const entries = Object.entries(config).map(([key, value]) => `    ${key}: ${value}\n`)
    const lines = this.nodeIds.map(
      (id) =>
        `  - { nodeId: ${id}, host: ${places.host(id)}, grpcPort: ${portBase + 100 + id}, kafkaPort: ${portBase + id}, httpPort: ${portBase + 200 + id}, dataDirs: ["${id}"]${id > firstVoters ? ', firstVoter: false' : ''} }\n`,
    )
    const defaults = entries.length === 0 ? '' : `defaults:\n  config:\n${entries.join('')}`
    writeFileSync(this.configPath, `clusterName: story\n${defaults}nodes:\n${lines.join('')}`)
  }

  static async create(name: string, options: LiveClusterOptions = {}): Promise<LiveCluster> {
    const nodes = options.nodes ?? 3
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), `oxbow-${name}-`))
    return new LiveCluster(folder, await findPortBase(nodes), options)
  }

  get configPath(): string {
    return join(this.folder, 'cluster.yaml')
  }

  dataDir(nodeId: number): string {
    return join(this.folder, String(nodeId))
  }

  client(): OxbowClient {
    return new OxbowClient({ bootstrap: this.bootstrap })
  }

  start(nodeId: number, configPath = this.configPath): void {
    const log = openSync(join(this.folder, 'logs', `node-${nodeId}.log`), 'a')
    const [command = '', ...args] = [...this.#places.wrap(nodeId), process.execPath, ...this.#command(configPath, nodeId)]
    const child = spawn(command, args, {
      stdio: this.#endsWithHarness ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
      detached: this.#endsWithHarness,
    })
    closeSync(log)
    this.#children.set(nodeId, child)
  }

  startAll(): void {
    for (const id of this.nodeIds) this.start(id)
  }

  /** Of the running node, or of its last life. */
  pid(nodeId: number): number {
    return this.#children.get(nodeId)?.pid ?? -1
  }

  metricsUrl(nodeId: number): string {
    return `http://${this.#places.host(nodeId)}:${this.portBase + 200 + nodeId}/metrics`
  }

  grpcPort(nodeId: number): number {
    return this.portBase + 100 + nodeId
  }

  address(nodeId: number): NodeAddress {
    return { host: this.#places.host(nodeId), port: this.grpcPort(nodeId) }
  }

  /** Says something over the channel of a node that ends with the harness, and waits for what it answers. Undefined: it does not. */
  ask<Answer>(nodeId: number, message: object, isAnswer: (message: unknown) => message is Answer, timeoutMs = 5_000): Promise<Answer | undefined> {
    const child = this.#children.get(nodeId)
    if (child?.connected !== true) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const end = (answer: Answer | undefined): void => {
        clearTimeout(timer)
        child.off('message', hear)
        resolve(answer)
      }
      const hear = (heard: unknown): void => {
        if (isAnswer(heard)) end(heard)
      }
      const timer = setTimeout(() => end(undefined), timeoutMs)
      child.on('message', hear)
      child.send(message, (error) => {
        if (error !== null) end(undefined)
      })
    })
  }

  /** How the last life of a node ended: a signal, or its exit code; null while it runs, or before its first. */
  endOf(nodeId: number): NodeJS.Signals | number | null {
    const child = this.#children.get(nodeId)
    return child?.signalCode ?? child?.exitCode ?? null
  }

  isRunning(nodeId: number): boolean {
    const child = this.#children.get(nodeId)
    return child !== undefined && child.exitCode === null && child.signalCode === null
  }

  /** Sends a signal and waits for the end of the process. One that does not listen to it is killed in the end. */
  async end(nodeId: number, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.get(nodeId)
    if (child === undefined || !this.isRunning(nodeId)) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    const limit = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS)
    await ended
    clearTimeout(limit)
  }

  kill(nodeId: number): Promise<void> {
    return this.end(nodeId, 'SIGKILL')
  }

  /** All at once. */
  async killAll(): Promise<void> {
    await Promise.all(this.nodeIds.map((id) => this.kill(id)))
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.nodeIds.map((id) => this.end(id, 'SIGTERM')))
  }

  /** What a node has logged so far, over all its lives. */
  log(nodeId: number): LogLine[] {
    const text = readFileSync(join(this.folder, 'logs', `node-${nodeId}.log`), 'utf8')
    return text.split('\n').flatMap((line) => (line === '' ? [] : [parseLogLine(line)]))
  }

  /** Waits for a line behind the first `from` ones. */
  waitForLog(nodeId: number, from: number, what: string, test: (line: LogLine) => boolean, timeoutMs = 60_000): Promise<LogLine> {
    return waitFor(`node ${nodeId} logs ${what}`, timeoutMs, () => this.log(nodeId).slice(from).find(test))
  }

  /** Ends what runs and removes the folder; keeps it for a look when something failed, and says how each node fared. */
  async dispose(options: { readonly keep: boolean }): Promise<void> {
    const fates = this.nodeIds.map((id) => this.#fate(id))
    await this.killAll()
    if (options.keep) console.error([`the folder is kept for a look: ${this.folder}`, ...fates].join('\n'))
    else rmSync(this.folder, { recursive: true, force: true })
  }

  #fate(nodeId: number): string {
    const child = this.#children.get(nodeId)
    if (child === undefined) return `node ${nodeId} was never started`
    const state = this.isRunning(nodeId) ? 'runs' : `ended with ${child.exitCode ?? child.signalCode}`
    return [
      `node ${nodeId} ${state}; its last lines:`,
      ...this.log(nodeId)
        .slice(-LAST_LINES)
        .map((line) => `  ${JSON.stringify(line)}`),
    ].join('\n')
  }
}

/** What is no JSON is what Node itself writes, or was cut short: a node may be killed, or read, in the midst of a line. */
function parseLogLine(line: string): LogLine {
  try {
    return line.startsWith('{') ? (JSON.parse(line) as LogLine) : { msg: line }
  } catch {
    return { msg: line }
  }
}

/** No answer in time, or none yet: it is asked again. */
function unlessFinal<T>(none: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof BrokerError && error.retriable) return none
    throw error
  }
}

/** Waits until this many brokers are alive. */
export async function waitForBrokers(client: OxbowClient, count: number, timeoutMs = 60_000): Promise<void> {
  const admin = client.admin()
  await waitFor(`${count} brokers are alive`, timeoutMs, async () => {
    const { brokers } = await admin.describeCluster().catch(unlessFinal({ brokers: [] }))
    return brokers.filter((broker) => broker.state === 'running').length >= count ? true : undefined
  })
}

/** Waits until every partition of a topic has a leader and all its replicas in sync. A node that has just started may not know the topic yet. */
export async function waitForFullIsr(client: OxbowClient, topic: string, timeoutMs = 60_000): Promise<void> {
  const admin = client.admin()
  await waitFor(`every ISR of ${topic} is full`, timeoutMs, async () => {
    const [found] = await admin.describeTopics([topic]).catch(unlessFinal([]))
    const isFull = found?.partitions.every((one) => one.leader !== -1 && one.isr.length === one.replicas.length) === true
    return isFull ? true : undefined
  })
}
