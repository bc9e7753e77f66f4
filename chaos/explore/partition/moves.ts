import { assert } from '../../../src/base/assert.ts'
import type { Partition } from '../../../src/replication/partition.ts'
import { type ActionKind, partitionActions } from './actions.ts'
import type { BoundName } from './bounds.ts'
import { checkWorld } from './checks.ts'
import { assignmentOf, type Decided, partitionOf, REF } from './control.ts'
import { DeadMessages } from './dead-messages.ts'
import { type CommandKind, Decisions } from './decisions.ts'
import { compactFetchIds, isFetchLost } from './fetch-ids.ts'
import { opened } from './opened-partition.ts'
import type { Registers } from './registers.ts'
import { incarnationId, type Outcome, type Replica } from './replica.ts'
import { afterCrash, afterLoss } from '../abstract-disk.ts'
import { produceIdOf } from './replica-step.ts'
import type { ReplicaInput } from './replicas.ts'
import type { State } from '../model.ts'
import { PairTable } from '../pair-table.ts'
import { pack, sortMessages, type World } from './world.ts'

/** More assignments than there ever are. */
const NOT_YET = 0x7fff_fffe

/** What each action does to the world. */
export class Moves {
  readonly #registers: Registers
  readonly #decisions: Decisions
  readonly #deadMessages: DeadMessages
  /** By image and replica. */
  readonly #assignments = new PairTable()
  readonly #placeOf: (message: number) => number

  constructor(registers: Registers) {
    this.#registers = registers
    this.#decisions = new Decisions(registers)
    this.#deadMessages = new DeadMessages(registers)
    const { messages, ordered } = registers
    this.#placeOf = ordered ? (message) => messages.wayOf(message) : (message) => message
  }

