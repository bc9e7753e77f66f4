import type { Key } from '../../operations/operation.ts'
import type { Anomaly } from './anomaly.ts'
import type { Call } from './calls.ts'
import type { Facts } from './facts.ts'

/** Within one operation: its next send to a key lies before the last (`int-nonmonotonic-send`), or something lies between (`int-send-skip`). */
export function findIntSendOrder(facts: Facts): Anomaly[] {
  return facts.calls.flatMap((call) => (call.sends.length < 2 || call.outcome === 'fail' ? [] : judgeCall(facts, call)))
}

function judgeCall(facts: Facts, call: Call): Anomaly[] {
  const found: Anomaly[] = []
  const last = new Map<Key, number | undefined>()
  for (const sent of call.sends) {
    const from = last.get(sent.key)
    const to = facts.indexOf(sent)
    last.set(sent.key, to)
    if (from === undefined || to === undefined || to - from === 1) continue
    const log = facts.log(sent.key)
    const what = `key ${sent.key}: one operation sent to offset ${log.offsets.at(from)}, then to ${log.offsets.at(to)}`
    const sentence = to - from < 1 ? what : `${what}; between them is ${log.describeBetween(from, to)}`
    found.push({ name: to - from < 1 ? 'int-nonmonotonic-send' : 'int-send-skip', key: sent.key, sentence, operations: [call.invokedAt] })
  }
  return found
}
