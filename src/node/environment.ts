import { didYouMean } from '../base/did-you-mean.ts'
import { isLogLevel, logLevels } from '../base/log-level.ts'
import type { ConfigFault } from './config-faults.ts'
import { type ConfigKey, configKeys, findConfigName, readConfigValue } from './config-keys.ts'
import { valueFault } from './config-values.ts'
import { isHost, isName, isNodeId, isPort, wanted } from './node-values.ts'

export type EnvironmentVariables = Readonly<Record<string, string | undefined>>

const PREFIX = 'OXBOW_'
const CONFIG_PREFIX = 'OXBOW_CONFIG_'
/** Whoever tests with Oxbow may name variables of their own so; nothing here reads them. */
const TEST_PREFIX = 'OXBOW_TEST_'

/** What a variable may say of the one node that runs in its environment. */
export interface NodeOverrides {
  readonly nodeId?: number
  readonly host?: string
  readonly grpcPort?: number
  readonly kafkaPort?: number | null
  readonly httpPort?: number | null
  readonly dataDirs?: readonly string[]
  readonly rack?: string
}

export type NodeField = keyof NodeOverrides

interface NodeVariable {
  readonly name: string
  readonly field: NodeField
  readonly meaning: string
  /** Undefined: it cannot be that. */
  readonly read: (text: string) => NodeOverrides[NodeField]
  readonly expected: string
}

function numberOf(text: string): number {
  return /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
}

const portOf = (text: string): number | undefined => (isPort(numberOf(text)) ? numberOf(text) : undefined)
const portOrNone = (text: string): number | null | undefined => (text === 'none' ? null : portOf(text))
const listOf = (text: string): string[] => text.split(',').map((part) => part.trim())

/** In place of what the cluster file says of the node. */
export const nodeVariables: readonly NodeVariable[] = [
  {
    name: 'OXBOW_NODE_ID',
    field: 'nodeId',
    meaning: 'which node of the cluster file runs here, where `--node` does not say',
    read: (text) => (isNodeId(numberOf(text)) ? numberOf(text) : undefined),
    expected: wanted.nodeId,
  },
  {
    name: 'OXBOW_DATA',
    field: 'dataDirs',
    meaning: 'its data folders, with commas between them; relative to the working directory',
    read: (text) => (listOf(text).every(isName) ? listOf(text) : undefined),
    expected: 'folders with commas between them',
  },
  { name: 'OXBOW_HOST', field: 'host', meaning: 'its host', read: (text) => (isHost(text) ? text : undefined), expected: wanted.host },
  { name: 'OXBOW_GRPC_PORT', field: 'grpcPort', meaning: 'its gRPC port', read: portOf, expected: wanted.port },
  { name: 'OXBOW_KAFKA_PORT', field: 'kafkaPort', meaning: 'its Kafka port, or `none`', read: portOrNone, expected: `${wanted.port}, or none` },
  { name: 'OXBOW_HTTP_PORT', field: 'httpPort', meaning: 'its HTTP port, or `none`', read: portOrNone, expected: `${wanted.port}, or none` },
  { name: 'OXBOW_RACK', field: 'rack', meaning: 'its rack', read: (text) => (isName(text) ? text : undefined), expected: 'a name' },
]

export const otherVariables: readonly { readonly name: string; readonly meaning: string }[] = [
  { name: 'OXBOW_CONFIG', meaning: 'the cluster file, where `server` and `config check` are not told one' },
  { name: 'OXBOW_BOOTSTRAP', meaning: '`HOST:PORT[,…]` of the nodes that commands ask, where `--bootstrap` does not say' },
  { name: 'OXBOW_LOG_LEVEL', meaning: 'how much a node logs: `debug`, `info` (default), `warn` or `error`' },
  { name: 'OXBOW_READYZ', meaning: 'the `/readyz` that the health check of the Docker image asks; nothing else reads it' },
]

/** `OXBOW_CONFIG_LOG_RETENTION_MS` for log.retention.ms. */
export function variableOf(configName: string): string {
  return CONFIG_PREFIX + configName.toUpperCase().replaceAll('.', '_')
}

