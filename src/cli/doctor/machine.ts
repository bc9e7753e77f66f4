import { type Check, ok, warning } from './check.ts'

/** What is known of the process that runs a node on this machine. */
export interface MachineFacts {
  readonly nodeVersion: string
  /** UV_THREADPOOL_SIZE. */
  readonly threads: string | undefined
  /** Soft limit of a Node process, which raises it to the hard one; undefined: unlimited, or the system does not say. */
  readonly openFiles: number | undefined
  /** Packages that could not be loaded. */
  readonly missing: readonly string[]
}

/** Optional packages, and what is lost without them. */
export const optionalPackages: Readonly<Record<string, string>> = {
  snappy: 'batches cannot be compressed or read with snappy',
  'lz4-napi': 'batches cannot be compressed or read with lz4',
  '@bokuweb/zstd-wasm': 'batches cannot be compressed or read with zstd',
  '@node-rs/crc32': 'checksums are computed in JavaScript, which is slower',
}

/** Two thousand connections, and a few files a partition (rules 8). */
const MIN_OPEN_FILES = 4_096
const MIN_THREADS = 8

async function limitOf(): Promise<number | undefined> {
  const { report } = process as { report?: { excludeNetwork?: boolean; getReport(): object } }
  if (report === undefined) return undefined
  // Without this it looks up the names of all connections first.
  report.excludeNetwork = true
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  const soft = Number(userLimits?.open_files?.soft)
  return Number.isFinite(soft) ? soft : undefined
}

async function isMissing(name: string): Promise<boolean> {
  return await import(name).then(
    () => false,
    () => true,
  )
}

export async function machineFacts(env: Readonly<Record<string, string | undefined>>): Promise<MachineFacts> {
  const names = Object.keys(optionalPackages)
  const missing = await Promise.all(names.map(isMissing))
  return { nodeVersion: process.versions.node, threads: env.UV_THREADPOOL_SIZE, openFiles: await limitOf(), missing: names.filter((_, at) => missing[at]) }
}

function checkThreads(threads: string | undefined): Check {
  const count = threads === undefined ? 4 : Number(threads)
  if (count >= MIN_THREADS) return ok('threads', `UV_THREADPOOL_SIZE is ${count}`)
  const given = threads === undefined ? 'is not set, which means 4' : `is ${threads}`
  return warning('threads', `UV_THREADPOOL_SIZE ${given}: every file call waits for one of these threads`, 'unset it, so that oxbow takes 16, or set it to 16')
}

function checkOpenFiles(limit: number | undefined): Check {
  if (limit === undefined) return ok('open-files', 'no limit of open files is known')
  if (limit >= MIN_OPEN_FILES) return ok('open-files', `a process may open ${limit} files`)
  const advice = `raise it to 65536: ulimit -n 65536, or LimitNOFILE=65536 in the systemd unit`
  return warning('open-files', `a process may open ${limit} files only; connections and partitions need some each`, advice)
}

export function checkMachine({ nodeVersion, threads, openFiles, missing }: MachineFacts): Check[] {
  const packages = missing.map((name) => warning('packages', `${name} cannot be loaded: ${optionalPackages[name]}`, `npm install ${name}`))
  return [
    ok('node', `Node ${nodeVersion}`),
    checkThreads(threads),
    checkOpenFiles(openFiles),
    ...(packages.length > 0 ? packages : [ok('packages', 'every codec can be loaded')]),
  ]
}
