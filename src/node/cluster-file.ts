import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import type * as Yaml from 'yaml'
import { didYouMean } from '../base/did-you-mean.ts'
import { ConfigError, type ConfigFault, keyText, NoSuchConfigError } from './config-faults.ts'
import { configFaults } from './config-values.ts'
import { isFolder, isHost, isName, isNodeId, isPort, isRole, wanted } from './node-values.ts'

export type Role = 'controller' | 'broker'

export interface ClusterFileNode {
  readonly nodeId: number
  readonly host?: string | undefined
  readonly grpcPort?: number | undefined
  readonly kafkaPort?: number | null | undefined
  readonly httpPort?: number | null | undefined
  /** YAML reads a folder named 1 as a number. */
  readonly dataDirs?: readonly (string | number)[] | undefined
  readonly roles?: readonly Role[] | undefined
  /** False: a controller that comes to a cluster that is there; it votes once it is added (rules R2.2, R4.4). */
  readonly firstVoter?: boolean | undefined
  readonly rack?: string | null | undefined
  readonly config?: Readonly<Record<string, unknown>> | undefined
}

/** A cluster file as written (cli.md, Files), checked key by key. */
export interface ClusterFile {
  readonly clusterName?: string | undefined
  readonly defaults?: Pick<ClusterFileNode, 'roles' | 'rack' | 'config'> | undefined
  readonly nodes: readonly ClusterFileNode[]
}

/** Where a key stands in the file: what the semantic checks need to name a line. */
export type LineFinder = (path: readonly (string | number)[]) => number

/** A leaf says in one sentence what it wants, be it wrong or missing. */
const NODES = 'a list of nodes'

const port = v.custom<number>(isPort, wanted.port)
const optionalPort = v.optional(v.custom<number | null>((value) => value === null || isPort(value), wanted.optionalPort))
const role = v.custom<Role>(isRole, wanted.role)
const folder = v.custom<string | number>(isFolder, wanted.folder)

/** A list is an object to JavaScript, and to valibot. */
function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function mapping(expected: string): v.GenericSchema<Readonly<Record<string, unknown>>> {
  return v.custom<Readonly<Record<string, unknown>>>(isMapping, expected)
}

/** What defaults and nodes share. */
const nodeEntries = {
  roles: v.optional(v.pipe(v.array(role, 'a list of roles'), v.minLength(1, 'at least one of controller, broker'))),
  rack: v.optional(v.custom<string | null>((value) => value === null || isName(value), wanted.rack)),
  config: v.optional(mapping('a mapping of config keys')),
}

const nodeKeys = v.objectWithRest(
  {
    nodeId: v.custom<number>(isNodeId, wanted.nodeId),
    host: v.optional(v.custom<string>(isHost, wanted.host)),
    grpcPort: v.optional(port),
    kafkaPort: optionalPort,
    httpPort: optionalPort,
    dataDirs: v.optional(v.pipe(v.array(folder, 'a list of folders'), v.minLength(1, 'at least one folder'), v.maxLength(32, 'at most 32 folders'))),
    firstVoter: v.optional(v.custom<boolean>((value) => typeof value === 'boolean', wanted.firstVoter)),
    ...nodeEntries,
  },
  v.never(),
  wanted.nodeId,
)

const defaultsKeys = v.objectWithRest(nodeEntries, v.never())

const fileKeys = v.objectWithRest(
  {
    clusterName: v.optional(v.custom<string>(isName, 'a name')),
    defaults: v.optional(v.pipe(mapping('a mapping of roles, rack, config'), defaultsKeys)),
    nodes: v.pipe(v.array(v.pipe(mapping('a mapping that describes one node'), nodeKeys), NODES), v.minLength(1, 'at least one node')),
  },
  v.never(),
  NODES,
)

const fileSchema = v.pipe(mapping('a mapping with the key nodes'), fileKeys)

const KEYS_OF_FILE = Object.keys(fileKeys.entries)
const KEYS_OF_NODE = Object.keys(nodeKeys.entries)
const KEYS_OF_DEFAULTS = Object.keys(defaultsKeys.entries)