const configVariables: ReadonlyMap<string, string> = new Map(
  configKeys.flatMap((key) => [...key.names, ...Object.keys(key.type === 'int' ? (key.scaledNames ?? {}) : {})].map((name) => [variableOf(name), name])),
)

/** What Kubernetes and Docker put into every container beside a service that is called oxbow, or oxbow-something. */
function isServiceLink(name: string, value: string): boolean {
  if (/^OXBOW_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/.test(name)) return true
  return /^OXBOW_(?:[A-Z0-9_]+_)?PORT$/.test(name) && ADDRESS.test(value)
}

const ADDRESS = /^(?:tcp|udp|sctp):\/\//

export interface Environment {
  readonly node: NodeOverrides
  /** With the variable that says so. */
  readonly config: ReadonlyMap<ConfigKey, { readonly variable: string; readonly value: number | string | null }>
  readonly faults: readonly ConfigFault[]
}

function unknownVariable(name: string, value: string): ConfigFault {
  const known = [...nodeVariables, ...otherVariables].map((one) => one.name)
  const isConfig = name.startsWith(CONFIG_PREFIX)
  const withPrefix = CONFIG_PREFIX + name.slice(PREFIX.length)
  const meant = configVariables.has(withPrefix) ? withPrefix : didYouMean(name, isConfig ? [...configVariables.keys()] : [...known, ...configVariables.keys()])
  const choices = isConfig
    ? `${CONFIG_PREFIX} and a key of config, as in ${variableOf('log.retention.ms')}`
    : `one of ${known.join(', ')}, or ${CONFIG_PREFIX}<KEY>`
  return { key: name, value, expected: meant === undefined ? choices : `another variable (did you mean ${meant}?)`, line: null }
}

/** Variables of ours that nobody knows: misspelt ones would be ignored otherwise. An empty one counts as not set. */
export function unknownVariables(env: EnvironmentVariables): ConfigFault[] {
  const known = new Set([...nodeVariables, ...otherVariables].map((one) => one.name))
  return Object.entries(env)
    .filter(([name, value]) => name.startsWith(PREFIX) && !name.startsWith(TEST_PREFIX) && value !== undefined && value !== '')
    .filter(([name, value]) => !known.has(name) && !configVariables.has(name) && !isServiceLink(name, value as string))
    .map(([name, value]) => unknownVariable(name, value as string))
}

/** Variables that are set and say something of one node alone. */
export function nodeVariablesIn(env: EnvironmentVariables): string[] {
  return nodeVariables.map(({ name }) => name).filter((name) => (env[name] ?? '') !== '')
}

/** What the environment says of nodes, with everything that is wrong about it. */
export function readEnvironment(env: EnvironmentVariables): Environment {
  const faults = unknownVariables(env)
  const node: Record<string, NodeOverrides[NodeField]> = {}
  for (const { name, field, read, expected } of nodeVariables) {
    const text = env[name] ?? ''
    // A Docker link or a Kubernetes service of the name oxbow-grpc sets OXBOW_GRPC_PORT to such an address.
    if (text === '' || ADDRESS.test(text)) continue
    const value = read(text)
    if (value === undefined) faults.push({ key: name, value: text, expected, line: null })
    else node[field] = value
  }
  const config = new Map<ConfigKey, { readonly variable: string; readonly value: number | string | null }>()
  for (const [variable, name] of configVariables) {
    const text = env[variable] ?? ''
    if (text === '') continue
    const { key, factor } = findConfigName(name) as NonNullable<ReturnType<typeof findConfigName>>
    const other = config.get(key)?.variable
    const expected = valueFault(name, text) ?? (other === undefined ? undefined : `to be unset: ${other} is the same and is set too`)
    if (expected !== undefined) faults.push({ key: variable, value: text, expected, line: null })
    else config.set(key, { variable, value: readConfigValue(key, text, factor) ?? null })
  }
  const level = env.OXBOW_LOG_LEVEL ?? ''
  if (level !== '' && !isLogLevel(level)) faults.push({ key: 'OXBOW_LOG_LEVEL', value: level, expected: `one of ${logLevels.join(', ')}`, line: null })
  return { node: node as NodeOverrides, config, faults }
}

export const noEnvironment: Environment = { node: {}, config: new Map(), faults: [] }
