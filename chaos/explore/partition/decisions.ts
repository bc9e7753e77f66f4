import { unreachable } from '../../../src/base/assert.ts'
import type { ControllerCommand, InternalCommand } from '../../../src/controller/commands.ts'
import { PairTable } from '../pair-table.ts'
import { partitionActions } from './actions.ts'
import { type Decided, REF, registration, statusOf } from './control.ts'
import type { Registers } from './registers.ts'
import type { Replica } from './replica.ts'
import type { World } from './world.ts'

export type CommandKind = 'fence' | 'unfence' | 'drain' | 'elect' | 'electUnclean' | 'prefer' | 'configure'

/** More images than a replica is ever behind. */
const MOST_PENDING = 64

/** What is asked of the active controller, and what it says: asked once, and known from then on. */
export class Decisions {
  readonly #registers: Registers
  readonly #decided: Decided[] = []
  /** By control, and command with its arguments. */
  readonly #commands = new PairTable()
  /** By control, and replica with what it found. */
  readonly #registrations = new PairTable()
  /** By control, and replica with how far it is behind. */
  readonly #reports = new PairTable()

  constructor(registers: Registers) {
    this.#registers = registers
  }

  command(world: World, at: number, which: number, kind: CommandKind): Decided {
    if (kind === 'unfence') return this.#command(this.#heard(world, at, []), kind, at, which)
    return this.#command(world.control, kind, at, which)
  }

  /** Of a new process. */
  register(world: World, at: number, which: number): Decided {
    const { controls, replicas } = this.#registers
    const asked = (world.replicas[at] as number) * 2 + which
    const known = this.#registrations.get(world.control, asked)
    if (known >= 0) return this.#decided[known] as Decided
    const starting = replicas.get(this.starting(world, at))
    const decided = controls.decide(world.control, registration(starting, this.found(world, at, which).damaged))
    this.#registrations.set(world.control, asked, this.#decided.length)
    this.#decided.push(decided)
    return decided
  }

  /** The replica as it is before its new process knows anything. */
  starting(world: World, at: number): number {
    const replica = this.#replica(world, at)
    return this.#registers.replicas.number({ ...replica, incarnation: replica.incarnation + 1 })
  }

  /** What recovery finds: a log that ends below what was noted of it is damaged (rules R3.3). `which` 1: nothing was noted. */
  found(world: World, at: number, which: number): { readonly mark: number; readonly damaged: boolean } {
    const { mark, durable, damaged } = this.#replica(world, at)
    const noted = which === 1 ? 0 : mark
    return { mark: noted, damaged: damaged || noted > durable.length }
  }

  /** What the controller is once a replica has told it about its log. */
  report(world: World, at: number): number {
    const asked = (world.replicas[at] as number) * MOST_PENDING + (world.pending[at] as number)
    let control = this.#reports.get(world.control, asked)
    if (control < 0) this.#reports.set(world.control, asked, (control = this.#report(world, at)))
    return control
  }

  #report(world: World, at: number): number {
    const { core, suspect, damaged } = this.#replica(world, at)
    if (core === undefined || core.state === undefined) return world.control
    const { partitionEpoch, lastEpoch, syncedEndOffset, role } = core
    return this.#heard(world, at, [{ ...REF, partitionEpoch, lastEpoch, syncedEndOffset, suspect, damaged: damaged || role === 'offline' }])
  }

  #heard(world: World, at: number, reports: Parameters<typeof statusOf>[2]): number {
    const { controls } = this.#registers
    const { nodeId } = this.#replica(world, at)
    const { image } = controls.get(world.control)
    const applied = { ...statusOf(image, nodeId, reports), appliedOffset: image.offset - (world.pending[at] as number) }
    return controls.hear(world.control, nodeId, applied)
  }

  #command(control: number, kind: CommandKind, at: number, which: number): Decided {
    const asked = partitionActions.code(kind, at, which)
    const known = this.#commands.get(control, asked)
    if (known >= 0) return this.#decided[known] as Decided
    const { controls, nodeIds } = this.#registers
    const nodeId = nodeIds[at] as number
    const brokerEpoch = controls.get(control).image.brokers.get(nodeId)?.brokerEpoch ?? -1
    const decided = controls.decide(control, commandOf(kind, { nodeId, brokerEpoch }, which))
    this.#commands.set(control, asked, this.#decided.length)
    this.#decided.push(decided)
    return decided
  }

  #replica(world: World, at: number): Replica {
    return this.#registers.replicas.get(world.replicas[at] as number)
  }
}

function commandOf(kind: CommandKind, broker: { readonly nodeId: number; readonly brokerEpoch: number }, which: number): ControllerCommand | InternalCommand {
  switch (kind) {
    case 'fence':
    case 'unfence':
    case 'drain':
      return { type: kind, ...broker }
    case 'elect':
      return { type: 'elect', partitions: [REF] }
    case 'prefer':
    case 'electUnclean':
      return { type: 'electLeaders', metadataOffset: null, unclean: kind === 'electUnclean', partitions: [REF], validateOnly: false }
    case 'configure':
      return {
        type: 'alterTopic',
        topicId: REF.topicId,
        partitions: 0,
        assignment: null,
        set: new Map([['min.insync.replicas', `${which}`]]),
        delete: [],
        validateOnly: false,
      }
    default:
      return unreachable(kind)
  }
}
