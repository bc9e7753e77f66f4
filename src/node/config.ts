import { dirname, resolve } from 'node:path'
import type { NodeConfig, NodeOptions } from '../broker/surface.ts'
import { judgeCluster, type PlacedNode } from './cluster-checks.ts'
import { type ClusterFile, type ParsedClusterFile, parseClusterFile, readClusterFile } from './cluster-file.ts'
import { byLine, ConfigError, type ConfigFault } from './config-faults.ts'
import { type ConfigKey, configEntries, defaultNodeConfig, findConfigName, readConfigValue, type ValueSource } from './config-keys.ts'
import { type Environment, noEnvironment, type NodeField } from './environment.ts'

/** One node of a cluster file, as it would run. */
export interface ConfiguredNode {
  readonly options: NodeOptions
  /** Absolute; the first holds the metadata log. */
  readonly dataDirs: readonly [string, ...string[]]
  readonly dataDir: string
  readonly sources: {
    readonly node: Readonly<Record<NodeField, ValueSource>>
    /** Keys that are missing have their default. */
    readonly config: ReadonlyMap<ConfigKey, ValueSource>
  }
}

export interface ConfiguredCluster {
  readonly clusterName: string
  readonly nodes: readonly ConfiguredNode[]
  /** What runs, and is probably not what is meant. */
  readonly warnings: readonly ConfigFault[]
}

export const DEFAULT_PORT_BASE = 9091

/** The ports of node i (cli.md, Nodes): Kafka N+i, gRPC N+100+i, HTTP N+200+i. */
export function portsOf(nodeId: number, portBase: number): { readonly grpcPort: number; readonly kafkaPort: number; readonly httpPort: number } {
  return { grpcPort: portBase + 100 + nodeId, kafkaPort: portBase + nodeId, httpPort: portBase + 200 + nodeId }
}

/** What stands around a cluster file: the environment, and which of its nodes the variables of one node are about. */
export interface Surroundings {
  readonly environment: Environment
  /** Undefined: OXBOW_NODE_ID says it; and where there is one node only, it is that one. */
  readonly nodeId?: number | undefined
}

const nowhere: Surroundings = { environment: noEnvironment }

/** Of a node: what the environment says, else the node's entry, else defaults, else what follows from its id. */
function place(path: string, { file }: ParsedClusterFile, { environment, nodeId }: Surroundings): PlacedNode[] {
  const chosen = nodeId ?? environment.node.nodeId ?? (file.nodes.length === 1 ? file.nodes[0]?.nodeId : undefined)
  return file.nodes.map((node) => {
    const ports = portsOf(node.nodeId, DEFAULT_PORT_BASE)
    const own = node.nodeId === chosen ? environment.node : {}
    const sources: Record<string, ValueSource> = { nodeId: 'file' }
    const pick = <T>(field: Exclude<NodeField, 'nodeId'>, said: T | undefined, ofFile: T | undefined, otherwise: T): T => {
      sources[field] = said !== undefined ? 'environment' : ofFile !== undefined ? 'file' : 'default'
      return said ?? (ofFile === undefined ? otherwise : ofFile)
    }
    const fromFile = node.dataDirs?.map((folder) => resolve(dirname(path), String(folder)))
    const port = (field: 'kafkaPort' | 'httpPort'): number | null => {
      if (own[field] === undefined) return pick(field, undefined, node[field], ports[field])
      sources[field] = 'environment'
      return own[field]
    }
    // The cluster's matter, not one node's: who votes stands in the file alone.
    const roles = node.roles ?? file.defaults?.roles ?? ['controller', 'broker']
    return {
      nodeId: node.nodeId,
      host: pick('host', own.host, node.host, '127.0.0.1'),
      grpcPort: pick('grpcPort', own.grpcPort, node.grpcPort, ports.grpcPort),
      kafkaPort: port('kafkaPort'),
      httpPort: port('httpPort'),
      dataDirs: pick(
        'dataDirs',
        own.dataDirs?.map((folder) => resolve(folder)),
        fromFile,
        [resolve(dirname(path), `data/${node.nodeId}`)],
      ),
      roles,
      isFirstVoter: roles.includes('controller') && node.firstVoter !== false,
      rack: pick<string | null>('rack', own.rack, node.rack === undefined ? file.defaults?.rack : node.rack, null),
      sources: sources as Record<NodeField, ValueSource>,
    }
  })
}

