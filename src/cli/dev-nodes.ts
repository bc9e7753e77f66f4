import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BrokerError } from '../base/errors.ts'
import type { ConfiguredNode } from '../node/config.ts'
import { UsageError } from './failure.ts'

/** From dist/src/cli: the one way in, for children as for people. */
const BIN = fileURLToPath(new URL('../../../bin/oxbow.cjs', import.meta.url))
const ADOPT_EVERY_MS = 250

export interface DevNodesEvents {
  /** A node ended without being asked to. */
  died(node: ConfiguredNode, pid: number, how: string): void
  /** Somebody started it again by hand. */
  returned(node: ConfiguredNode, pid: number): void
}

interface Running {
  readonly node: ConfiguredNode
  pid: number | null
  child: ChildProcess | undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended meanwhile.
  }
}

/** The process that holds a data folder, by its lock file; null when none does. */
export async function lockHolder(dataDir: string): Promise<number | null> {
  try {
    const pid = Number.parseInt(/\d+/.exec(await readFile(join(dataDir, 'lock'), 'utf8'))?.[0] ?? '', 10)
    return Number.isSafeInteger(pid) && pid > 0 && isAlive(pid) ? pid : null
  } catch {
    return null
  }
}

function whyNotFree(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(error))
    server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  })
}

/** Finds a taken port before any node is started. Throws a sentence that says what to do. */
export async function checkPorts(nodes: readonly ConfiguredNode[]): Promise<void> {
  const ports = nodes.flatMap(({ options: { nodeId, address } }) =>
    [address.grpcPort, ...(address.httpPort === null ? [] : [address.httpPort])].map((port) => ({ nodeId, host: address.host, port })),
  )
  const faults = await Promise.all(ports.map(async (one) => ({ ...one, error: await whyNotFree(one.host, one.port) })))
  const fault = faults.find((one) => one.error !== undefined)
  if (fault === undefined) return
  const reason = fault.error?.code === 'EADDRINUSE' ? 'is in use' : `cannot be opened: ${fault.error?.message}`
  throw new UsageError(
    `port ${fault.port} of ${fault.host}, which node ${fault.nodeId} needs, ${reason}`,
    'stop what uses it, or choose other ports with --port-base N',
  )
}

/** The node processes of one `oxbow dev`: its children, and those that were started again by hand in their place. */
export class DevNodes {
  readonly #running: Running[]
  readonly #events: DevNodesEvents
  readonly #adoption: NodeJS.Timeout
  /** That have not yet said so, nor ended. */
  readonly #notListening = new Set<Running>()
  #sayListening: () => void = () => {}
  readonly #listening = new Promise<void>((say) => {
    this.#sayListening = say
  })
  #stopping = false

  /** Starts them all. Each pid is the node's own: no shell and no npm stands between. */
  constructor(options: {
    readonly nodes: readonly ConfiguredNode[]
    readonly configPath: string
    readonly logFolder: string
    readonly events: DevNodesEvents
  }) {
    this.#events = options.events
    this.#running = options.nodes.map((node) => ({ node, pid: null, child: undefined }))
    for (const running of this.#running) this.#start(running, options.configPath, options.logFolder)
    this.#adoption = setInterval(() => void this.#adopt(), ADOPT_EVERY_MS)
  }

  #start(running: Running, configPath: string, logFolder: string): void {
    const nodeId = running.node.options.nodeId
    const log = openSync(join(logFolder, `node-${nodeId}.log`), 'a')
    // A session of its own, so that Ctrl-C reaches it only through us; the channel ends it when we die unasked.
    const child = spawn(process.execPath, [BIN, 'server', '--config', configPath, '--node', String(nodeId)], {
      stdio: ['ignore', log, log, 'ipc'],
      detached: true,
    })
    closeSync(log)
    running.child = child
    running.pid = child.pid ?? null
    this.#notListening.add(running)
    child.once('message', () => this.#settled(running))
    child.once('error', (error) => this.#ended(running, child, error.message))
    child.once('exit', (code, name) => this.#ended(running, child, name ?? `exit code ${code}`))
  }

  #settled(running: Running): void {
    this.#notListening.delete(running)
    if (this.#notListening.size === 0) this.#sayListening()
  }

  /** Fulfilled when every node listens or has ended: whoever dials earlier is refused, and waits ever longer between its attempts. */
  whenListening(): Promise<void> {
    return this.#listening
  }

  #ended(running: Running, child: ChildProcess, how: string): void {
    if (running.child !== child) return
    const pid = running.pid
    running.child = undefined
    running.pid = null
    this.#settled(running)
    if (!this.#stopping) this.#events.died(running.node, pid ?? -1, how)
  }

  /** Looks for nodes that came back by hand, and for such that left again. */
  async #adopt(): Promise<void> {
    for (const running of this.#running) {
      if (running.child !== undefined || this.#stopping) continue
      const pid = await lockHolder(running.node.dataDir)
      const before = running.pid
      if (pid === before) continue
      running.pid = pid
      if (pid === null) this.#events.died(running.node, before ?? -1, 'it ended')
      else this.#events.returned(running.node, pid)
    }
  }

  /** null: that node does not run now. */
  pidOf(nodeId: number): number | null {
    return this.#running.find((one) => one.node.options.nodeId === nodeId)?.pid ?? null
  }

  get aliveCount(): number {
    return this.#running.filter((one) => one.pid !== null).length
  }

  /** Asks all to stop, waits, and ends by force what is left. Answers the ids of those that had to be forced. */
  async stop(timeoutMs: number): Promise<readonly number[]> {
    this.#stopping = true
    clearInterval(this.#adoption)
    const alive = (): Running[] =>
      this.#running.filter((one) => one.pid !== null && isAlive(one.pid) && (one.child === undefined || one.child.exitCode === null))
    for (const one of alive()) signal(one.pid as number, 'SIGTERM')
    const deadline = performance.now() + timeoutMs
    while (alive().length > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
    const forced = alive()
    for (const one of forced) signal(one.pid as number, 'SIGKILL')
    for (const one of this.#running) one.child?.disconnect()
    return forced.map((one) => one.node.options.nodeId)
  }

  /** Ends all at once, without asking. */
  kill(): void {
    this.#stopping = true
    for (const one of this.#running) if (one.pid !== null) signal(one.pid, 'SIGKILL')
  }
}

/** The last line that a node wrote, for when it ends before it ever served. */
export async function lastLogLine(logFolder: string, nodeId: number): Promise<string> {
  try {
    const lines = (await readFile(join(logFolder, `node-${nodeId}.log`), 'utf8')).trim().split('\n')
    return lines.at(-1) ?? ''
  } catch {
    return ''
  }
}

export function allNodesDied(lastLine: string): BrokerError {
  return new BrokerError('NETWORK_EXCEPTION', `every node ended before the first record was acknowledged; the last words of one: ${lastLine}`)
}
