import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ClusterFile } from '../node/cluster-file.ts'
import { type ConfiguredCluster, DEFAULT_PORT_BASE, describeCluster, loadCluster, portsOf } from '../node/config.ts'
import { UsageError } from './failure.ts'

/**
 * First words of a cluster file that `oxbow dev` wrote; a folder with one may be reused and wiped. Nodes and port base follow, so that a start
 * need not parse YAML before its nodes are up.
 */
const MARK = '# Made by `oxbow dev`.'
const SHAPE = /^# Made by `oxbow dev`\. Nodes: (\d+), port base: (\d+)\./
const HOST = '127.0.0.1'
const DEFAULT_NODES = 3
/** What `oxbow dev` puts into its folder besides the nodes' own folders. */
const OWN_NAMES: ReadonlySet<string> = new Set(['cluster.yaml', 'cluster.json', 'cluster.json.new', 'logs'])

export const clusterFilePath = (folder: string): string => join(folder, 'cluster.yaml')
export const clusterJsonPath = (folder: string): string => join(folder, 'cluster.json')

/** One node in `cluster.json` (cli.md, Nodes). pid null: it does not run. */
export interface ClusterJsonNode {
  readonly nodeId: number
  readonly pid: number | null
  readonly grpc: string
  readonly kafka: string | null
  readonly http: string | null
  readonly dataDir: string
}

export interface ClusterJson {
  readonly clusterId: string | null
  readonly nodes: readonly ClusterJsonNode[]
}

/** Replaced whole, so that a reader never sees half of it. */
export async function writeClusterJson(folder: string, content: ClusterJson): Promise<void> {
  const path = clusterJsonPath(folder)
  await writeFile(`${path}.new`, `${JSON.stringify(content, undefined, 2)}\n`)
  await rename(`${path}.new`, path)
}

export async function readClusterJson(folder: string): Promise<ClusterJson | undefined> {
  try {
    return JSON.parse(await readFile(clusterJsonPath(folder), 'utf8')) as ClusterJson
  } catch {
    return undefined
  }
}

/** The text of the folder's cluster file, if `oxbow dev` wrote it. */
async function readOwnFile(folder: string): Promise<string | undefined> {
  try {
    const text = await readFile(clusterFilePath(folder), 'utf8')
    return text.startsWith(MARK) ? text : undefined
  } catch {
    return undefined
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new UsageError(`${folder} is not a folder that can be used: ${(error as Error).message}`, 'choose another one with --data')
  }
}

/** Removes what an earlier `oxbow dev` made, and nothing else. Refuses a folder that it did not make. */
export async function wipeFolder(folder: string): Promise<void> {
  const names = await namesIn(folder)
  if (names.length === 0) return
  if ((await readOwnFile(folder)) === undefined)
    throw new UsageError(`${folder} is not empty and was not made by oxbow dev, so --fresh does not touch it`, 'remove it yourself, or choose another --data')
  for (const name of names) if (OWN_NAMES.has(name) || /^\d+$/.test(name)) await rm(join(folder, name), { recursive: true, force: true })
}

export interface DevShape {
  /** Undefined: as the folder has it, else 3. */
  readonly nodes: number | undefined
  readonly portBase: number | undefined
}

function devCluster(nodes: number, portBase: number): ClusterFile {
  const all = Array.from({ length: nodes }, (_, at) => ({ nodeId: at + 1, host: HOST, ...portsOf(at + 1, portBase), dataDirs: [at + 1] }))
  return { clusterName: 'dev', nodes: all }
}

function renderClusterFile(nodes: number, portBase: number): string {
  const lines = devCluster(nodes, portBase).nodes.map(({ nodeId, host, grpcPort, kafkaPort, httpPort, dataDirs }) => {
    return `  - { nodeId: ${nodeId}, host: ${host}, grpcPort: ${grpcPort}, kafkaPort: ${kafkaPort}, httpPort: ${httpPort}, dataDirs: [${dataDirs?.join()}] }`
  })
  const mark = `${MARK} Nodes: ${nodes}, port base: ${portBase}. Its nodes run with this file; folders are relative to it.`
  return [mark, 'clusterName: dev', 'nodes:', ...lines, ''].join('\n')
}

/** A cluster file of the user's, with its folders made absolute, so that it means the same from here. */
function renderGivenCluster(path: string, text: string, cluster: ConfiguredCluster): string {
  const folders = cluster.nodes.map((node) => `#   node ${node.options.nodeId}: ${node.dataDirs.join(', ')}`)
  return [`${MARK} A copy of ${path}, whose folders are:`, ...folders, text].join('\n')
}

/**
 * Makes the folder ready and writes its cluster file. With `config`, the nodes of that file run as it says;
 * else the folder's own cluster is continued, or a new one begun.
 */
export async function prepareFolder(folder: string, shape: DevShape, config: string | undefined): Promise<ConfiguredCluster> {
  if (config !== undefined) {
    if (shape.nodes !== undefined || shape.portBase !== undefined)
      throw new UsageError('--config says which nodes and ports there are; it goes with neither --nodes nor --port-base', 'leave one of them out')
    const cluster = await loadCluster(config)
    await mkdir(join(folder, 'logs'), { recursive: true })
    return await copyGivenCluster(folder, config, cluster)
  }
  const own = await readOwnFile(folder)
  if (own === undefined && (await namesIn(folder)).length > 0)
    throw new UsageError(`${folder} is not empty and was not made by oxbow dev`, 'choose another folder with --data')
  const before = SHAPE.exec(own ?? '')
  if (own !== undefined && before === null)
    throw new UsageError(`${folder} holds a cluster that was started with --config`, 'start it with --config again, or anew with --fresh')
  const nodes = shape.nodes ?? Number(before?.[1] ?? DEFAULT_NODES)
  if (before !== null && Number(before[1]) !== nodes)
    throw new UsageError(`${folder} holds a cluster of ${before[1]} nodes, not ${nodes}`, 'start anew with --fresh, or elsewhere with --data')
  const portBase = shape.portBase ?? Number(before?.[2] ?? DEFAULT_PORT_BASE)
  await mkdir(join(folder, 'logs'), { recursive: true })
  await writeFile(clusterFilePath(folder), renderClusterFile(nodes, portBase))
  return describeCluster(clusterFilePath(folder), devCluster(nodes, portBase))
}

async function copyGivenCluster(folder: string, config: string, cluster: ConfiguredCluster): Promise<ConfiguredCluster> {
  const { parseDocument } = await import('yaml')
  const document = parseDocument(await readFile(config, 'utf8'))
  for (const [at, node] of cluster.nodes.entries()) document.setIn(['nodes', at, 'dataDirs'], node.dataDirs)
  await writeFile(clusterFilePath(folder), renderGivenCluster(resolve(config), document.toString(), cluster))
  return await loadCluster(clusterFilePath(folder))
}
