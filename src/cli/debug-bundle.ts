import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Admin } from '../client/admin.ts'
import { packageVersion } from '../node/package-version.ts'
import type { CliContext } from './context.ts'
import { exitCode, failureOf, UsageError } from './failure.ts'
import { httpGet } from './http-get.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { type TarEntry, tarball } from './tar.ts'

/** A page of a node; a log is 1 MiB at most, metrics of 2,000 partitions are about one. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024
const MAX_PAGE_MS = 5_000

/** What is asked of each node over HTTP. */
const PAGES = [
  { path: '/debug/config', file: 'config.json' },
  { path: '/healthz', file: 'healthz.json' },
  { path: '/readyz', file: 'readyz.json' },
  { path: '/debug/runtime', file: 'runtime.json' },
  { path: '/metrics', file: 'metrics.txt' },
  { path: '/debug/log', file: 'log.ndjson' },
] as const

interface BundleFile {
  readonly path: string
  readonly bytes: number
  readonly from: string
}

/** What was looked for and not found, and why. */
interface Missing {
  readonly what: string
  readonly reason: string
}

interface NodeResult {
  readonly nodeId: number
  /** Where it serves HTTP; null: nowhere. */
  readonly http: string | null
  readonly reached: boolean
}

type Broker = Awaited<ReturnType<Admin['describeCluster']>>['brokers'][number]

/** Maps are objects in JSON. */
function json(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, (_key, part: unknown) => (part instanceof Map ? Object.fromEntries(part) : part), 2)}\n`)
}

function reasonOf(error: unknown): string {
  const { code, message } = failureOf(error)
  return code === 'UNKNOWN_SERVER_ERROR' ? message : `${code}: ${message}`
}

/** Gathers files, and notes what could not be had: half a bundle is better than none. */
class Bundle {
  readonly entries: TarEntry[] = []
  readonly files: BundleFile[] = []
  readonly missing: Missing[] = []

  add(path: string, content: Buffer, from: string): void {
    this.entries.push({ path, content })
    this.files.push({ path, bytes: content.length, from })
  }

  lacks(what: string, error: unknown): void {
    this.missing.push({ what, reason: reasonOf(error) })
  }

  /** Adds the answer of `ask` as JSON. Undefined when it failed. */
  async gather<T>(path: string, from: string, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await ask()
      this.add(path, json(answer), from)
      return answer
    } catch (error) {
      this.lacks(from, error)
      return undefined
    }
  }
}

function askLogDirs(admin: Admin, { nodeId, state }: Broker): Promise<unknown> {
  if (state === 'offline') return Promise.reject(new Error('the node is offline'))
  return admin.describeLogDirs({ nodeId })
}

async function gatherNode(bundle: Bundle, admin: Admin, broker: Broker, timeoutMs: number): Promise<NodeResult> {
  const { nodeId, host, httpPort } = broker
  const folder = `nodes/${nodeId}`
  const http = httpPort === null ? null : `${host}:${httpPort}`
  const logDirs = bundle.gather(`${folder}/log-dirs.json`, `data folders of node ${nodeId}`, () => askLogDirs(admin, broker))
  let reached = false
  if (http === null) bundle.lacks(`pages of node ${nodeId}`, new Error('it serves no HTTP: its httpPort is null'))
  for (const { path, file } of http === null ? [] : PAGES) {
    const from = `http://${http}${path}`
    try {
      const { status, body } = await httpGet(from, { timeoutMs: Math.min(timeoutMs, MAX_PAGE_MS), maxBytes: MAX_PAGE_BYTES })
      // A node that is not ready says why, with 503.
      if (status !== 200 && status !== 503) throw new Error(`HTTP status ${status}`)
      bundle.add(`${folder}/${file}`, body, from)
      reached = true
    } catch (error) {
      bundle.lacks(from, error)
      // The other pages would be waited for in vain, one after the other.
      if (!reached) break
    }
  }
  return { nodeId, http, reached: (await logDirs) !== undefined || reached }
}

interface Gathered {
  readonly clusterId: string | null
  readonly nodes: readonly NodeResult[]
}

async function gatherTopics(bundle: Bundle, admin: Admin, brokers: readonly number[]): Promise<void> {
  const topics = await bundle.gather('cluster/topics.json', 'topics', () => admin.describeTopics())
  if (topics === undefined) return
  await bundle.gather('cluster/configs.json', 'configs', () => admin.describeConfigs({ topics: topics.map((topic) => topic.name), brokers }))
}

/** All at once: a question that finds no answer must not use up the time of the others. */
async function gatherAll(bundle: Bundle, admin: Admin, timeoutMs: number): Promise<Gathered> {
  const cluster = await bundle.gather('cluster/cluster.json', 'description of the cluster', () => admin.describeCluster())
  if (cluster === undefined) return { clusterId: null, nodes: [] }
  const { clusterId, brokers } = cluster
  const alive = brokers.filter((broker) => broker.state !== 'offline').map((broker) => broker.nodeId)
  const [nodes] = await Promise.all([
    Promise.all(brokers.map((broker) => gatherNode(bundle, admin, broker, timeoutMs))),
    bundle.gather('cluster/quorum.json', 'description of the quorum', () => admin.describeQuorum()),
    gatherTopics(bundle, admin, alive),
  ])
  return { clusterId, nodes }
}

function defaultName(now: Date): string {
  return `oxbow-debug-${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}

function manifestOf(bundle: Bundle, gathered: Gathered, options: ClusterOptions, createdAt: Date): object {
  return {
    createdAt: createdAt.toISOString(),
    by: { oxbow: packageVersion(), node: process.version, platform: `${process.platform} ${process.arch}` },
    bootstrap: options.bootstrap,
    ...gathered,
    files: bundle.files,
    missing: bundle.missing,
  }
}

async function save(file: string, archive: Buffer): Promise<void> {
  try {
    await writeFile(file, archive, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new UsageError(code === 'EEXIST' ? `${file} is there already` : `${file} cannot be written: ${message}`, 'name another file with --out')
  }
}

/** `oxbow debug bundle`: what somebody who was not there needs to see, in one file. */
export async function debugBundle(context: CliContext, options: ClusterOptions, out: string | undefined): Promise<number> {
  const createdAt = new Date()
  const name = defaultName(createdAt)
  const file = out ?? `${name}.tar.gz`
  const bundle = new Bundle()
  const gathered = await withAdmin(context, options, (admin) => gatherAll(bundle, admin, options.timeoutMs))
  bundle.files.sort((a, b) => (a.path < b.path ? -1 : 1))
  const manifest = json(manifestOf(bundle, gathered, options, createdAt))
  const entries = [{ path: 'manifest.json', content: manifest }, ...bundle.entries].map((entry) => ({ ...entry, path: `${name}/${entry.path}` }))
  const archive = await promisify(gzip)(tarball(entries, createdAt.getTime()))
  await save(file, archive)
  const reached = gathered.nodes.filter((node) => node.reached).length
  for (const { what, reason } of bundle.missing) context.stderr.write(`warning: missing: ${what}: ${reason}\n`)
  context.stderr.write(
    `${reached} of ${gathered.nodes.length} nodes, ${entries.length} files, ${archive.length} bytes. Names of hosts and topics and the logs are in it: look before you share it.\n`,
  )
  if (options.output === 'json') writeJson(context, { file, bytes: archive.length, ...gathered, missing: bundle.missing })
  else context.stdout.write(`${file}\n`)
  return reached > 0 ? exitCode.done : exitCode.refused
}