  /** Whether a possible action changes anything, and is allowed at this moment. */
  isWorthwhile(world: World, action: number): boolean {
    const { kind, at, which } = partitionActions.parts(action)
    switch (kind) {
      case 'soon':
        return this.#isChanging(world, at, 'soon', 0)
      case 'later':
        return (this.#registers.left.isLeft(world.left, 'timeouts') || this.isOverdue(world, at)) && this.#isChanging(world, at, 'later', 0)
      case 'lag':
        return this.#proposes(world, at)
      case 'produce':
        return this.#isChanging(world, at, 'produce', this.#produceId(world, which))
      case 'elect':
        return this.#registers.controls.canElect(world.control)
      case 'report':
        return this.#decisions.report(world, at) !== world.control
      case 'resend':
        return !world.messages.some((message) => this.#concerns(message, this.#replica(world, at)))
      case 'start':
        return this.#decisions.register(world, at, which).isEntry
      case 'prefer':
      case 'electUnclean':
      case 'configure':
      case 'drain':
        return this.#decisions.command(world, at, which, kind).isEntry
      case 'disconnect':
        return this.#isChanging(world, at, 'disconnect', this.#nodeId(which)) || this.#isChanging(world, which, 'disconnect', this.#nodeId(at))
      default:
        return true
    }
  }

  /** What it waits for will not come: an answer that is nowhere, or a time after which something is tried again. */
  isOverdue(world: World, at: number): boolean {
    const { core } = this.#replica(world, at)
    if (core === undefined) return false
    const { leader } = opened(core)._role
    if (leader === undefined) return isFetchLost(world, at, this.#registers)
    const retryTick = leader._isr._proposal?.retryTick ?? 0
    if (world.pending[at] === 0 && (retryTick > 0 || leader._isr._refusedUntil.size > 0)) return true
    return world.messages.length === 0 && [...leader._followers].some(([nodeId, { _waiting }]) => _waiting !== undefined && this.#isUntold(world, nodeId, core))
  }

  /** The answer that would have told the high watermark was not used: the next one comes when the fetch that waits now has waited for long enough. */
  #isUntold(world: World, nodeId: number, leader: Partition): boolean {
    const { core } = this.#replica(world, this.#registers.nodeIds.indexOf(nodeId))
    return core?.leaderEpoch === leader.leaderEpoch && core.highWatermark < leader.highWatermark
  }

  /** Changes `world`; the state that it is then. Throws what is wrong with it. */
  perform(world: World, action: number): State {
    const { kind, at, which } = partitionActions.parts(action)
    const acknowledged = this.#registers.histories.get(world.history).acknowledged.size
    this.#perform(world, kind, at, which)
    checkWorld(world, this.#registers, acknowledged)
    this.#deadMessages.drop(world)
    compactFetchIds(world, this.#registers)
    sortMessages(world.messages, this.#placeOf)
    return pack(world)
  }

  #spend(world: World, name: BoundName): void {
    world.left = this.#registers.left.spend(world.left, name)
  }

  #perform(world: World, kind: ActionKind, at: number, which: number): void {
    switch (kind) {
      case 'deliver':
      case 'lose':
      case 'duplicate':
        this.#message(world, kind, which)
        return
      case 'apply':
        this.#apply(world, at, which)
        return
      case 'complete':
      case 'soon':
        this.#step(world, at, kind, which)
        return
      case 'later':
        if (!this.isOverdue(world, at)) this.#spend(world, 'timeouts')
        this.#step(world, at, kind, 0)
        return
      case 'lag':
        this.#spend(world, 'isrChanges')
        this.#step(world, at, kind, 0)
        return
      case 'produce': {
        const produceId = this.#produceId(world, which)
        this.#spend(world, which < this.#registers.sentRecords(world.left) ? 'retries' : 'records')
        this.#step(world, at, kind, produceId)
        return
      }
      case 'crash':
      case 'spoil':
      case 'wipe':
      case 'stop':
        this.#end(world, kind, at, which)
        return
      case 'start':
        this.#start(world, at, which)
        return
      case 'report':
        world.control = this.#decisions.report(world, at)
        return
      case 'resend':
        world.messages.push(this.#replica(world, at).proposal)
        return
      case 'disconnect':
        this.#disconnect(world, at, which)
        return
      case 'failOver':
        this.#spend(world, 'failovers')
        world.control = this.#registers.controls.failOver(world.control)
        return
      default:
        this.#command(world, kind, at, which)
    }
  }

  #command(world: World, kind: CommandKind, at: number, which: number): void {
    if (kind === 'electUnclean') this.#spend(world, 'uncleanElections')
    if (kind === 'prefer') this.#spend(world, 'moves')
    if (kind === 'configure') this.#spend(world, 'configChanges')
    if (kind === 'drain') this.#spend(world, 'drains')
    if (kind === 'fence' && this.#replica(world, at).core !== undefined) this.#spend(world, 'fences')
    const decided = this.#decisions.command(world, at, which, kind)
    this.#decided(world, decided)
    if (kind !== 'electUnclean') return
    const { histories, controls } = this.#registers
    const { unclean, leaderEpoch } = partitionOf(controls.get(decided.control).image)
    if (unclean) world.history = histories.giveUp(world.history, leaderEpoch)
  }

  #replica(world: World, at: number): Replica {
    return this.#registers.replicas.get(world.replicas[at] as number)
  }

  #nodeId(at: number): number {
    return this.#registers.nodeIds[at] as number
  }

  #isChanging(world: World, at: number, input: ReplicaInput, argument: number): boolean {
    return this.#replica(world, at).core !== undefined && this.#try(world, at, input, argument) !== null
  }

  /** Null: nothing changes. What is wrong shows when it is performed. */
  #try(world: World, at: number, input: ReplicaInput, argument: number): Outcome | null | undefined {
    const outcome = this.#registers.replicas.tryStep(world.replicas[at] as number, input, argument)
    return outcome === undefined || outcome.isChanged ? outcome : null
  }

  #proposes(world: World, at: number): boolean {
    const outcome = this.#try(world, at, 'lag', 0)
    if (outcome === null || outcome === undefined) return outcome === undefined
    return this.#registers.replicas.get(outcome.replica).proposal !== this.#replica(world, at).proposal
  }

