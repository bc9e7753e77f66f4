import type { AnomalyName } from '../../../../chaos/check/anomalies/anomaly.ts'
import type { Operation } from '../../../../chaos/operations/operation.ts'
import { Script } from './script.ts'

export interface Case {
  readonly name: AnomalyName
  /** What its definition brings along in this history: the same wound under other names. */
  readonly also?: readonly AnomalyName[]
  readonly guilty: (script: Script) => unknown
  /** Differs in one thing, which the title says; shows nothing. */
  readonly almost: string
  readonly innocent: (script: Script) => unknown
}

export function historyOf(write: (script: Script) => unknown): readonly Operation[] {
  const script = new Script()
  write(script)
  return script.operations
}

/** Two operations at once, each with its end; `order` says who ends first. */
export function atOnce(script: Script, first: Operation['value'], second: Operation['value']): void {
  const endFirst = script.begin(0, 'txn', first)
  const endSecond = script.begin(1, 'txn', second)
  endFirst('ok', first)
  endSecond('ok', second)
}

/** Process 0 or another does `first` and then `second`, while process 9 does `across`. */
export function whileAcross(
  script: Script,
  processes: readonly [number, number],
  first: Operation['value'],
  second: Operation['value'],
  across: Operation['value'],
): void {
  const end = script.begin(9, 'txn', across)
  script.begin(processes[0], 'txn', first)('ok', first)
  script.begin(processes[1], 'txn', second)('ok', second)
  end('ok', across)
}

export function threeSent(script: Script): Script {
  return script.send(0, 0, 1, 0).send(0, 0, 2, 2).send(0, 0, 3, 3)
}

export function readTwoEach(script: Script): void {
  script.poll(5, {
    0: [
      [0, 1],
      [1, 2],
    ],
    1: [
      [0, 1],
      [1, 2],
    ],
  })
}
