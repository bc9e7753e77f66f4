import { HistoryError } from './history-error.ts'
import { isMicroOperations, type MicroOperation, type Operation } from './operation.ts'
import { readEdn } from './edn-reader.ts'
import { isKeys, validateOperation } from './validate.ts'

/** One operation as a map of Clojure's notation, as Jepsen keeps it in history.edn, on one line. */
export function formatEdn(operation: Operation): string {
  const { index, time, process, type, f, value, error, rebalanceLog, seekToBeginning, node, partitions } = operation
  const parts = [`:index ${index}`, `:time ${time}`, `:type :${type}`, `:process ${process}`, `:f :${f}`]
  parts.push(`:value [${isMicroOperations(value) ? value.map(formatPart).join(' ') : value.join(' ')}]`)
  if (error !== undefined) parts.push(`:error ${formatAny(error)}`)
  if (rebalanceLog !== undefined) parts.push(`:rebalance-log [${rebalanceLog.map(({ keys }) => `{:keys [${keys.join(' ')}]}`).join(' ')}]`)
  if (seekToBeginning !== undefined) parts.push(`:seek-to-beginning? ${seekToBeginning}`)
  if (node !== undefined) parts.push(`:node ${node}`)
  if (partitions !== undefined) parts.push(`:partitions ${formatAny(partitions)}`)
  return `{${parts.join(', ')}}`
}

function formatPart(part: MicroOperation): string {
  if (part[0] === 'poll') return part[1] === undefined ? '[:poll]' : `[:poll {${Object.entries(part[1]).map(formatPolled).join(', ')}}]`
  const sent = part[2]
  return `[:send ${part[1]} ${typeof sent === 'number' ? sent : `[${sent[0] ?? 'nil'} ${sent[1]}]`}]`
}

function formatPolled([key, pairs]: [string, readonly (readonly [number, number])[]]): string {
  return `${key} [${pairs.map(([offset, value]) => `[${offset} ${value}]`).join(' ')}]`
}

/** Whatever JSON can say. */
function formatAny(value: unknown): string {
  if (value === null || value === undefined) return 'nil'
  if (Array.isArray(value)) return `[${value.map(formatAny).join(' ')}]`
  if (typeof value !== 'object') return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([name, one]) => `${JSON.stringify(name)} ${formatAny(one)}`)
    .join(', ')}}`
}

/**
 * Undefined: not of a client, as what Jepsen's nemesis does. Jepsen's crashes have no value, and its clients answer debug-topic-partitions with
 * whatever they were told, in words of their own: as nothing is judged by either, such a value is read as a list of no keys.
 */
export function parseEdn(line: string): Operation | undefined {
  const map = readEdn(line)
  if (!(map instanceof Map)) throw new HistoryError('an operation is a map')
  if (typeof map.get('process') === 'string') return undefined
  const operation: Record<string, unknown> = {}
  for (const [name, value] of map) {
    const known = renamed[String(name)] ?? String(name)
    operation[known] = plain(value)
  }
  const isUnjudged = operation.f === 'crash' || operation.f === 'debug-topic-partitions'
  if (isUnjudged && !isKeys(operation.value)) operation.value = []
  return validateOperation(operation)
}

const renamed: Readonly<Record<string, string>> = { 'rebalance-log': 'rebalanceLog', 'seek-to-beginning?': 'seekToBeginning' }

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, one]) => [String(name), plain(one)]))
  return value
}
