import { HistoryError } from './history-error.ts'
import { type Operation, operationKinds } from './operation.ts'

const types: readonly unknown[] = ['invoke', 'ok', 'fail', 'info']
const kinds: readonly unknown[] = operationKinds

/** A history may come from anywhere: throws a HistoryError that names what is wrong with it. */
export function validateOperation(input: unknown): Operation {
  if (typeof input !== 'object' || input === null) throw new HistoryError('an operation is a map')
  const operation = input as Record<string, unknown>
  for (const name of ['index', 'time', 'process']) {
    if (!isCount(operation[name])) throw new HistoryError(`"${name}" is a whole number from 0, not ${JSON.stringify(operation[name])}`)
  }
  if (!types.includes(operation.type)) throw new HistoryError(`"type" is one of ${types.join(', ')}, not ${JSON.stringify(operation.type)}`)
  if (!kinds.includes(operation.f)) throw new HistoryError(`"f" is one of ${kinds.join(', ')}, not ${JSON.stringify(operation.f)}`)
  if (!Array.isArray(operation.value)) throw new HistoryError('"value" is a list')
  const isPart = operation.f === 'send' || operation.f === 'poll' || operation.f === 'txn' ? isMicroOperation : isCount
  for (const part of operation.value) if (!isPart(part)) throw new HistoryError(whyNoPart(part, String(operation.f)))
  const { node, seekToBeginning, rebalanceLog, partitions } = operation
  if (node !== undefined && !isCount(node)) throw new HistoryError('"node" is a whole number')
  if (seekToBeginning !== undefined && typeof seekToBeginning !== 'boolean') throw new HistoryError('"seekToBeginning" is true or false')
  if (rebalanceLog !== undefined && !(Array.isArray(rebalanceLog) && rebalanceLog.every((one) => Array.isArray(one?.keys) && one.keys.every(isCount)))) {
    throw new HistoryError('"rebalanceLog" is a list of {keys}')
  }
  if (partitions !== undefined && !isPartitionStates(partitions))
    throw new HistoryError('"partitions" is, by key, a map of leader, leaderEpoch, replicas and isr')
  return input as Operation
}

/** Keys are whole numbers from 0. */
export function isKeys(value: unknown): boolean {
  return Array.isArray(value) && value.every(isCount)
}

/** Jepsen takes a record whose offset is not known, which its own clients never return; here its offset is what a record is judged by. */
function whyNoPart(part: unknown, f: string): string {
  const polled: unknown = Array.isArray(part) && part[0] === 'poll' ? part[1] : undefined
  const pairs = typeof polled === 'object' && polled !== null ? Object.entries(polled) : []
  for (const [key, ofKey] of pairs) {
    const unplaced: unknown = Array.isArray(ofKey) ? ofKey.find((pair) => Array.isArray(pair) && pair.length === 2 && pair[0] === null) : undefined
    if (Array.isArray(unplaced)) return `value ${JSON.stringify(unplaced[1])} of key ${key} was polled without an offset: note where each record lies`
  }
  return `${JSON.stringify(part)} is no part of a ${f}`
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isPartitionStates(states: unknown): boolean {
  if (typeof states !== 'object' || states === null) return false
  return Object.entries(states).every(([key, state]) => {
    if (!isCount(Number(key)) || typeof state !== 'object' || state === null) return false
    const { leader, leaderEpoch, replicas, isr } = state as Record<string, unknown>
    return Number.isSafeInteger(leader) && Number.isSafeInteger(leaderEpoch) && [replicas, isr].every((nodes) => Array.isArray(nodes) && nodes.every(isCount))
  })
}

function isMicroOperation(part: unknown): boolean {
  if (!Array.isArray(part)) return false
  if (part[0] === 'poll') return part.length === 1 || (part.length === 2 && isPolled(part[1]))
  if (part[0] !== 'send' || part.length !== 3 || !isCount(part[1])) return false
  const sent: unknown = part[2]
  if (!Array.isArray(sent)) return isCount(sent)
  return sent.length === 2 && (sent[0] === null || isCount(sent[0])) && isCount(sent[1])
}

function isPolled(polled: unknown): boolean {
  if (typeof polled !== 'object' || polled === null) return false
  for (const [key, pairs] of Object.entries(polled)) {
    if (!isCount(Number(key)) || !Array.isArray(pairs)) return false
    for (const pair of pairs) if (!Array.isArray(pair) || pair.length !== 2 || !isCount(pair[0]) || !isCount(pair[1])) return false
  }
  return true
}
