import { assert } from '../../src/base/assert.ts'
import type { Random } from '../../src/base/random.ts'
import type { Atlas } from '../atlas.ts'
import { describeFault, type Fault, type FaultKind, type StorageFaultKind } from '../faults.ts'
import type { Fate } from './core.ts'
import type { EventQueue } from './event-queue.ts'
import type { Noise, Trouble } from './links.ts'
import type { Network } from './network.ts'
import type { SimNode } from './sim-node.ts'
import { isStorageFault, StorageFaultRunner } from './storage-fault-runner.ts'
import type { Trace } from './trace.ts'

/** What became of one planned fault. */
interface Outcome {
  readonly fault: Fault
  observed: boolean
  /** A node or link that it acts on is in its hands. */
  trouble: Trouble | undefined
}

export interface FaultRunnerOptions {
  readonly queue: EventQueue
  readonly network: Network
  readonly nodes: readonly SimNode[]
  /** A stream a fault, by its id: what one leaves out, the others do not feel. */
  readonly random: Random
  readonly trace: Trace
  /** The leader of some partition, as the newest metadata says. */
  readonly someLeader: () => number | undefined
  /** Replicas of a partition that may elect a leader uncleanly, all of them in sync; the first should fall behind. Undefined: there is none now. */
  readonly holders: () => readonly SimNode[] | undefined
  /** What disks may lose. */
  readonly atlas: Atlas
  /** The disks of that node were wiped. */
  readonly wiped: (node: SimNode) => void
}

const AGAIN_US = 50_000
/** A crash waits at most this long for a moment when there is something to lose. */
const UNSYNCED_WAIT_US = 1_000_000
const UNSYNCED_AGAIN_US = 500
const ROLL_DOWN_US = 300_000
/** Long enough to be out of the ISR, and for records that it misses. */
const BEHIND_US = 1_500_000
const WALL_JUMP_MS = 86_400_000
/** A trouble that has met no message yet is kept up for longer. */
const UNSEEN_AGAIN_US = 250_000

/** Does what the plan says, when it says so or as soon after as its target is there, and notes by observation that it took. */
export class FaultRunner {
  readonly #options: FaultRunnerOptions
  readonly #outcomes: Outcome[]
  /** Nodes with a folder that fails. */
  readonly #broken = new Set<SimNode>()
  /** Links of those that are not of the core. */
  readonly #absences: Trouble[] = []
  readonly #storage: StorageFaultRunner
  #over = false

