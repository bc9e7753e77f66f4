import { checkHistory } from '../chaos/check/anomalies/check-history.ts'
import type { Key, Operation, Value } from '../chaos/operations/operation.ts'
import { between, type Random, SeededRandom } from '../src/base/random.ts'

const KEYS = 100
const PRODUCERS = 20
const CONSUMERS = 5

/** How long the checkers of a chaos run need for a valid history, and how much memory the process took at its most. Aim: a million operations within 60 s and 2 GiB. */
export function benchCheckHistory({ operations }: { readonly operations: number }): void {
  const history = validHistory(operations, new SeededRandom(1))
  const began = performance.now()
  const { isValid } = checkHistory(history)
  const seconds = (performance.now() - began) / 1000
  if (!isValid) throw new Error('a valid history was convicted')
  const megabytes = process.resourceUsage().maxRSS / 1024
  console.log(
    `${operations.toLocaleString('en')} operations   ${seconds.toFixed(1)} s, ${Math.round(operations / seconds / 1000)} thousand a second, ${megabytes.toFixed(0)} MB at most`,
  )
}

/** Half sends, with all producers at work at once; half polls, each of whatever is new in one key. */
function validHistory(count: number, random: Random): Operation[] {
  const history: Operation[] = []
  const logs: Value[][] = Array.from({ length: KEYS }, () => [])
  const positions: number[][] = Array.from({ length: CONSUMERS }, () => logs.map(() => 0))
  const add = (operation: Omit<Operation, 'index' | 'time'>): unknown => history.push({ index: history.length, time: history.length, ...operation })
  const open = new Map<number, { readonly key: Key; readonly value: Value }>()
  const end = (producer: number): void => {
    const sent = open.get(producer)
    if (sent === undefined) return
    const offset = (logs[sent.key] as Value[]).push(sent.value) - 1
    add({ process: producer, type: 'ok', f: 'send', value: [['send', sent.key, [offset, sent.value]]] })
    open.delete(producer)
  }
  const poll = (consumer: number, key: Key): void => {
    const own = positions[consumer] as number[]
    const log = logs[key] as Value[]
    const pairs = log.slice(own[key]).map((value, at) => [(own[key] as number) + at, value] as const)
    own[key] = log.length
    add({ process: PRODUCERS + consumer, type: 'invoke', f: 'poll', value: [['poll']] })
    add({ process: PRODUCERS + consumer, type: 'ok', f: 'poll', value: [['poll', { [key]: pairs }]] })
  }
  for (let value = 1; history.length < 2 * count; value++) {
    const producer = random.integer(PRODUCERS)
    end(producer)
    open.set(producer, { key: random.integer(KEYS), value })
    add({ process: producer, type: 'invoke', f: 'send', value: [['send', open.get(producer)?.key ?? 0, value]] })
    poll(between(random, 0, CONSUMERS - 1), random.integer(KEYS))
  }
  for (let producer = 0; producer < PRODUCERS; producer++) end(producer)
  for (let key = 0; key < KEYS; key++) poll(0, key)
  return history
}
