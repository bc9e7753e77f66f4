import { between, type Random } from '../src/base/random.ts'
import { type ConfigKey, configKeys } from '../src/node/config-keys.ts'

/** A value of a cluster file as it is written, so that each key has a line of its own. */
export type Written = string | number | boolean | null | readonly Written[] | WrittenMap
/** In order; a name may come twice, as it may in a file. */
export type WrittenMap = { readonly entries: [name: string, value: Written][] }

export interface RandomNode {
  readonly nodeId: number
  readonly map: WrittenMap
}

/** A cluster file that is right, before anything is done to it. */
export interface RandomCluster {
  readonly file: WrittenMap
  readonly nodes: readonly RandomNode[]
  /** What it says, by node id, as a config must have it; keys that it does not name are left out. */
  readonly said: ReadonlyMap<number, ReadonlyMap<ConfigKey, number | string | null>>
}

export interface RandomClusterOptions {
  readonly maxNodes: number
  /** All on 127.0.0.1, each port from here on, so that it can be started. Undefined: hosts and ports are drawn. */
  readonly fromPort?: number
}

const HOSTS = ['10.0.0.1', '10.0.0.2', 'kafka-a.example.org', 'n_1', 'fe80::1', 'NODE-3'] as const
const FIRST_DRAWN_PORT = 20_000
const HOUR_MS = 3_600_000
const RACKS = ['east', 'west', '1a'] as const

export function map(entries: [string, Written][]): WrittenMap {
  return { entries }
}

export function isMap(value: Written | undefined): value is WrittenMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.integer(from.length)] as T
}

function oneIn(random: Random, count: number): boolean {
  return random.integer(count) === 0
}

/** A value that the key may have, and how it is written: as a number, as text, or in the larger unit of another name. */
function drawValue(random: Random, key: ConfigKey): { readonly name: string; readonly written: Written; readonly value: number | string | null } {
  const name = pick(random, key.names)
  if (key.type === 'enum') {
    const value = pick(random, key.values)
    return { name, written: value, value }
  }
  if (key.default === null && oneIn(random, 4)) return { name, written: null, value: null }
  if (key.min === -1 && oneIn(random, 4)) return { name, written: -1, value: -1 }
  // What is right and refuses every record of now would not get as far as its first record.
  const least = key.field.startsWith('timestamp') ? HOUR_MS : Math.max(0, key.min)
  const most = Math.min(key.max, least + 10_000_000)
  const scaled = Object.entries(key.scaledNames ?? {})
  if (scaled.length > 0 && oneIn(random, 3)) {
    const [scaledName, factor] = pick(random, scaled)
    const count = between(random, 1, 100)
    return { name: scaledName, written: count, value: count * factor }
  }
  const value = oneIn(random, 4) ? pick(random, [Math.max(least, key.min), Math.min(key.max, Number.MAX_SAFE_INTEGER)]) : between(random, least, most)
  return { name, written: oneIn(random, 5) ? String(value) : value, value }
}

function drawConfig(random: Random, brokers: number): { readonly written: [string, Written][]; readonly said: Map<ConfigKey, number | string | null> } {
  const written: [string, Written][] = []
  const said = new Map<ConfigKey, number | string | null>()
  for (const key of configKeys) {
    if (!oneIn(random, 5)) continue
    let { name, written: text, value } = drawValue(random, key)
    if (key.field === 'minInSyncReplicas' && value !== null) text = value = between(random, 1, brokers)
    written.push([name, text])
    said.set(key, value)
  }
  return { written, said }
}

function drawRoles(random: Random): Written {
  return pick(random, [['broker'], ['controller'], ['controller', 'broker'], ['broker', 'controller']])
}

function drawNodeIds(random: Random, count: number): number[] {
  const ids = new Set<number>()
  while (ids.size < count) ids.add(between(random, 0, 98))
  return [...ids]
}

