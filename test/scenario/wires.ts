import type { SimCluster } from '../../chaos/sim/cluster.ts'
import type { AnyPeerMessage, Hold, MessageFilter } from '../../chaos/sim/held-messages.ts'
import type { Trouble } from '../../chaos/sim/links.ts'
import { named } from './narrator.ts'

/** A client, as links know it. */
export interface Reachable {
  readonly name: string
  readonly hostId: number
}

/** What a story does to the network: links are cut, messages kept back. All of it ends when it is mended. */
export class Wires {
  readonly #cluster: SimCluster
  readonly #tell: (sentence: string) => void
  readonly #troubles = new Set<Trouble>()
  readonly #holds = new Set<Hold>()

  constructor(cluster: SimCluster, tell: (sentence: string) => void) {
    this.#cluster = cluster
    this.#tell = tell
  }

  /** Neither nodes nor clients reach it. */
  detach(nodeId: number): Trouble {
    this.#tell(`node ${nodeId} is cut off from everybody`)
    const others = [...this.#cluster.network.hostIds].filter((other) => other !== nodeId)
    return this.#trouble(others.flatMap((other) => [[nodeId, other] as const, [other, nodeId] as const]))
  }

  /** What `from` sends reaches none of `to`. */
  cutOneWay(from: number, ...to: readonly number[]): Trouble {
    this.#tell(`nothing that node ${from} sends reaches ${named(to)} any more`)
    return this.#trouble(to.map((other) => [from, other] as const))
  }

  /** A node is cut off from all others; clients still reach it. */
  isolate(nodeId: number): Trouble {
    this.#tell(`node ${nodeId} is cut off from the other nodes`)
    const others = this.#cluster.nodes.map((node) => node.nodeId).filter((other) => other !== nodeId)
    return this.#trouble(others.flatMap((other) => [[nodeId, other] as const, [other, nodeId] as const]))
  }

  /** What a node says to a client is lost. */
  deafen(client: Reachable, nodeId: number): Trouble {
    this.#tell(`${client.name} hears nothing of node ${nodeId} any more`)
    return this.#trouble([[nodeId, client.hostId]])
  }

  /** All that was cut or held so far goes on. */
  mend(sentence: string): void {
    this.#tell(sentence)
    for (const hold of this.#holds) hold.release()
    this.#holds.clear()
    for (const trouble of this.#troubles) trouble.end()
    this.#troubles.clear()
  }

  /** A client reaches these nodes and no others. */
  confine(client: Reachable, ...nodeIds: readonly number[]): Trouble {
    this.#tell(`${client.name} reaches ${named(nodeIds)} alone`)
    const others = this.#cluster.nodes.map((node) => node.nodeId).filter((nodeId) => !nodeIds.includes(nodeId))
    return this.#trouble(others.flatMap((other) => [[client.hostId, other] as const, [other, client.hostId] as const]))
  }

  endTrouble(trouble: Trouble, sentence: string): void {
    this.#tell(sentence)
    this.#troubles.delete(trouble)
    trouble.end()
  }

  /** Messages between nodes that wait on their way until they are released or dropped. */
  hold(sentence: string, applies: MessageFilter): Hold {
    this.#tell(sentence)
    return this.keepBack(applies)
  }

  release(hold: Hold, sentence: string): void {
    this.#tell(sentence)
    this.#holds.delete(hold)
    hold.release()
  }

  sendCopies(hold: Hold, sentence: string): void {
    this.#tell(sentence)
    hold.sendCopies()
  }

  drop(hold: Hold, sentence: string): void {
    this.#tell(sentence)
    this.#holds.delete(hold)
    hold.drop()
  }

  /** The messages between nodes that are meant, from now on, on their way undisturbed. */
  overhear(applies: MessageFilter): AnyPeerMessage[] {
    const heard: AnyPeerMessage[] = []
    this.keepBack((from, to, message) => {
      if (applies(from, to, message)) heard.push(message)
      return false
    })
    return heard
  }

  /** As `hold`, and nobody speaks of it. */
  keepBack(applies: MessageFilter): Hold {
    const hold = this.#cluster.held.hold(applies)
    this.#holds.add(hold)
    return hold
  }

  /** As `drop`, and nobody speaks of it. */
  forget(hold: Hold): void {
    this.#holds.delete(hold)
    hold.drop()
  }

  #trouble(pairs: readonly (readonly [from: number, to: number])[]): Trouble {
    const trouble = this.#cluster.network.links.cut(pairs)
    this.#troubles.add(trouble)
    return trouble
  }
}
