import { SeededRandom } from '../src/base/random.ts'
import { type ConfiguredCluster, parseCluster } from '../src/node/config.ts'
import { ConfigError } from '../src/node/config-faults.ts'
import { configKeys } from '../src/node/config-keys.ts'
import { readEnvironment } from '../src/node/environment.ts'
import { faultKinds, type MadeFault } from './config-faults.ts'
import { drawCluster, pathKey, type RandomCluster, render } from './random-config.ts'

const PATH = '/etc/oxbow/cluster.yaml'
const MOST_NODES = 5

export interface DrawnConfig {
  readonly cluster: RandomCluster
  readonly text: string
  readonly lines: ReadonlyMap<string, number>
  readonly kind: string | undefined
  readonly fault: MadeFault | undefined
}

/** What a seed means: with an even one a right cluster, with an odd one the next fault of the catalogue, where it can be done to this cluster. */
export function drawConfig(seed: number): DrawnConfig {
  const random = new SeededRandom(seed)
  const cluster = drawCluster(random, { maxNodes: MOST_NODES })
  const kinds = Object.keys(faultKinds)
  const kind = seed % 2 === 0 ? undefined : kinds[((seed - 1) / 2) % kinds.length]
  const fault = kind === undefined ? undefined : faultKinds[kind]?.(random, cluster)
  const { text, lines } = render(cluster.file)
  return { cluster, text, lines, kind: fault === undefined ? undefined : kind, fault }
}

async function judge({ text, fault }: DrawnConfig): Promise<ConfiguredCluster | ConfigError> {
  try {
    return await parseCluster(PATH, text, { environment: readEnvironment(fault?.env ?? {}) })
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

/** The first key of which a node has not what its file says, or not the default where the file says nothing. */
function misread(cluster: RandomCluster, configured: ConfiguredCluster): string | undefined {
  for (const { options, sources } of configured.nodes) {
    const said = cluster.said.get(options.nodeId)
    for (const key of configKeys) {
      const expected = said?.has(key) === true ? said.get(key) : key.default
      const value = options.config[key.field]
      if (value !== expected) return `${key.names[0]} of node ${options.nodeId} is ${value}, the file says ${expected}`
      if (sources.config.has(key) !== (said?.has(key) === true)) return `where ${key.names[0]} of node ${options.nodeId} comes from is told wrong`
    }
  }
  return undefined
}

/** What is wrong with the verdict on that seed's file; undefined: it is right, or its one fault is named by key and line, and nothing else is. */
export async function misjudged(drawn: DrawnConfig): Promise<string | undefined> {
  const found = await judge(drawn)
  if (drawn.fault === undefined) return found instanceof ConfigError ? `a right file was refused: ${found.message}` : misread(drawn.cluster, found)
  if (!(found instanceof ConfigError)) return `no fault was found, but there is ${drawn.kind}`
  const { key, line, isSecond } = drawn.fault
  const expectedLine = line === null ? null : drawn.lines.get(isSecond === true ? `${pathKey(line)}#2` : pathKey(line))
  const named = found.faults.map((fault) => `${fault.key} in line ${fault.line}`)
  const expected = `${key} in line ${expectedLine}`
  return named.length === 1 && named[0] === expected ? undefined : `expected ${expected} to be named (${drawn.kind}), found:\n${found.message}`
}