  constructor(plan: readonly Fault[], options: FaultRunnerOptions) {
    this.#options = options
    const { nodes, atlas, trace, wiped } = options
    this.#storage = new StorageFaultRunner({
      nodes,
      atlas,
      trace,
      wiped,
      later: (delayUs, action) => this.#in(delayUs, action),
      tell: (fault, where) => this.#tell(fault, where),
    })
    this.#outcomes = plan.map((fault) => ({ fault, observed: false, trouble: undefined }))
    for (const outcome of this.#outcomes) this.#in(outcome.fault.atMs * 1000, () => this.#begin(outcome, 0))
  }

  /** Faults of the plan that nothing showed to have happened. */
  get unobserved(): readonly string[] {
    return this.#outcomes.filter(({ observed }) => !observed).map(({ fault }) => `fault ${fault.id}: ${describeFault(fault)} at ${fault.atMs} ms`)
  }

  observedByKind(): ReadonlyMap<FaultKind, number> {
    const counts = new Map<FaultKind, number>()
    for (const { fault, observed } of this.#outcomes) if (observed) counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1)
    return counts
  }

  /** Whether each fault has had its turn and its observation, or cannot any more. */
  get settled(): boolean {
    return this.#outcomes.every(({ observed }) => observed)
  }

  /** Nothing of the plan happens any more: links heal, the paused go on, who is down comes up; but for those who stay away, until `heal`. */
  healCore(absent: ReadonlyMap<number, Fate>): void {
    this.#over = true
    for (const outcome of this.#outcomes) this.#endTrouble(outcome)
    this.#storage.heal()
    for (const node of this.#options.nodes) {
      if (node.paused) node.resume()
      this.#mendAtLast(node)
      const fate = absent.get(node.nodeId)
      if (fate === 'down') node.keepDown()
      else if (node.state === 'down') node.keepDownFor(0)
      if (fate !== undefined && fate !== 'down') this.#absences.push(this.#options.network.links.cut(this.#cutsOf(node, fate)))
    }
    const away = [...absent].map(([nodeId, fate]) => `node ${nodeId} is ${fate}`)
    this.#options.trace.tell('world', `all faults are over${away.length === 0 ? '' : `, but for these: ${away.join(', ')}`}`)
  }

  heal(): void {
    for (const absence of this.#absences.splice(0)) absence.end()
    for (const node of this.#options.nodes) node.comeUp()
    this.#options.trace.tell('world', 'every node is there')
  }

  #cutsOf(node: SimNode, fate: Exclude<Fate, 'down'>): readonly (readonly [number, number])[] {
    return this.#options.nodes
      .filter((other) => other !== node)
      .flatMap(({ nodeId }) => bothWays(node.nodeId, nodeId))
      .filter(([from]) => fate === 'cutOff' || (from === node.nodeId) === (fate === 'mute'))
  }

  #in(delayUs: number, action: () => void): void {
    this.#options.queue.schedule(delayUs, null, () => {
      if (!this.#over) action()
    })
  }

  #begin(outcome: Outcome, waitedUs: number): void {
    const { kind } = outcome.fault
    if (kind === 'delay' || kind === 'loss' || kind === 'duplicate') this.#disturb(outcome, noises[kind])
    else if (kind === 'cutOneWay' || kind === 'cutTwoWay') this.#cut(outcome)
    else if (kind === 'killAll' || kind === 'powerLossAll') this.#beginAll(outcome, kind === 'killAll' ? 'kill' : 'powerLoss')
    else if (kind === 'rollingRestart') this.#roll(outcome, this.#options.nodes)
    else if (kind === 'holdersLost') this.#loseHolders(outcome)
    else if (isStorageFault(kind)) this.#beginStorage(outcome, kind)
    else this.#beginOne(outcome, waitedUs)
  }

  #beginStorage(outcome: Outcome, kind: StorageFaultKind): void {
    const { fault } = outcome
    const observed = (): void => {
      outcome.observed = true
    }
    this.#storage.begin({ fault, kind, target: () => this.#target(fault), random: this.#chance(fault), observed })
  }

  /** One is away for a while; as it comes back all the others go. */
  #loseHolders(outcome: Outcome): void {
    const { fault } = outcome
    const [behind, ...others] = this.#options.holders() ?? []
    const isUp = (node: SimNode): boolean => node.state === 'up' && !node.paused
    if (behind === undefined || !isUp(behind) || !others.every(isUp)) {
      this.#in(AGAIN_US, () => this.#loseHolders(outcome))
      return
    }
    this.#tell(fault, `${behind.name}, then ${others.map(({ name }) => name).join(' and ')}`)
    behind.crash('kill')
    behind.keepDownFor(BEHIND_US)
    this.#in(BEHIND_US, () => {
      const left = others.filter(isUp)
      const before = left.map((node) => [node, node.incarnation] as const)
      for (const node of left) {
        node.crash('kill')
        node.keepDownFor(fault.durationMs * 1000)
      }
      this.#awaitRestart(outcome, before)
    })
  }

  /** One after the other, each when all are up. */
  #roll(outcome: Outcome, left: readonly SimNode[]): void {
    const [node, ...others] = left
    if (node === undefined) outcome.observed = true
    else if (this.#options.nodes.some(({ state, paused }) => state !== 'up' || paused)) this.#in(AGAIN_US, () => this.#roll(outcome, left))
    else {
      this.#tell(outcome.fault, node.name)
      node.stop(() => {
        node.keepDownFor(ROLL_DOWN_US)
        this.#in(ROLL_DOWN_US, () => this.#roll(outcome, others))
      })
    }
  }

  #beginAll(outcome: Outcome, how: 'kill' | 'powerLoss'): void {
    if (this.#options.nodes.every((node) => node.state === 'up' && !node.paused)) this.#crashAll(outcome, how)
    else this.#in(AGAIN_US, () => this.#beginAll(outcome, how))
  }

  #beginOne(outcome: Outcome, waitedUs: number): void {
    const node = this.#target(outcome.fault)
    if (node === undefined || node.paused || node.state !== 'up') {
      this.#in(AGAIN_US, () => this.#beginOne(outcome, waitedUs))
    } else if (outcome.fault.kind === 'powerLoss' && !node.durable.hasUnsynced && waitedUs < UNSYNCED_WAIT_US) {
      this.#in(UNSYNCED_AGAIN_US, () => this.#beginOne(outcome, waitedUs + UNSYNCED_AGAIN_US))
    } else this.#strike(outcome, node)
  }

  #target({ target }: Fault): SimNode | undefined {
    const { nodes, someLeader } = this.#options
    if (target.type === 'node') return nodes.find((node) => node.nodeId === target.nodeId)
    if (target.type === 'controller') return nodes.find((node) => node.running?.raft().role === 'leader')
    const leader = someLeader()
    return nodes.find((node) => node.nodeId === leader)
  }

  #strike(outcome: Outcome, node: SimNode): void {
    const { fault } = outcome
    this.#tell(fault, node.name)
    switch (fault.kind) {
      case 'kill':
      case 'powerLoss':
        this.#crash(outcome, node, fault.kind)
        break
      case 'checkpointsLost':
        this.#crash(outcome, node, 'kill')
        node.loseCheckpoints(this.#chance(fault).integer(2) === 0 ? 'lose' : 'rollBack')
        break
      case 'restart':
        node.stop(() => {
          node.keepDownFor(fault.durationMs * 1000)
          outcome.observed = true
        })
        break
      case 'pause':
        this.#pause(outcome, node)
        break
      case 'isolate': {
        const others = this.#options.nodes.filter((other) => other !== node)
        this.#trouble(outcome, this.#options.network.links.cut(others.flatMap((other) => bothWays(node.nodeId, other.nodeId))))
        break
      }
      case 'folderFails':
        this.#breakFolder(outcome, node)
        break
      case 'clockJump':
        node.jumpWall(this.#chance(fault).integer(2 * WALL_JUMP_MS) - WALL_JUMP_MS)
        outcome.observed = true
        break
      default:
        throw new Error(`${fault.kind} strikes no single node`)
    }
  }

  #pause(outcome: Outcome, node: SimNode): void {
    const owner = node.process
    assert(owner !== undefined, 'a node that is up has a process')
    node.pause()
    this.#in(outcome.fault.durationMs * 1000, () => this.#resume(outcome, node, owner.heldCount))
  }

  #resume(outcome: Outcome, node: SimNode, heldBefore: number): void {
    const owner = node.process
    if (owner === undefined || !owner.paused) return
    if (owner.heldCount === heldBefore && owner.held.length === 0) {
      this.#in(UNSEEN_AGAIN_US, () => this.#resume(outcome, node, heldBefore))
      return
    }
    outcome.observed = true
    this.#options.trace.tell('world', `${node.name} goes on`)
    node.resume()
  }

  #crash(outcome: Outcome, node: SimNode, how: 'kill' | 'powerLoss'): void {
    const before = node.incarnation
    node.crash(how)
    node.keepDownFor(outcome.fault.durationMs * 1000)
    this.#awaitRestart(outcome, [[node, before]])
  }

  #crashAll(outcome: Outcome, how: 'kill' | 'powerLoss'): void {
    const { nodes } = this.#options
    const random = this.#chance(outcome.fault)
    this.#tell(outcome.fault, 'all nodes')
    const before = nodes.map((node) => [node, node.incarnation] as const)
    for (const node of nodes) node.crash(how)
    assert(
      nodes.every((node) => node.process === undefined),
      'all nodes are down at once',
    )
    for (const node of nodes) node.keepDownFor(outcome.fault.durationMs * 1000 + random.integer(3_000_000))
    this.#awaitRestart(outcome, before)
  }

  /** A crash is observed when another process runs where the old one ran: asked again until the end of the run. */
  #awaitRestart(outcome: Outcome, before: readonly (readonly [SimNode, number])[]): void {
    this.#options.queue.schedule(AGAIN_US, null, () => {
      if (before.every(([node, incarnation]) => node.incarnation !== incarnation)) outcome.observed = true
      else this.#awaitRestart(outcome, before)
    })
  }

  /** Broken, and found to be; then the node is started anew, maybe once more without it, with the folder mended or replaced. */
  #breakFolder(outcome: Outcome, node: SimNode): void {
    const random = this.#chance(outcome.fault)
    const failedBefore = node.failedFolderCalls
    const end = random.integer(2) === 0 ? 'mended' : 'replaced'
    this.#broken.add(node)
    node.breakFolder('broken')
    const mend = (): void => {
      this.#broken.delete(node)
      node.breakFolder(end)
      this.#options.trace.tell('world', `${node.name}: its folder is ${end}`)
      this.#crash(outcome, node, 'kill')
    }
    const startWithout = (): void => {
      node.crash('kill')
      node.keepDownFor(AGAIN_US)
      this.#in(outcome.fault.durationMs * 1000, () => this.#whenUp(node, mend))
    }
    const isSeen = (): boolean => node.failedFolderCalls > failedBefore
    const next = random.integer(2) === 0 ? startWithout : mend
    this.#in(outcome.fault.durationMs * 1000, () => this.#whenUp(node, next, isSeen))
  }

  #whenUp(node: SimNode, then: () => void, isDue: () => boolean = () => true): void {
    if (node.state === 'up' && !node.paused && isDue()) then()
    else this.#in(AGAIN_US, () => this.#whenUp(node, then, isDue))
  }

  /** What is broken when all is over would never be in an ISR again. */
  #mendAtLast(node: SimNode): void {
    if (!this.#broken.delete(node)) return
    node.breakFolder('mended')
    if (node.process !== undefined) node.crash('kill')
  }

  #cut(outcome: Outcome): void {
    const { fault } = outcome
    if (fault.target.type !== 'link') throw new Error('a cut names its link')
    const { from, to } = fault.target
    this.#tell(fault, `${from}→${to}`)
    this.#trouble(outcome, this.#options.network.links.cut(fault.kind === 'cutOneWay' ? [[from, to]] : bothWays(from, to)))
  }

  #disturb(outcome: Outcome, noise: Noise): void {
    const { network, nodes } = this.#options
    this.#tell(outcome.fault, 'all links')
    const pairs = nodes.flatMap((left) => nodes.filter((right) => right !== left).map((right) => [left.nodeId, right.nodeId] as const))
    this.#trouble(outcome, network.links.disturb(pairs, noise))
  }

  #trouble(outcome: Outcome, trouble: Trouble): void {
    outcome.trouble = trouble
    this.#in(outcome.fault.durationMs * 1000, () => this.#endWhenSeen(outcome))
  }

  #endWhenSeen(outcome: Outcome): void {
    if (outcome.trouble !== undefined && outcome.trouble.hits === 0) this.#in(UNSEEN_AGAIN_US, () => this.#endWhenSeen(outcome))
    else this.#endTrouble(outcome)
  }

  #endTrouble(outcome: Outcome): void {
    const { trouble, fault } = outcome
    if (trouble === undefined) return
    outcome.trouble = undefined
    outcome.observed = trouble.hits > 0
    trouble.end()
    this.#options.trace.tell('world', `over: ${describeFault(fault)}, met by ${trouble.hits} messages`)
  }

  /** What the plan leaves open. */
  #chance({ id }: Fault): Random {
    return this.#options.random.fork(`fault ${id}`)
  }

  #tell(fault: Fault, where: string): void {
    this.#options.trace.tell('world', `FAULT ${describeFault(fault)}: ${where}`)
  }
}

const noises: Readonly<Record<'delay' | 'loss' | 'duplicate', Noise>> = {
  delay: { lossPerMille: 0, duplicatePerMille: 0, delayMinUs: 5_000, delayMaxUs: 250_000, reorder: true },
  loss: { lossPerMille: 150, duplicatePerMille: 0, delayMinUs: 0, delayMaxUs: 20_000, reorder: false },
  duplicate: { lossPerMille: 20, duplicatePerMille: 300, delayMinUs: 0, delayMaxUs: 30_000, reorder: true },
}

function bothWays(left: number, right: number): readonly (readonly [number, number])[] {
  return [
    [left, right],
    [right, left],
  ]
}