/** A right cluster file. Everything of it follows from `random`. */
export function drawCluster(random: Random, options: RandomClusterOptions): RandomCluster {
  const ids = drawNodeIds(random, between(random, 1, options.maxNodes))
  const sameRoles = oneIn(random, 2)
  // The first node is a controller and a broker, so that whatever the others are, the cluster has both.
  const roles = ids.map((_, at): Written => (at === 0 ? ['controller', 'broker'] : drawRoles(random)))
  const isBroker = (at: number): boolean => sameRoles || (roles[at] as readonly string[]).includes('broker')
  const brokers = ids.filter((_, at) => isBroker(at)).length
  const common = drawConfig(random, brokers)
  let nextPort = options.fromPort ?? FIRST_DRAWN_PORT
  const said = new Map<number, Map<ConfigKey, number | string | null>>()
  const nodes = ids.map((nodeId, at): RandomNode => {
    const entries: [string, Written][] = [['nodeId', nodeId]]
    if (options.fromPort !== undefined) entries.push(['host', '127.0.0.1'])
    else if (oneIn(random, 2)) entries.push(['host', pick(random, HOSTS)])
    for (const name of ['grpcPort', 'kafkaPort', 'httpPort']) {
      if (name !== 'grpcPort' && oneIn(random, 5)) entries.push([name, null])
      else if (options.fromPort !== undefined || oneIn(random, 2)) entries.push([name, nextPort++])
    }
    if (options.fromPort !== undefined || oneIn(random, 2))
      entries.push(['dataDirs', Array.from({ length: between(random, 1, 3) }, (_, folder) => `d/${nodeId}/${folder}`)])
    if (!sameRoles) entries.push(['roles', roles[at] as Written])
    if (oneIn(random, 3)) entries.push(['rack', oneIn(random, 4) ? null : pick(random, RACKS)])
    const own = oneIn(random, 2) ? drawConfig(random, brokers) : undefined
    if (own !== undefined && own.written.length > 0) entries.push(['config', map(own.written)])
    said.set(nodeId, new Map([...common.said, ...(own?.said ?? [])]))
    return { nodeId, map: map(shuffle(random, entries)) }
  })
  const file: [string, Written][] = [['nodes', nodes.map((node) => node.map)]]
  if (oneIn(random, 2)) file.push(['clusterName', `cluster-${random.integer(1000)}`])
  const defaults: [string, Written][] = []
  if (oneIn(random, 3)) defaults.push(['rack', pick(random, RACKS)])
  if (common.written.length > 0) defaults.push(['config', map(common.written)])
  if (defaults.length > 0) file.push(['defaults', map(shuffle(random, defaults))])
  return { file: map(shuffle(random, file)), nodes, said }
}

function shuffle<T>(random: Random, items: T[]): T[] {
  for (let at = items.length - 1; at > 0; at--) {
    const other = random.integer(at + 1)
    ;[items[at], items[other]] = [items[other] as T, items[at] as T]
  }
  return items
}

/** Where a key stands: names, and places in lists. */
export type Path = readonly (string | number)[]

export interface Rendered {
  readonly text: string
  /** Of each key, from 1; a key that comes twice has the line of the later one under its path with a `#2`. */
  readonly lines: ReadonlyMap<string, number>
}

export function pathKey(path: Path): string {
  let text = ''
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : `${text === '' ? '' : '.'}${part}`
  return text
}

function inline(value: Written): string {
  if (isMap(value)) return `{ ${value.entries.map(([name, inner]) => `${name}: ${inline(inner)}`).join(', ')} }`
  if (Array.isArray(value)) return `[${value.map((item) => inline(item as Written)).join(', ')}]`
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** As YAML, one key a line, nodes as a list of blocks. */
export function render(file: WrittenMap): Rendered {
  const lines: string[] = ['# A cluster file.']
  const at = new Map<string, number>()
  const note = (path: Path): void => {
    const key = pathKey(path)
    at.set(at.has(key) ? `${key}#2` : key, lines.length)
  }
  const write = (entries: readonly [string, Written][], path: Path, indent: string, first: string): void => {
    let lead = first
    for (const [name, value] of entries) {
      const here = [...path, name]
      const isBlock = isMap(value) && value.entries.length > 0
      const isNodes = Array.isArray(value) && value.some((item) => isMap(item as Written))
      lines.push(`${lead}${/^[\w.]+$/.test(name) ? name : JSON.stringify(name)}:${isBlock || isNodes ? '' : ` ${inline(value)}`}`)
      note(here)
      lead = indent
      if (isBlock) write(value.entries, here, `${indent}  `, `${indent}  `)
      if (isNodes) writeList(value as readonly Written[], here, indent)
    }
  }
  const writeList = (items: readonly Written[], path: Path, indent: string): void => {
    for (const [place, item] of items.entries()) {
      const here = [...path, place]
      if (isMap(item) && item.entries.length > 0) {
        at.set(pathKey(here), lines.length + 1)
        write(item.entries, here, `${indent}    `, `${indent}  - `)
      } else {
        lines.push(`${indent}  - ${inline(item)}`)
        at.set(pathKey(here), lines.length)
      }
    }
  }
  write(file.entries, [], '', '')
  return { text: `${lines.join('\n')}\n`, lines: at }
}