interface MergedConfig {
  readonly config: NodeConfig
  readonly sources: ReadonlyMap<ConfigKey, ValueSource>
}

/** Layers of the file, the later the stronger, then the environment. What is faulty is left out. */
function mergeConfig(layers: readonly (Readonly<Record<string, unknown>> | undefined)[], environment: Environment): MergedConfig {
  const values: Record<string, number | string | null> = {}
  const sources = new Map<ConfigKey, ValueSource>()
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer ?? {})) {
      const found = findConfigName(name)
      const read = found === undefined ? undefined : readConfigValue(found.key, value, found.factor)
      if (found === undefined || read === undefined) continue
      values[found.key.field] = read
      sources.set(found.key, 'file')
    }
  }
  for (const [key, { value }] of environment.config) {
    values[key.field] = value
    sources.set(key, 'environment')
  }
  return { config: { ...defaultNodeConfig(), ...values }, sources }
}

function configure(path: string, parsed: ParsedClusterFile, surroundings: Surroundings): ConfiguredCluster {
  const { environment } = surroundings
  const placed = place(path, parsed, surroundings)
  const judged = judgeCluster(parsed, placed, environment.config)
  const faults = [...environment.faults, ...parsed.faults, ...judged.faults].sort(byLine)
  if (faults.length > 0) throw new ConfigError(path, faults)
  const clusterName = parsed.file.clusterName ?? 'oxbow'
  const voterIds = placed.filter((node) => node.isFirstVoter).map((node) => node.nodeId)
  const nodes = placed.map((node, at): ConfiguredNode => {
    const { config, sources } = mergeConfig([parsed.file.defaults?.config, parsed.file.nodes[at]?.config], environment)
    const dataDirs = node.dataDirs as [string, ...string[]]
    return {
      dataDirs,
      dataDir: dataDirs[0],
      sources: { node: node.sources, config: sources },
      options: {
        nodeId: node.nodeId,
        roles: { controller: node.roles.includes('controller'), broker: node.roles.includes('broker') },
        // The Kafka listener is not built yet: its port is kept free, and no answer names it (cli.md, Files).
        address: { host: node.host, grpcPort: node.grpcPort, kafkaPort: null, httpPort: node.httpPort, rack: node.rack },
        peers: placed.filter((peer) => peer.nodeId !== node.nodeId).map(({ nodeId, host, grpcPort }) => ({ nodeId, host, grpcPort })),
        voterIds,
        clusterName,
        config,
        configEntries: configEntries(config, sources),
      },
    }
  })
  return { clusterName, nodes, warnings: judged.warnings.sort(byLine) }
}

/** What a cluster file with this content means, without parsing one; it must be right. `path` says where relative folders start. */
export function describeCluster(path: string, file: ClusterFile, surroundings = nowhere): ConfiguredCluster {
  return configure(path, { file, lineOf: () => 1, faults: [] }, surroundings)
}

/** Reads a cluster file into what each node runs as. Throws ConfigError with every fault. Relative folders are relative to the file. */
export async function loadCluster(path: string, surroundings = nowhere): Promise<ConfiguredCluster> {
  return configure(path, await readClusterFile(path), surroundings)
}

/** The same from text; `path` says where relative folders start, and names the file in faults. */
export async function parseCluster(path: string, text: string, surroundings = nowhere): Promise<ConfiguredCluster> {
  return configure(path, await parseClusterFile(path, text), surroundings)
}