function pathOf(issue: v.BaseIssue<unknown>): (string | number)[] {
  return (issue.path ?? []).map((part) => part.key as string | number)
}

function knownKeysAt(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return KEYS_OF_FILE
  return path[0] === 'nodes' ? KEYS_OF_NODE : KEYS_OF_DEFAULTS
}

/** Keys that valibot passes over, for what they would mean to JavaScript: in a file they are as unknown as any other. */
const UNSEEN = ['__proto__', 'prototype', 'constructor']

function ownValue(mapping: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(mapping, key)?.value
}

function unseenKeys(raw: unknown, lineOf: LineFinder): ConfigFault[] {
  if (!isMapping(raw)) return []
  const nodes: readonly unknown[] = Array.isArray(raw.nodes) ? raw.nodes : []
  const places: readonly (readonly [unknown, readonly (string | number)[]])[] = [
    [raw, []],
    [raw.defaults, ['defaults']],
    ...nodes.map((node, at) => [node, ['nodes', at]] as const),
  ]
  return places.flatMap(([place, path]) =>
    isMapping(place)
      ? UNSEEN.filter((key) => Object.hasOwn(place, key)).map((key) => unknownKeyFault(path, key, ownValue(place, key), lineOf([...path, key])))
      : [],
  )
}

/** What a key may have been meant as: another of its place, or one of another place. */
function unknownKeyFault(path: readonly PropertyKey[], key: string, value: unknown, line: number): ConfigFault {
  const known = knownKeysAt(path)
  const meant = didYouMean(key, known)
  const elsewhere = path.length === 1 && KEYS_OF_NODE.includes(key) ? `in a node (${key} is of one node)` : undefined
  const expected = elsewhere ?? (meant === undefined ? `one of ${known.join(', ')}` : `another key (did you mean ${meant}?)`)
  return { key: keyText([...path, key]), value, expected, line }
}

/** The line of the value at `path`, or of the nearest thing around it that exists. */
function lineFinder(yaml: typeof Yaml, document: Yaml.Document.Parsed, counter: Yaml.LineCounter): LineFinder {
  return (path) => {
    let found: unknown = document.contents
    let at = yaml.isNode(found) ? (found.range?.[0] ?? 0) : 0
    for (const part of path) {
      if (yaml.isMap(found)) {
        const pair: Yaml.Pair | undefined = found.items.find((item) => String(yaml.isScalar(item.key) ? item.key.value : item.key) === String(part))
        if (pair === undefined) break
        if (yaml.isNode(pair.key)) at = pair.key.range?.[0] ?? at
        found = pair.value
      } else if (yaml.isSeq(found)) {
        const item: unknown = found.items[Number(part)]
        if (!yaml.isNode(item)) break
        at = item.range?.[0] ?? at
        found = item
      } else break
    }
    return Math.max(1, counter.linePos(at).line)
  }
}

export interface ParsedClusterFile {
  /** Without the values that `faults` are about: a node without a usable id has NaN. */
  readonly file: ClusterFile
  readonly lineOf: LineFinder
  /** Faults of form. */
  readonly faults: readonly ConfigFault[]
}

/** How deep in the file the values of nodes and defaults stand: `nodes[1].grpcPort`, `defaults.roles`. */
const NODE_KEY_DEPTH = 3
const DEFAULTS_KEY_DEPTH = 2

/** The file without the values that the schema refused, so that the rest can be judged too. Undefined when no node is left to judge. */
function withoutRefused(raw: unknown, refused: readonly (readonly (string | number)[])[]): ClusterFile | undefined {
  const file = structuredClone(raw) as Record<string, unknown>
  for (const path of refused) {
    const keys = path.slice(0, path[0] === 'nodes' ? NODE_KEY_DEPTH : DEFAULTS_KEY_DEPTH)
    const last = keys.pop()
    if (last === undefined || last === 'nodes') return undefined
    let around: unknown = file
    for (const key of keys) around = (around as Record<string | number, unknown>)[key]
    const parent = around as Record<string | number, unknown>
    // A node keeps its place, for the others are named by theirs.
    if (keys.length === 1 && keys[0] === 'nodes') parent[last] = { nodeId: Number.NaN }
    else if (last === 'nodeId') parent[last] = Number.NaN
    else delete parent[last]
  }
  return file as unknown as ClusterFile
}

