import type { FaultWorld, Observation } from './fault.ts'

/** Kills, starts again, and keeps the evidence of both. */
export class Killings {
  readonly #world: FaultWorld
  readonly #down = new Map<number, number>()
  readonly #killed: number[] = []
  readonly #survived: number[] = []

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

  async startAgain(): Promise<void> {
    const down = [...this.#down]
    this.#down.clear()
    for (const [node] of down) this.#world.cluster.startNode(node)
    await Promise.all(down.map(([node, fromLine]) => this.#world.cluster.untilListening(node, fromLine)))
  }

  observe(): Observation {
    const isSeen = this.#killed.length > 0 && this.#survived.length === 0
    return { isSeen, what: isSeen ? `SIGKILL ended ${this.#killed.join(', ')}` : `SIGKILL did not end ${this.#survived.join(', ')}` }
  }
}
