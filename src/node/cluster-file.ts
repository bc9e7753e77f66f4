import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import type * as Yaml from 'yaml'
import { didYouMean } from '../base/did-you-mean.ts'
import { configKeys, describeRange, findConfigKey, idleConfigKeys, readConfigValue } from './config-keys.ts'

/** One thing that is wrong with a cluster file. `key` as a reader would point at it: `nodes[1].grpcPort`. */
export interface ConfigFault {
  readonly key: string
  /** As written; undefined when it is missing. */
  readonly value: unknown
  readonly expected: string
  /** From 1. */
  readonly line: number
}

/** Everything that is wrong with a cluster file, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly path: string
  readonly faults: readonly ConfigFault[]

  constructor(path: string, faults: readonly ConfigFault[]) {
    super(faults.map((fault) => `${path}:${fault.line}: ${describeFault(fault)}`).join('\n'))
    this.path = path
    this.faults = faults
  }
}

/** There is nothing to judge: no such file, or no such node in it. `hint`: what to do next. */
export class NoSuchConfigError extends Error {
  override readonly name = 'NoSuchConfigError'
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

export function describeFault(fault: ConfigFault): string {
  const value = fault.value === undefined ? 'is missing' : `is ${JSON.stringify(fault.value)}`
  return `${fault.key} ${value}, expected ${fault.expected}`
}

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

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535
}

function isWord(value: unknown): boolean {
  return typeof value === 'string' && /^\S{1,255}$/.test(value)
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '' && value.length <= 255
}

function isNodeId(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 2_147_483_647
}

const PORT = 'a port from 1 to 65535'

/** A leaf says in one sentence what it wants, be it wrong or missing. */
const NODE_ID = 'a whole number from 0 to 2147483647'
const NODES = 'a list of nodes'

const port = v.custom<number>(isPort, PORT)
const optionalPort = v.optional(v.custom<number | null>((value) => value === null || isPort(value), `${PORT}, or null for none`))
const role = v.custom<Role>((value) => value === 'controller' || value === 'broker', '"controller" or "broker"')
const folder = v.custom<string | number>((value) => isName(value) || Number.isInteger(value), 'a folder')

/** What defaults and nodes share. */
const nodeEntries = {
  roles: v.optional(v.pipe(v.array(role, 'a list of roles'), v.minLength(1, 'at least one of controller, broker'))),
  rack: v.optional(v.custom<string | null>((value) => value === null || isName(value), 'a name, or null for none')),
  config: v.optional(v.record(v.string(), v.unknown(), 'a mapping of config keys')),
}

const nodeSchema = v.objectWithRest(
  {
    nodeId: v.custom<number>(isNodeId, NODE_ID),
    host: v.optional(v.custom<string>(isWord, 'a host name or address')),
    grpcPort: v.optional(port),
    kafkaPort: optionalPort,
    httpPort: optionalPort,
    dataDirs: v.optional(v.pipe(v.array(folder, 'a list of folders'), v.minLength(1, 'at least one folder'))),
    ...nodeEntries,
  },
  v.never(),
  (issue) => (endsIn(issue, 'nodeId') ? NODE_ID : 'a mapping that describes one node'),
)

const defaultsSchema = v.objectWithRest(nodeEntries, v.never(), 'a mapping of roles, rack, config')

const fileSchema = v.objectWithRest(
  {
    clusterName: v.optional(v.custom<string>(isName, 'a name')),
    defaults: v.optional(defaultsSchema),
    nodes: v.pipe(v.array(nodeSchema, NODES), v.minLength(1, 'at least one node')),
  },
  v.never(),
  (issue) => (endsIn(issue, 'nodes') ? NODES : 'a mapping with the key nodes'),
)

const KEYS_OF_FILE = Object.keys(fileSchema.entries)
const KEYS_OF_NODE = Object.keys(nodeSchema.entries)
const KEYS_OF_DEFAULTS = Object.keys(defaultsSchema.entries)

function pathOf(issue: v.BaseIssue<unknown>): (string | number)[] {
  return (issue.path ?? []).map((part) => part.key as string | number)
}

/** The key itself is missing: then the issue is the mapping's. */
function endsIn(issue: v.BaseIssue<unknown>, key: string): boolean {
  return pathOf(issue).at(-1) === key
}

function knownKeysAt(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return KEYS_OF_FILE
  return path[0] === 'nodes' ? KEYS_OF_NODE : KEYS_OF_DEFAULTS
}

/** `nodes[1].config.min.insync.replicas` */
export function keyText(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : `${text === '' ? '' : '.'}${String(part)}`
  return text === '' ? 'the file' : text
}

function unknownKeyFault(path: readonly PropertyKey[], key: string, known: readonly string[], value: unknown, line: number): ConfigFault {
  const meant = didYouMean(key, known)
  const expected = meant === undefined ? `one of ${known.join(', ')}` : `another key (did you mean ${meant}?)`
  return { key: keyText([...path, key]), value, expected, line }
}

/** Checks the entries of a `config:` mapping against the one table of keys. */
function configFaults(config: Readonly<Record<string, unknown>> | undefined, path: readonly (string | number)[], lineOf: LineFinder): ConfigFault[] {
  const faults: ConfigFault[] = []
  for (const [name, value] of Object.entries(config ?? {})) {
    const line = lineOf([...path, name])
    const key = findConfigKey(name)
    if (key !== undefined) {
      if (readConfigValue(key, value) === undefined) faults.push({ key: keyText([...path, name]), value, expected: describeRange(key), line })
    } else if (!idleConfigKeys.has(name)) {
      const known = configKeys.flatMap((one) => one.names)
      faults.push(unknownKeyFault(path, name, known, value, line))
    }
  }
  return faults
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
    return counter.linePos(at).line
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

/** Parses the text of a cluster file. Throws ConfigError when there is too little to judge what the nodes mean together, which is the caller's part. */
export async function parseClusterFile(path: string, text: string): Promise<ParsedClusterFile> {
  const yaml = await import('yaml')
  const counter = new yaml.LineCounter()
  const document = yaml.parseDocument(text, { lineCounter: counter, prettyErrors: false })
  if (document.errors.length > 0) {
    const faults = document.errors.map((error) => ({
      key: 'the file',
      value: text.split('\n')[counter.linePos(error.pos[0]).line - 1]?.trim() ?? '',
      expected: `YAML (${error.message})`,
      line: Math.max(1, counter.linePos(error.pos[0]).line),
    }))
    throw new ConfigError(path, faults)
  }
  const raw: unknown = document.toJS()
  const lineOf = lineFinder(yaml, document, counter)
  const result = v.safeParse(fileSchema, raw)
  const faults: ConfigFault[] = (result.issues ?? []).map((issue) => {
    const keyPath = pathOf(issue)
    const around = keyPath.slice(0, -1)
    if (issue.type === 'never') return unknownKeyFault(around, String(keyPath.at(-1)), knownKeysAt(around), issue.input, lineOf(keyPath))
    return { key: keyText(keyPath), value: issue.input, expected: issue.message, line: lineOf(keyPath) }
  })
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
