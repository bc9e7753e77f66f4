import type { Anomaly } from '../check/anomalies/anomaly.ts'
import { isMicroOperations, type Key, type Operation, type PartitionState } from '../operations/operation.ts'

/** Operations of the same key before what is concerned, and behind it. */
const AROUND = 2
/** An anomaly may concern thousands. */
const MAX_CONCERNED = 10

/** An operation that an anomaly is about, or one beside it. */
export interface ShownOperation {
  readonly operation: Operation
  readonly isConcerned: boolean
}

/** One anomaly with all that helps to understand it. */
export interface AnomalyExample {
  readonly key: Key | null
  readonly sentence: string
  readonly operations: readonly ShownOperation[]
  /** How its partition stood when somebody asked last; null: nobody did. */
  readonly partition: PartitionState | null
}

/** Gathers what surrounds one anomaly while the history goes by a second time. */
export class Surroundings {
  readonly #sentence: string
  readonly #shown: ShownOperation[] = []
  readonly #concerned: ReadonlySet<number>
  readonly #key: Key | undefined
  /** Processes whose completion is concerned too. */
  readonly #open = new Set<number>()
  readonly #before: Operation[] = []
  #wantedBehind = 0
  #partition: PartitionState | undefined

  constructor({ operations, key, sentence }: Anomaly) {
    this.#sentence = sentence
    this.#concerned = new Set(operations.slice(0, MAX_CONCERNED))
    this.#key = key
  }

  get example(): AnomalyExample {
    return { key: this.#key ?? null, sentence: this.#sentence, operations: this.#shown, partition: this.#partition ?? null }
  }

  pass(operation: Operation): void {
    const { index, process, type, partitions } = operation
    if (partitions !== undefined && this.#key !== undefined) this.#partition = partitions[this.#key] ?? this.#partition
    const isBegin = type === 'invoke' && this.#concerned.has(index)
    if (isBegin) this.#open.add(process)
    if (isBegin || (type !== 'invoke' && this.#open.delete(process))) {
      this.#shown.push(...this.#before.splice(0).map((one) => ({ operation: one, isConcerned: false })), { operation, isConcerned: true })
      this.#wantedBehind = AROUND
      return
    }
    if (this.#key === undefined || type === 'invoke' || !touches(operation, this.#key)) return
    if (this.#wantedBehind > 0) {
      this.#wantedBehind--
      this.#shown.push({ operation, isConcerned: false })
      return
    }
    this.#before.push(operation)
    if (this.#before.length > AROUND) this.#before.shift()
  }
}

/** What asks how partitions stand asks for all of them. */
function touches({ f, value }: Operation, key: Key): boolean {
  if (f === 'debug-topic-partitions') return false
  if (!isMicroOperations(value)) return value.includes(key)
  return value.some((part) => (part[0] === 'send' ? part[1] === key : part[1] !== undefined && Object.hasOwn(part[1], key)))
}
