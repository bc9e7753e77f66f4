import type { FaultWorld, Observation } from './fault.ts'

/** Kills, starts again, and keeps the evidence of both. */
export class Killings {
  readonly #world: FaultWorld
  readonly #down = new Map<number, number>()
  readonly #killed: number[] = []
  readonly #survived: number[] = []
  /** Undefined: nobody lost power. */
  #unsyncedBytes: number | undefined
  readonly #unheard: number[] = []

  constructor(world: FaultWorld) {
    this.#world = world
  }

  async kill(nodes: readonly number[]): Promise<void> {
    const { cluster } = this.#world
    await Promise.all(
      nodes.map(async (node) => {
        this.#down.set(node, cluster.live.log(node).length)
        await cluster.killNode(node)
        if (cluster.live.endOf(node) === 'SIGKILL') this.#killed.push(node)
        else this.#survived.push(node)
      }),
    )
  }

  /** The same to nodes on disks that lose what is not synced; how much that is they are asked just before. */
  async losePower(nodes: readonly number[]): Promise<void> {
    const { cluster } = this.#world
    const reports = await Promise.all(nodes.map(async (node) => ({ node, report: await cluster.orderDisk(node) })))
    for (const { node, report } of reports) {
      if (report === undefined) this.#unheard.push(node)
      this.#unsyncedBytes = (this.#unsyncedBytes ?? 0) + (report?.unsyncedBytes ?? 0)
    }
    await this.kill(nodes)
  }

  async startAgain(): Promise<void> {
    const down = [...this.#down]
    this.#down.clear()
    for (const [node] of down) this.#world.cluster.startNode(node)
    await Promise.all(down.map(([node, fromLine]) => this.#world.cluster.untilListening(node, fromLine)))
  }

  observe(): Observation {
    const isDone = this.#killed.length > 0 && this.#survived.length === 0
    const killed = isDone ? `SIGKILL ended ${this.#killed.join(', ')}` : `SIGKILL did not end ${this.#survived.join(', ')}`
    const unsyncedBytes = this.#unsyncedBytes
    if (unsyncedBytes === undefined) return { isSeen: isDone, what: killed }
    const unheard = this.#unheard.length === 0 ? '' : `, as far as was heard: not from ${this.#unheard.join(', ')}`
    return { isSeen: isDone && unheard === '', what: `${killed}; ${unsyncedBytes} bytes were not synced just before${unheard}`, unsyncedBytes }
  }
}
