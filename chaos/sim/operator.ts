import type { Random } from '../../src/base/random.ts'
import type { EventQueue } from './event-queue.ts'
import type { SimNode } from './sim-node.ts'
import type { Trace } from './trace.ts'

export interface OperatorOptions {
  readonly queue: EventQueue
  readonly nodes: readonly SimNode[]
  readonly random: Random
  readonly trace: Trace
}

const LOOKS_EVERY_US = 500_000
const REACTS_AFTER_MS = 2_000
const DOWN_US = 200_000

/** What a node says of something that only its next start can put right. */
const OFFLINE = /^replica offline: |offline until the next start|^the folder could not be set aside/

/** Whoever reads the logs: a node on which a disk took a replica offline is started again (rules R3.5). Where no disk did anything, nobody helps. */
export class Operator {
  readonly #options: OperatorOptions
  /** When a node said so, by the process that did. */
  readonly #since = new Map<number, number>()

  constructor(options: OperatorOptions) {
    this.#options = options
    this.#lookLater()
  }

  heard(node: SimNode, message: string): void {
    if (OFFLINE.test(message) && !this.#since.has(node.incarnation)) this.#since.set(node.incarnation, this.#options.queue.nowMs)
  }

  #lookLater(): void {
    this.#options.queue.schedule(LOOKS_EVERY_US, null, () => {
      for (const node of this.#options.nodes) this.#look(node)
      this.#lookLater()
    })
  }

  #look(node: SimNode): void {
    const since = this.#since.get(node.incarnation)
    const isDue = since !== undefined && this.#options.queue.nowMs - since >= REACTS_AFTER_MS
    if (!isDue || node.state !== 'up' || node.paused || !node.hadDiskFault) return
    this.#options.trace.tell('operator', `${node.name} is started again: something of it is offline`)
    if (this.#options.random.integer(2) === 0) {
      node.stop(() => node.keepDownFor(DOWN_US))
      return
    }
    node.crash('kill')
    node.keepDownFor(DOWN_US)
  }
}
