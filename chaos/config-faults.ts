import { between, type Random } from '../src/base/random.ts'
import { configKeys, type IntKey } from '../src/node/config-keys.ts'
import { isMap, map, type Path, pick, type RandomCluster, type Written, type WrittenMap } from './random-config.ts'

/** What one fault did: where it must be named, and nothing else. `line`: of that path, as rendered; null: it stands in the environment. */
export interface MadeFault {
  readonly key: string
  readonly line: Path | null
  /** The key stands twice: the later one is named. */
  readonly isSecond?: boolean
  readonly env?: Readonly<Record<string, string>>
}

/** Does one thing wrong to a right cluster. Undefined: this one has nothing that it could be done to. */
export type FaultKind = (random: Random, cluster: RandomCluster) => MadeFault | undefined

type Entries = WrittenMap['entries']

function set(entries: Entries, name: string, value: Written): void {
  const found = entries.find(([one]) => one === name)
  if (found === undefined) entries.push([name, value])
  else found[1] = value
}

function get(entries: Entries, name: string): Written | undefined {
  return entries.find(([one]) => one === name)?.[1]
}

function keyOf(path: Path): string {
  return path.map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`)).join('')
}

function at(path: Path): MadeFault {
  return { key: keyOf(path), line: path }
}

/** A letter left out, doubled, or swapped with the next: still none of `known`. */
function misspell(random: Random, word: string, known: readonly string[]): string | undefined {
  for (let tries = 0; tries < 10; tries++) {
    const place = random.integer(word.length - 1)
    const letters = [...word]
    const how = random.integer(3)
    if (how === 0) letters.splice(place, 1)
    else if (how === 1) letters.splice(place, 0, letters[place] as string)
    else [letters[place], letters[place + 1]] = [letters[place + 1] as string, letters[place] as string]
    const wrong = letters.join('')
    if (wrong !== word && wrong !== '' && !known.includes(wrong) && /^[\w.]+$/.test(wrong)) return wrong
  }
  return undefined
}

function someNode(random: Random, cluster: RandomCluster): { readonly place: number; readonly entries: Entries } {
  const place = random.integer(cluster.nodes.length)
  return { place, entries: (cluster.nodes[place] as RandomCluster['nodes'][number]).map.entries }
}

/** The mapping of defaults; made when it is missing. */
function defaultsOf(cluster: RandomCluster): Entries {
  const found = get(cluster.file.entries, 'defaults')
  if (isMap(found)) return found.entries
  const made = map([])
  cluster.file.entries.push(['defaults', made])
  return made.entries
}

/** The config of a node, or of defaults; made when it is missing. */
function someConfig(random: Random, cluster: RandomCluster): { readonly path: Path; readonly entries: Entries } {
  const inDefaults = random.integer(2) === 0
  const { place, entries } = someNode(random, cluster)
  const around = inDefaults ? defaultsOf(cluster) : entries
  const config = get(around, 'config')
  const found = isMap(config) ? config.entries : []
  if (!isMap(config)) around.push(['config', map(found)])
  return { path: inDefaults ? ['defaults', 'config'] : ['nodes', place, 'config'], entries: found }
}

function setInNode(random: Random, cluster: RandomCluster, name: string, values: readonly Written[]): MadeFault {
  const { place, entries } = someNode(random, cluster)
  set(entries, name, pick(random, values))
  return at(['nodes', place, name])
}

const DEFAULTS_KEYS = ['roles', 'rack', 'config']
const NODE_KEYS = ['nodeId', 'host', 'grpcPort', 'kafkaPort', 'httpPort', 'dataDirs', 'roles', 'rack', 'config']
const CONFIG_NAMES = configKeys.flatMap((key) => [...key.names, ...Object.keys(key.type === 'int' ? (key.scaledNames ?? {}) : {})])
const NO_PORTS: readonly Written[] = [0, -1, 65_536, 1.5, '9192', 'grpc', [], map([]), true]

/** Without the config keys that mean the same as `name`. */
function freeOf(entries: Entries, name: string): void {
  const key = configKeys.find((one) => one.names.includes(name))
  const names = key === undefined ? [name] : [...key.names, ...Object.keys(key.type === 'int' ? (key.scaledNames ?? {}) : {})]
  for (let place = entries.length - 1; place >= 0; place--) if (names.includes((entries[place] as [string, Written])[0])) entries.splice(place, 1)
}

export const faultKinds: Readonly<Record<string, FaultKind>> = {
  'a misspelt key of the file': (random, { file }) => {
    const wrong = misspell(random, pick(random, ['clusterName', 'defaults']), ['nodes', 'clusterName', 'defaults'])
    if (wrong === undefined) return undefined
    file.entries.push([wrong, 'x'])
    return at([wrong])
  },
  'a misspelt key of a node': (random, cluster) => {
    const { place, entries } = someNode(random, cluster)
    const wrong = misspell(random, pick(random, NODE_KEYS), NODE_KEYS)
    if (wrong === undefined) return undefined
    entries.push([wrong, pick(random, [1, 'x', null])])
    return at(['nodes', place, wrong])
  },
  'a misspelt key of defaults': (random, cluster) => {
    const wrong = misspell(random, pick(random, DEFAULTS_KEYS), DEFAULTS_KEYS)
    if (wrong === undefined) return undefined
    defaultsOf(cluster).push([wrong, pick(random, ['x', null, ['broker']])])
    return at(['defaults', wrong])
  },
  'a key of one node in defaults': (random, cluster) => {
    const name = pick(
      random,
      NODE_KEYS.filter((key) => !DEFAULTS_KEYS.includes(key)),
    )
    defaultsOf(cluster).push([name, 1])
    return at(['defaults', name])
  },
  'a key in other letters': (random, cluster) => {
    const { place, entries } = someNode(random, cluster)
    const { path, entries: config } = someConfig(random, cluster)
    const inNode = random.integer(2) === 0
    const wrong = pick(random, inNode ? NODE_KEYS : CONFIG_NAMES).toUpperCase()
    ;(inNode ? entries : config).push([wrong, 1])
    return at(inNode ? ['nodes', place, wrong] : [...path, wrong])
  },
  'a misspelt key of config': (random, cluster) => {
    const { path, entries } = someConfig(random, cluster)
    const wrong = misspell(random, pick(random, CONFIG_NAMES), CONFIG_NAMES)
    if (wrong === undefined) return undefined
    entries.push([wrong, 1])
    return at([...path, wrong])
  },
  'a key that nobody knows': (random, cluster) => {
    const { path, entries } = someConfig(random, cluster)
    const name = pick(random, ['zookeeper.connect', 'node.id', 'listeners', '__proto__', 'constructor', 'x'])
    entries.push([name, 1])
    return at([...path, name])
  },
  'a key that means something else to JavaScript': (random, cluster) => {
    const { place, entries } = someNode(random, cluster)
    const name = pick(random, ['__proto__', 'constructor', 'prototype'])
    const inFile = random.integer(2) === 0
    ;(inFile ? cluster.file.entries : entries).push([name, 1])
    return at(inFile ? [name] : ['nodes', place, name])
  },
  'a port that is none': (random, cluster) => setInNode(random, cluster, pick(random, ['grpcPort', 'kafkaPort', 'httpPort']), NO_PORTS),
  'no gRPC port': (random, cluster) => setInNode(random, cluster, 'grpcPort', [null]),
  'a node id that is none': (random, cluster) => setInNode(random, cluster, 'nodeId', [-1, 2_147_483_648, 0.5, '1', null, []]),
  'a host that is none': (random, cluster) => setInNode(random, cluster, 'host', ['', ' ', '0.0.0.0', '::', 'a b', 'a:1', 7, null, []]),
  'folders that are none': (random, cluster) => setInNode(random, cluster, 'dataDirs', [[], 'data', map([]), 7]),
  'a rack that is none': (random, cluster) => setInNode(random, cluster, 'rack', ['', ' ', 7, [], true]),
  'a config that is none': (random, cluster) => setInNode(random, cluster, 'config', [7, 'x', null, true]),
  'a role that is none': (random, cluster) => {
    const { place, entries } = someNode(random, cluster)
    set(entries, 'roles', ['controller', 'broker', pick<Written>(random, ['boss', 7, null])])
    return { key: keyOf(['nodes', place, 'roles', 2]), line: ['nodes', place, 'roles'] }
  },
  'no roles': (random, cluster) => setInNode(random, cluster, 'roles', [[], 'broker', null]),
  'a role twice': (random, cluster) => setInNode(random, cluster, 'roles', [['controller', 'broker', 'broker']]),
  'a cluster name that is none': (random, { file }) => {
    set(file.entries, 'clusterName', pick<Written>(random, ['', 7, [], null]))
    return at(['clusterName'])
  },
  'the id of another node': (random, cluster) => {
    if (cluster.nodes.length < 2) return undefined
    const place = between(random, 1, cluster.nodes.length - 1)
    const entries = (cluster.nodes[place] as RandomCluster['nodes'][number]).map.entries
    // What follows from the id is said, so that nothing else is the same too.
    for (const [name, port] of [
      ['grpcPort', 30_001],
      ['kafkaPort', 30_002],
      ['httpPort', 30_003],
    ] as const)
      if (get(entries, name) === undefined) set(entries, name, port)
    if (get(entries, 'dataDirs') === undefined) set(entries, 'dataDirs', ['of-its-own'])
    set(entries, 'nodeId', (cluster.nodes[random.integer(place)] as RandomCluster['nodes'][number]).nodeId)
    return at(['nodes', place, 'nodeId'])
  },
  'the port of another node': (random, cluster) => {
    if (cluster.nodes.length < 2) return undefined
    const [first, second] = cluster.nodes.map((node) => node.map.entries) as [Entries, Entries]
    const [one, other] = [pick(random, ['grpcPort', 'httpPort']), pick(random, ['grpcPort', 'kafkaPort', 'httpPort'])]
    for (const entries of [first, second]) set(entries, 'host', 'same.example.org')
    set(first, 'dataDirs', ['first'])
    set(second, 'dataDirs', ['second'])
    set(first, one, 31_000)
    set(second, other, 31_000)
    return at(['nodes', 1, other])
  },
  'the folder of another node, or one in it': (random, cluster) => {
    if (cluster.nodes.length < 2) return undefined
    const [first, second] = cluster.nodes.map((node) => node.map.entries) as [Entries, Entries]
    for (const [place, entries] of [first, second].entries()) {
      set(entries, 'host', 'same.example.org')
      for (const [more, name] of ['grpcPort', 'kafkaPort', 'httpPort'].entries()) set(entries, name, 32_000 + 10 * place + more)
    }
    set(first, 'dataDirs', ['the/folder'])
    set(second, 'dataDirs', [pick(random, ['the/folder', 'the/folder/', './the/x/../folder', 'the/folder/within', 'the'])])
    return at(['nodes', 1, 'dataDirs'])
  },
  'a folder twice': (random, cluster) => {
    const { place, entries } = someNode(random, cluster)
    set(entries, 'dataDirs', ['one', 'two', pick(random, ['one', 'two/within'])])
    return { key: keyOf(['nodes', place, 'dataDirs', 2]), line: ['nodes', place, 'dataDirs'] }
  },
  'a number that is too small or too large': (random, cluster) => {
    const key = pick(
      random,
      configKeys.filter((one): one is IntKey => one.type === 'int' && one.field !== 'minInSyncReplicas'),
    )
    const { path, entries } = someConfig(random, cluster)
    const name = pick(random, key.names)
    freeOf(entries, name)
    entries.push([name, pick<Written>(random, [key.min - 1, key.min - 7, ...(key.max < Number.MAX_SAFE_INTEGER ? [key.max + 1] : [])])])
    return at([...path, name])
  },
  'a value that is no number, or no word of its key': (random, cluster) => {
    const key = pick(random, configKeys)
    const { path, entries } = someConfig(random, cluster)
    const name = pick(random, key.names)
    freeOf(entries, name)
    entries.push([name, pick<Written>(random, ['7d', '1 GB', 'many', 1.5, true, [], map([]), '', 'createtime'])])
    return at([...path, name])
  },
  'more in-sync replicas than brokers': (random, cluster) => {
    const { path, entries } = someConfig(random, cluster)
    freeOf(entries, 'min.insync.replicas')
    entries.push(['min.insync.replicas', cluster.nodes.length + between(random, 1, 100)])
    return at([...path, 'min.insync.replicas'])
  },
  'one key by two names': (random, cluster) => {
    const { path, entries } = someConfig(random, cluster)
    freeOf(entries, 'retention.ms')
    const [first, second] = pick(random, [
      ['retention.ms', 'log.retention.ms'],
      ['log.retention.hours', 'retention.ms'],
      ['log.retention.ms', 'log.retention.minutes'],
    ] as const)
    entries.push([first, 5], [second, 5])
    return at([...path, second])
  },
  'a key with dots as mappings': (random, cluster) => {
    const { path, entries } = someConfig(random, cluster)
    entries.push(['log', map([['retention', map([['ms', 5]])]])])
    return at([...path, 'log'])
  },
  'a key twice': (random, cluster) => {
    const { place, entries } = someNode(random, cluster)
    const entry = pick(random, entries)
    entries.push([entry[0], entry[1]])
    return { key: keyOf(['nodes', place, entry[0]]), line: ['nodes', place, entry[0]], isSecond: true }
  },
  'a node that is no mapping': (random, cluster) => {
    const place = random.integer(cluster.nodes.length)
    const nodes = [...(get(cluster.file.entries, 'nodes') as readonly Written[])]
    nodes[place] = pick<Written>(random, [7, 'x', null, []])
    // Another one is controller and broker, whatever this one was.
    const other = cluster.nodes[(place + 1) % cluster.nodes.length]
    if (other === undefined || cluster.nodes.length < 2) return undefined
    set(other.map.entries, 'roles', ['controller', 'broker'])
    for (const one of cluster.nodes) dropMinInSync(one.map.entries)
    const defaults = get(cluster.file.entries, 'defaults')
    if (isMap(defaults)) dropMinInSync(defaults.entries)
    set(cluster.file.entries, 'nodes', nodes)
    return at(['nodes', place])
  },
  'defaults that are none': (random, { file }) => {
    set(file.entries, 'defaults', pick<Written>(random, [[], 7, 'x', null]))
    return at(['defaults'])
  },
  'no nodes': (random, { file }) => {
    set(file.entries, 'nodes', pick<Written>(random, [[], 'x', map([]), null]))
    return at(['nodes'])
  },
  'nobody who votes, or nobody who holds records': (random, cluster) => {
    for (const { map: node } of cluster.nodes) dropMinInSync(node.entries)
    const defaults = get(cluster.file.entries, 'defaults')
    if (isMap(defaults)) dropMinInSync(defaults.entries)
    const role = pick(random, ['broker', 'controller'])
    for (const { map: node } of cluster.nodes) set(node.entries, 'roles', [role])
    return at(['nodes'])
  },
  'a misspelt variable': (random) => {
    const known = ['OXBOW_NODE_ID', 'OXBOW_GRPC_PORT', 'OXBOW_BOOTSTRAP', 'OXBOW_CONFIG_LOG_RETENTION_MS', 'OXBOW_CONFIG_SEGMENT_BYTES', 'OXBOW_LOG_LEVEL']
    const word = pick(random, known)
    const wrong = misspell(random, word.slice('OXBOW_'.length), [])
    if (wrong === undefined || known.includes(`OXBOW_${wrong}`)) return undefined
    return { key: `OXBOW_${wrong}`, line: null, env: { [`OXBOW_${wrong}`]: '1' } }
  },
  'a variable with a wrong value': (random) => {
    const [name, value] = pick(random, [
      ['OXBOW_NODE_ID', 'one'],
      ['OXBOW_GRPC_PORT', '70000'],
      ['OXBOW_HTTP_PORT', 'null'],
      ['OXBOW_HOST', '0.0.0.0'],
      ['OXBOW_LOG_LEVEL', 'loud'],
      ['OXBOW_CONFIG_LOG_RETENTION_MS', '7d'],
      ['OXBOW_CONFIG_LOG_MESSAGE_TIMESTAMP_TYPE', 'createtime'],
    ] as const)
    return { key: name, line: null, env: { [name]: value } }
  },
}

function dropMinInSync(entries: Entries): void {
  const config = get(entries, 'config')
  if (isMap(config)) freeOf(config.entries, 'min.insync.replicas')
}
