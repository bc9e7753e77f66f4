import { didYouMean } from '../base/did-you-mean.ts'
import { type ConfigFault, keyText } from './config-faults.ts'
import { type ConfigKey, configKeys, describeRange, findConfigName, readConfigValue } from './config-keys.ts'

/** Keys of a Kafka broker that have another place or name here. Value: where it is said. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ['node.id', 'nodeId of the node'],
  ['broker.id', 'nodeId of the node'],
  ['broker.rack', 'rack of the node, or of defaults'],
  ['process.roles', 'roles of the node, or of defaults'],
  ['log.dirs', 'dataDirs of the node'],
  ['log.dir', 'dataDirs of the node'],
  ['listeners', 'host, grpcPort and kafkaPort of the node'],
  ['advertised.listeners', 'host, grpcPort and kafkaPort of the node'],
  ['controller.quorum.voters', 'the role controller of those nodes'],
  ['num.partitions', '--partitions of topic create'],
  ['default.replication.factor', '--replication-factor of topic create'],
])

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['k', 1_024],
  ['kb', 1_024],
  ['kib', 1_024],
  ['mb', 1_048_576],
  ['mib', 1_048_576],
  ['gb', 1_073_741_824],
  ['gib', 1_073_741_824],
])

/** `7d` where a number of milliseconds is wanted: what it would be. */
function inPlainNumbers(value: unknown): string {
  const found = typeof value === 'string' ? /^(\d{1,9})\s*([A-Za-z]{1,3})$/.exec(value.trim()) : null
  const factor = UNITS.get(found?.[2]?.toLowerCase() ?? '')
  return found === null || factor === undefined ? '' : `; ${value} is ${Number(found[1]) * factor}`
}

/** A key with dots that was written as mappings within mappings. */
function innerKey(name: string, value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  for (const [inner, below] of Object.entries(value)) {
    const whole = `${name}.${inner}`
    if (findConfigName(whole) !== undefined) return whole
    const deeper = whole.length < 64 ? innerKey(whole, below) : undefined
    if (deeper !== undefined) return deeper
  }
  return undefined
}

export function unknownConfigKey(name: string, value: unknown): string {
  const place = elsewhere.get(name)
  if (place !== undefined) return `another place: ${place}`
  const inner = innerKey(name, value)
  if (inner !== undefined) return `one key with dots: ${inner}`
  const known = configKeys.flatMap((one) => one.names)
  const meant = didYouMean(name, known)
  return meant === undefined ? `one of ${known.join(', ')}` : `another key (did you mean ${meant}?)`
}

/** Why a value is not what its key may have; undefined: it is. */
export function valueFault(name: string, value: unknown): string | undefined {
  const found = findConfigName(name)
  if (found === undefined) return unknownConfigKey(name, value)
  return readConfigValue(found.key, value, found.factor) === undefined ? `${describeRange(found.key, found.factor)}${inPlainNumbers(value)}` : undefined
}

/** Checks the entries of a `config:` mapping against the one table of keys. */
export function configFaults(
  config: Readonly<Record<string, unknown>> | undefined,
  path: readonly (string | number)[],
  lineOf: (path: readonly (string | number)[]) => number,
): ConfigFault[] {
  const faults: ConfigFault[] = []
  const named = new Map<ConfigKey, string>()
  for (const [name, value] of Object.entries(config ?? {})) {
    const line = lineOf([...path, name])
    const key = findConfigName(name)?.key
    const other = key === undefined ? undefined : named.get(key)
    const expected = valueFault(name, value) ?? (other === undefined ? undefined : `to be left out: ${other} is the same and stands here too`)
    if (expected !== undefined) faults.push({ key: keyText([...path, name]), value, expected, line })
    if (key !== undefined && other === undefined) named.set(key, name)
  }
  return faults
}