  #produceId(world: World, record: number): number {
    const { left } = this.#registers
    const isRetry = record < this.#registers.sentRecords(world.left)
    return produceIdOf(record, isRetry ? 1 + left.count(world.left, 'retries') : 0)
  }

  #step(world: World, at: number, input: ReplicaInput, argument: number): void {
    const { replicas, histories, messages } = this.#registers
    const outcome = replicas.step(world.replicas[at] as number, input, argument)
    world.replicas[at] = outcome.replica
    for (const sent of outcome.sends) if (this.#arrives(world, messages.get(sent).to)) world.messages.push(sent)
    world.history = histories.after(world.history, outcome.happenings, replicas.happenings(outcome.happenings))
  }

  /** What goes to a dead process goes nowhere. */
  #arrives(world: World, to: number): boolean {
    return to === 0 || this.#replica(world, this.#registers.nodeIds.indexOf(to)).core !== undefined
  }

  #message(world: World, kind: 'deliver' | 'lose' | 'duplicate', which: number): void {
    const number = world.messages[which] as number
    if (kind !== 'duplicate') world.messages.splice(which, 1)
    if (kind === 'lose') this.#spend(world, 'losses')
    if (kind === 'duplicate') this.#spend(world, 'duplicates')
    if (kind === 'lose') return
    const message = this.#registers.messages.get(number)
    if (message.type !== 'proposal') {
      this.#step(world, this.#registers.nodeIds.indexOf(message.to), 'deliver', number)
      return
    }
    const { from, brokerEpoch, leaderEpoch, partitionEpoch, isr } = message
    const proposal = { ...REF, leaderEpoch, partitionEpoch, isr }
    const decided = this.#registers.controls.decide(world.control, { type: 'alterPartition', nodeId: from, brokerEpoch, proposal })
    this.#decided(world, decided)
    const code = decided.reply.type === 'error' ? decided.reply.code : null
    // The client of the controller tries that again by itself (runtime/controller-client).
    if (code === 'NOT_CONTROLLER') return
    if (this.#isProcess(world, from, brokerEpoch))
      world.messages.push(this.#registers.messages.number({ type: 'isrAnswer', from: 0, to: from, proposal: number, code }))
  }

  #isProcess(world: World, nodeId: number, brokerEpoch: number): boolean {
    const replica = this.#replica(world, this.#registers.nodeIds.indexOf(nodeId))
    return replica.core !== undefined && replica.brokerEpoch === brokerEpoch
  }

  #decided(world: World, { control, isEntry }: Decided): void {
    world.control = control
    if (!isEntry) return
    world.images.push(this.#registers.controls.imageNumber(this.#registers.controls.get(control).image))
    for (let at = 0; at < world.pending.length; at++) if (this.#replica(world, at).core !== undefined) world.pending[at] = (world.pending[at] as number) + 1
  }

  /** The next `count` images at once: what lies between is not seen by anybody. */
  #apply(world: World, at: number, count: number): void {
    const pending = world.pending[at] as number
    const image = world.images[world.images.length - pending + count - 1] as number
    world.pending[at] = pending - count
    const assignment = this.#assignment(image, world.replicas[at] as number)
    if (assignment !== NOT_YET) this.#step(world, at, 'apply', assignment)
  }

  /** What the image with this number tells that replica. Before its own registration nothing is assigned (rules R5.4). */
  #assignment(number: number, replicaNumber: number): number {
    const known = this.#assignments.get(number, replicaNumber)
    if (known >= 0) return known
    const { controls, replicas } = this.#registers
    const replica = replicas.get(replicaNumber)
    const image = controls.image(number)
    const broker = image.brokers.get(replica.nodeId)
    const isRegistered = broker?.incarnationId === incarnationId(replica)
    const assignment = isRegistered ? replicas.assignNumber({ input: assignmentOf(image), brokerEpoch: broker.brokerEpoch }) : NOT_YET
    this.#assignments.set(number, replicaNumber, assignment)
    return assignment
  }

  /** The process ends; its disk keeps one of the things that it may keep. */
  #end(world: World, kind: 'crash' | 'spoil' | 'wipe' | 'stop', at: number, which: number): void {
    const replica = this.#replica(world, at)
    const { core, durable, memory } = replica
    assert(core !== undefined, 'a process that lives ends')
    const dead = { ...replica, core: undefined, round: undefined, proposal: -1, brokerEpoch: -1, mark: Math.max(0, core.highWatermark) }
    const { replicas } = this.#registers
    if (kind !== 'stop') this.#spend(world, kind === 'crash' ? 'crashes' : 'damage')
    let left: Replica
    if (kind === 'stop') left = { ...dead, durable: memory }
    else if (kind === 'crash') left = { ...dead, durable: afterCrash(durable, memory)[which] as readonly number[], suspect: true }
    else if (kind === 'wipe') left = { ...dead, durable: [], directory: replica.directory + 1, mark: 0, suspect: true, damaged: false, harmed: true }
    else
      left = { ...dead, durable: afterLoss(durable)[which >> 1] as readonly number[], damaged: replica.damaged || which % 2 === 1, suspect: true, harmed: true }
    world.replicas[at] = replicas.number({ ...left, memory: left.durable })
    world.pending[at] = 0
    world.messages = world.messages.filter((message) => this.#registers.messages.get(message).to !== replica.nodeId)
  }

  /** A new process, and its registration. */
  #start(world: World, at: number, which: number): void {
    const { replicas } = this.#registers
    const decided = this.#decisions.register(world, at, which)
    world.replicas[at] = replicas.start(this.#decisions.starting(world, at), this.#decisions.found(world, at, which))
    this.#decided(world, decided)
    world.pending[at] = 1
  }

  /** Whether a message is the pending proposal of the replica, or its answer. */
  #concerns(number: number, { nodeId, proposal }: Replica): boolean {
    if (number === proposal) return true
    const message = this.#registers.messages.get(number)
    return message.type === 'isrAnswer' && message.to === nodeId && message.proposal === proposal
  }

  #disconnect(world: World, at: number, other: number): void {
    this.#spend(world, 'losses')
    const [one, two] = [this.#nodeId(at), this.#nodeId(other)]
    world.messages = world.messages.filter((number) => {
      const { from, to } = this.#registers.messages.get(number)
      return !((from === one && to === two) || (from === two && to === one))
    })
    if (this.#replica(world, at).core !== undefined) this.#step(world, at, 'disconnect', two)
    if (this.#replica(world, other).core !== undefined) this.#step(world, other, 'disconnect', one)
  }
}
