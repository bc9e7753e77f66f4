import type { Anomaly } from '../check/anomalies/anomaly.ts'
import { isMicroOperations, type Key, type Operation } from '../operations/operation.ts'

/** Operations of the same key before what is concerned, and behind it. */
const AROUND = 2
/** An anomaly may concern thousands. */
const MAX_CONCERNED = 10

/** An operation that an anomaly is about, or one beside it. */
export interface ShownOperation {
  readonly operation: Operation
  readonly isConcerned: boolean
}

/** Gathers what surrounds one anomaly while the history goes by a second time. */
export class Surroundings {
  readonly shown: ShownOperation[] = []
  readonly #concerned: ReadonlySet<number>
  readonly #key: Key | undefined
  /** Processes whose completion is concerned too. */
  readonly #open = new Set<number>()
  readonly #before: Operation[] = []
  #wantedBehind = 0

  constructor({ operations, key }: Anomaly) {
    this.#concerned = new Set(operations.slice(0, MAX_CONCERNED))
    this.#key = key
  }

  pass(operation: Operation): void {
    const { index, process, type } = operation
    const isBegin = type === 'invoke' && this.#concerned.has(index)
    if (isBegin) this.#open.add(process)
    if (isBegin || (type !== 'invoke' && this.#open.delete(process))) {
      this.shown.push(...this.#before.splice(0).map((one) => ({ operation: one, isConcerned: false })), { operation, isConcerned: true })
      this.#wantedBehind = AROUND
      return
    }
    if (this.#key === undefined || type === 'invoke' || !touches(operation, this.#key)) return
    if (this.#wantedBehind > 0) {
      this.#wantedBehind--
      this.shown.push({ operation, isConcerned: false })
      return
    }
    this.#before.push(operation)
    if (this.#before.length > AROUND) this.#before.shift()
  }
}

function touches({ value }: Operation, key: Key): boolean {
  if (!isMicroOperations(value)) return value.includes(key)
  return value.some((part) => (part[0] === 'send' ? part[1] === key : part[1] !== undefined && Object.hasOwn(part[1], key)))
}
