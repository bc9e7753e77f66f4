import type { Random } from '../../src/base/random.ts'
import type { NodeOptions } from '../../src/broker/surface.ts'
import type { OxbowClient } from '../../src/client/client.ts'
import type { MetadataImage } from '../../src/metadata/image.ts'
import { ClusterChecker } from '../check/cluster-checker.ts'
import { checkFetchRequest, checkPeerMessage } from '../check/synced-before-sent.ts'
import { Violation } from '../check/violation.ts'
import { ClientMachine } from './client-machine.ts'
import { SimClock } from './clock.ts'
import { peekThrough } from './disk-peek.ts'
import { EventQueue, Owner } from './event-queue.ts'
import { type AnyPeerMessage, HeldMessages } from './held-messages.ts'
import { Network } from './network.ts'
import { plainCodec, wireCodec } from './peer-codec.ts'
import { drainPromises } from './poison.ts'
import type { Settings } from './settings.ts'
import { Situations } from './situations.ts'
import { SimNode } from './sim-node.ts'
import { Trace } from './trace.ts'

export type ClusterSettings = Pick<Settings, 'voters' | 'observers' | 'config' | 'conditions' | 'diskLatencyMs' | 'folders' | 'throughWire'> &
  Partial<Pick<Settings, 'splitRoles' | 'clockRates' | 'lateSyncOneIn' | 'limits'>> & {
    /** The first so many nodes have the controller role: those that are not the first voters may become voters. Default: the voters. */
    readonly controllers?: number
  }

export interface SimClusterOptions {
  readonly random: Random
  readonly settings: ClusterSettings
  /** Sentences of the story; null: nobody reads. */
  readonly tell: ((line: string) => void) | null
  /** What a node cannot survive. */
  readonly nodeFailed: (node: SimNode, error: Error) => void
  /** Reads what the nodes log for those who run them. Default: nobody does. */
  readonly logged?: (node: SimNode, message: string) => void
}

export interface SimClient {
  readonly client: OxbowClient
  readonly clock: SimClock
  readonly random: Random
  /** On the network: what links name. */
  readonly hostId: number
}

const PORT = 9092
const FIRST_CLIENT_ID = 101

/** Nodes, clients and the network between them, with the invariants of rules 7 looked at after every step. Who runs it decides what happens to them. */
export class SimCluster {
  readonly queue = new EventQueue()
  readonly trace: Trace
  readonly network: Network
  readonly nodes: readonly SimNode[]
  readonly checker: ClusterChecker
  readonly held = new HeldMessages()
  readonly situations = new Situations(() => this.queue.nowMs)
  readonly #random: Random
  readonly #byOwner = new Map<Owner, SimNode>()
  readonly #clients = new Set<Owner>()
  /** Of `#namedTopics`, by topic id and partition: they are asked for with each fetch. */
  readonly #logNames = new Map<string, readonly string[]>()
  #namedTopics: MetadataImage['topics'] | undefined
  readonly #nodeFailed: SimClusterOptions['nodeFailed']
  readonly #logged: SimClusterOptions['logged']
  #machineCount = 0

