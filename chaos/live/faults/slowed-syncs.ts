import type { ChaosCluster } from '../chaos-cluster.ts'
import { healthy } from '../disk/ailing-disk.ts'

/** Nodes whose syncs are made to take longer, and how many were since. */
export class SlowedSyncs {
  readonly #cluster: Pick<ChaosCluster, 'orderDisk'>
  readonly #nodes: readonly number[]
  readonly #delayMs: number
  /** What each node's process had counted when it was heard last. */
  readonly #counted = new Map<number, number>()
  #slowed = 0

  constructor(cluster: Pick<ChaosCluster, 'orderDisk'>, nodes: readonly number[], delayMs: number) {
    this.#cluster = cluster
    this.#nodes = nodes
    this.#delayMs = delayMs
  }

  get count(): number {
    return this.#slowed
  }

  /** To be told again and again where nodes may be started meanwhile: their new processes know nothing of it. */
  async order(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => this.#orderOne(node)))
  }

  async cure(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => this.#cluster.orderDisk(node, healthy)))
  }

  async #orderOne(node: number): Promise<void> {
    const report = await this.#cluster.orderDisk(node, { ...healthy, syncDelayMs: this.#delayMs })
    // A node that is down has no disk.
    if (report === undefined) return
    // What it counted before it was told first is of another fault; a new process begins at 0.
    const before = this.#counted.get(node) ?? report.slowed
    this.#slowed += report.slowed >= before ? report.slowed - before : report.slowed
    this.#counted.set(node, report.slowed)
  }
}