/** Keys that are named more than once in a mapping: YAML forbids it, and only one of them could count. */
function doubledKeys(yaml: typeof Yaml, document: Yaml.Document.Parsed, counter: Yaml.LineCounter): ConfigFault[] {
  const faults: ConfigFault[] = []
  const lineAt = (node: unknown): number => Math.max(1, counter.linePos(yaml.isNode(node) ? (node.range?.[0] ?? 0) : 0).line)
  const visit = (node: unknown, path: readonly (string | number)[]): void => {
    if (yaml.isSeq(node)) for (const [at, item] of node.items.entries()) visit(item, [...path, at])
    if (!yaml.isMap(node)) return
    const first = new Map<string, number>()
    for (const { key, value } of node.items) {
      const name = String(yaml.isScalar(key) ? key.value : key)
      const known = first.get(name)
      if (known === undefined) first.set(name, lineAt(key))
      else {
        const text = yaml.isScalar(value) ? value.value : String(value)
        faults.push({ key: keyText([...path, name]), value: text, expected: `to be named once (it is in line ${known} already)`, line: lineAt(key) })
      }
      visit(value, [...path, name])
    }
  }
  visit(document.contents, [])
  return faults
}

function notYaml(reason: string, line: number, text: string): ConfigFault {
  return { key: 'the file', value: text.split('\n')[line - 1]?.trim() ?? '', expected: `YAML (${reason})`, line }
}

/** Parses the text of a cluster file. Throws ConfigError when there is too little to judge what the nodes mean together, which is the caller's part. */
export async function parseClusterFile(path: string, text: string): Promise<ParsedClusterFile> {
  const yaml = await import('yaml')
  const counter = new yaml.LineCounter()
  const document = yaml.parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: false })
  if (document.errors.length > 0) {
    const faults = document.errors.map((error) => notYaml(error.message, Math.max(1, counter.linePos(error.pos[0]).line), text))
    throw new ConfigError(path, faults)
  }
  let raw: unknown
  try {
    raw = document.toJS()
  } catch (error) {
    // An alias to nothing, or so many of them that they would fill the memory.
    throw new ConfigError(path, [notYaml(error instanceof Error ? error.message : String(error), 1, text)])
  }
  const lineOf = lineFinder(yaml, document, counter)
  const result = v.safeParse(fileSchema, raw)
  const faults: ConfigFault[] = [...doubledKeys(yaml, document, counter), ...unseenKeys(raw, lineOf)]
  for (const issue of result.issues ?? []) {
    const keyPath = pathOf(issue)
    if (issue.type === 'never') faults.push(unknownKeyFault(keyPath.slice(0, -1), String(keyPath.at(-1)), issue.input, lineOf(keyPath)))
    else faults.push({ key: keyText(keyPath), value: issue.input, expected: issue.message, line: lineOf(keyPath) })
  }
  const file = result.success ? result.output : withoutRefused(raw, result.issues.map(pathOf))
  if (file === undefined) throw new ConfigError(path, faults)
  faults.push(...configFaults(file.defaults?.config, ['defaults', 'config'], lineOf))
  for (const [at, node] of file.nodes.entries()) faults.push(...configFaults(node.config, ['nodes', at, 'config'], lineOf))
  return { file, lineOf, faults }
}

export async function readClusterFile(path: string): Promise<ParsedClusterFile> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new NoSuchConfigError(
      code === 'ENOENT' ? `there is no file at ${path}` : `${path} cannot be read: ${message}`,
      'name a cluster file; cluster-configs/three-node.yaml is an example',
    )
  }
  return parseClusterFile(path, text)
}