  constructor({ random, settings, tell, nodeFailed, logged }: SimClusterOptions) {
    this.#random = random
    this.#nodeFailed = nodeFailed
    this.#logged = logged
    this.trace = new Trace(tell)
    this.trace.useClock(() => this.queue.nowMs)
    this.network = new Network({ queue: this.queue, random: random.fork('network'), trace: this.trace, conditions: settings.conditions })
    this.checker = new ClusterChecker({
      peek: (nodeId) => peekThrough((logName) => this.node(nodeId).diskOf(logName)),
      isHarmed: (nodeId, logName) => this.node(nodeId).isHarmed(logName),
      mayBeDamaged: (nodeId, logName) => this.node(nodeId).mayBeDamaged(logName),
      durableDecisions: (nodeId) => this.node(nodeId).decisionsHeld,
    })
    const nodeIds = Array.from({ length: settings.voters + settings.observers }, (_, at) => at + 1)
    this.nodes = nodeIds.map((nodeId) => this.#buildNode(nodeId, nodeIds, settings))
  }

  node(nodeId: number): SimNode {
    const node = this.nodes[nodeId - 1]
    if (node === undefined) throw new Error(`there is no node ${nodeId}`)
    return node
  }

  /** One event, and what it changed checked. A promise: to wait for until the promises of clients that can go on have gone on. */
  step(): Promise<void> | undefined {
    const event = this.queue.step()
    if (event === undefined) throw new Violation('run', 'nothing is left to happen')
    this.trace.mix(event.sequence)
    this.trace.mix(event.atUs)
    const { owner } = event
    if (owner === null) return undefined
    const node = this.#byOwner.get(owner)
    if (node?.running !== undefined) this.#observe(node)
    else if (this.#clients.has(owner)) return drainPromises()
    return undefined
  }

  #observe(node: SimNode): void {
    const before = this.checker.newestImage
    this.checker.observe(node)
    const after = this.checker.newestImage
    if (before === undefined || after === undefined || before === after) return
    this.situations.decided(before, after, (nodeId, topicId, partition) => this.checker.isSuspect(nodeId, topicId, partition))
  }

  /** The clock of something that is no node: what it waits for are steps in which promises go on. */
  addClock(name: string): SimClock {
    const owner = new Owner(name)
    this.#clients.add(owner)
    return new SimClock(this.queue, owner)
  }

  /** `knows`: the nodes that its clients are told of; default: all. */
  addMachine(name: string, knows: readonly number[] = this.nodes.map(({ nodeId }) => nodeId)): ClientMachine {
    const owner = new Owner(name)
    const host = this.network.addHost(FIRST_CLIENT_ID + this.#machineCount, name)
    this.#machineCount += 1
    this.#clients.add(owner)
    const nodes = knows.map((nodeId) => ({ host: this.node(nodeId).host.name, port: PORT }))
    return new ClientMachine({ network: this.network, host, owner, clock: new SimClock(this.queue, owner), nodes })
  }

  /** One client on a machine of its own. `knows`: as of that. */
  addClient(name: string, knows?: readonly number[]): SimClient {
    const machine = this.addMachine(name, knows)
    const random = this.#random.fork(name)
    return { client: machine.openClient(random.fork('client')), clock: machine.clock, random, hostId: machine.hostId }
  }

  #buildNode(nodeId: number, nodeIds: readonly number[], settings: ClusterSettings): SimNode {
    const name = (id: number): string => `node-${id}`
    const { voters, controllers = voters, splitRoles = false, config, diskLatencyMs, folders, throughWire } = settings
    const options: NodeOptions = {
      nodeId,
      roles: { controller: nodeId <= controllers, broker: !splitRoles || nodeId > voters },
      address: { host: name(nodeId), grpcPort: PORT, kafkaPort: null, httpPort: null, rack: null },
      peers: nodeIds.filter((other) => other !== nodeId).map((other) => ({ nodeId: other, host: name(other), grpcPort: PORT })),
      voterIds: nodeIds.slice(0, voters),
      clusterName: 'simulated',
      config,
      ...(settings.limits && { limits: settings.limits }),
    }
    const node: SimNode = new SimNode(
      {
        options,
        queue: this.queue,
        network: this.network,
        host: this.network.addHost(nodeId, name(nodeId)),
        random: this.#random.fork(name(nodeId)),
        trace: this.trace,
        codec: throughWire ? wireCodec : plainCodec,
        held: this.held,
        diskLatencyMs,
        folders,
        lateSyncOneIn: settings.lateSyncOneIn ?? null,
        clockRate: settings.clockRates?.[nodeId - 1] ?? 1,
      },
      {
        began: (owner) => this.#byOwner.set(owner, node),
        ended: (owner, raftRole) => {
          this.situations.ended(raftRole)
          this.#byOwner.delete(owner)
          this.checker.died(nodeId)
        },
        failed: (failed, error) => this.#nodeFailed(failed, error),
        logs: (message) => {
          this.situations.heard(message)
          this.#logged?.(node, message)
        },
        sends: (to, message) => this.#checkSend(node, to, message),
      },
    )
    this.#byOwner.set(node.machine, node)
    return node
  }

  #checkSend(node: SimNode, to: number, message: AnyPeerMessage): void {
    if ('answers' in message) {
      this.situations.answered(message)
      return
    }
    if ('fetches' in message) {
      checkFetchRequest(node.name, message, (topicId, partition) => this.#logName(topicId, partition), node.durable)
      return
    }
    checkPeerMessage(node.name, to, message, node.durable)
    this.situations.sent(message)
    if (message.type !== 'raft' || message.message.type !== 'append') return
    this.checker.entriesSent(
      node.nodeId,
      message.message.entries.map(({ bytes }) => bytes),
    )
  }

  /** Undefined: there is no such topic. */
  #logName(topicId: string, partition: number): string | undefined {
    const topics = this.checker.newestImage?.topics
    if (topics !== this.#namedTopics) {
      this.#namedTopics = topics
      this.#logNames.clear()
    }
    let names = this.#logNames.get(topicId)
    if (names === undefined) {
      const topic = topics?.get(topicId)
      if (topic === undefined) return undefined
      names = topic.partitions.map((state) => `partitions/${topic.name}-${state.partition}`)
      this.#logNames.set(topicId, names)
    }
    return names[partition]
  }
}
